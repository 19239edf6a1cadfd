"""Which backends can be compared token by token, and which of them answer for a model in another's place."""

from collections.abc import Iterator, Sequence

from harness.protocols import ForcedAnswer, SecondEngine, ShowsNumbers, TokenNumbers
from harness.types import Generation, RenderedPrompt, Request, Sampling


class Numbers:
    """The least that can be compared."""

    def greedy_answers(self, prompts: Sequence[RenderedPrompt], sampling: Sampling) -> Sequence[tuple[int, ...]]:
        return [()] * len(prompts)

    def forced_answers(
        self, prompts: Sequence[RenderedPrompt], answers: Sequence[Sequence[int]]
    ) -> Sequence[ForcedAnswer]:
        return [ForcedAnswer(prompt=(), values=(0.0,) * len(answer)) for answer in answers]


class Plain:
    """A model with nothing but what every model has."""

    fingerprint = "1"

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        return iter(())


class Open(Plain):
    """One that shows its numbers."""

    def numbers(self) -> TokenNumbers:
        return Numbers()


class Second(Open):
    """One that another engine could answer for."""

    def reference(self) -> Open:
        return Open()


def test_a_backend_is_what_it_can_do() -> None:
    """By its methods alone."""
    assert [(False, False), (True, False), (True, True)] == [
        (isinstance(one, ShowsNumbers), isinstance(one, SecondEngine)) for one in (Plain(), Open(), Second())
    ]
