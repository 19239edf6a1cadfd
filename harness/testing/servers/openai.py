"""OpenAI's chat completions on the wire: replies and errors as servers of that kind give them."""

from typing import Any

from harness.testing.servers.loopback import Call, Step


def reply(
    text: str | None,
    *,
    version: str = "test-model-001",
    finish: str = "stop",
    tokens: tuple[int, int] = (100, 20),
    refusal: str | None = None,
) -> Step:
    """One choice."""
    message = {"role": "assistant", "content": text, "refusal": refusal}
    return Step({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": version,
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
        "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)},
    })  # fmt: skip


def no_choices() -> Step:
    """A reply without choices."""
    return Step({"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": []})


def error(status: int, message: str, *, code: str | None = None, kind: str | None = None, **headers: str) -> Step:
    """An OpenAI error body; headers are given with underscores."""
    body: dict[str, Any] = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return Step(body, status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})


def asked(call: Call) -> str:
    """The text of the last turn that the client sent."""
    return str(call.body["messages"][-1]["content"])
