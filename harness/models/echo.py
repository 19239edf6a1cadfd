"""The model `echo`: answers with the prompt, for tests, dry runs and measuring the harness itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.types import Generation, ModelSpec, Request


@dataclass(frozen=True, slots=True)
class Echo:
    """A model whose answer is the last user message of the prompt. Tokens are counted in characters."""

    fingerprint: str = "echo.v1"

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        """Yield one answer per request, in order."""
        for request in requests:
            turns = [message.content for message in request.rendered.messages if message.role == "user"]
            text = turns[-1] if turns else ""
            yield Generation(
                request_key=request.key, text=text, tokens_in=len(request.rendered.text), tokens_out=len(text)
            )


def open_echo(spec: ModelSpec) -> Echo:  # noqa: ARG001 - every factory takes the spec, and echo has no settings
    """Return the echo model.

    >>> open_echo(ModelSpec(text="echo", label="echo", backend="echo")).fingerprint
    'echo.v1'
    """
    return Echo()
