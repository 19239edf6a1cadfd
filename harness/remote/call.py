"""One call to a served model: what is asked, what comes back, and what can go wrong, whoever the server is."""

import email.utils
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from harness.types import Message

Trouble = Literal[
    "key", "quota", "model", "request", "rate", "server", "timeout", "network", "reply", "safety", "empty", "stopped"
]

_WORDS: Mapping[Trouble, str] = {
    "key": "key rejected",
    "quota": "quota exhausted",
    "model": "model not found",
    "request": "request refused",
    "rate": "rate limited",
    "server": "server error",
    "timeout": "timed out",
    "network": "no connection",
    "reply": "broken reply",
    "safety": "blocked for safety",
    "empty": "empty reply",
    "stopped": "stopped",
}
_AGAIN = frozenset[Trouble]({"rate", "server", "timeout", "network", "reply"})
_HOPELESS = frozenset[Trouble]({"key", "quota", "model"})
_ABOUT_THE_ITEM = frozenset[Trouble]({"safety", "empty"})

_LONGEST_DETAIL = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What is asked of a served model.

    ``temperature`` None leaves the server's default; ``schema`` is the JSON schema that the reply should follow, where
    the server can be told; ``repetition_penalty`` is sent only where the server knows it.
    """

    messages: tuple[Message, ...]
    max_tokens: int | None = None
    temperature: float | None = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    repetition_penalty: float | None = None
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a served model said. ``version`` is the model that the server says it used; tokens as it counts them.

    ``tokens_out`` holds thinking too, because it is billed as output.
    """

    text: str
    finish_reason: Literal["stop", "length"] = "stop"
    version: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None


class CallError(Exception):
    """A call that gave no reply, sorted by what can be done about it.

    The text starts with a stable phrase for the kind of trouble, so that reasons can be counted in a table.
    ``retry_after``: seconds after which the server says that it can be asked again. ``final``: no further call is made,
    to anyone, because too many have failed like this.

    >>> str(CallError("rate", "HTTP 429"))
    'rate limited: HTTP 429'
    """

    def __init__(
        self, trouble: Trouble, detail: str = "", *, retry_after: float | None = None, final: bool = False
    ) -> None:
        detail = " ".join(detail.split())
        if len(detail) > _LONGEST_DETAIL:
            detail = detail[:_LONGEST_DETAIL] + "…"
        super().__init__(f"{_WORDS[trouble]}: {detail}" if detail else _WORDS[trouble])
        self.trouble: Trouble = trouble
        self.detail = detail
        self.retry_after = retry_after
        self.final = final or trouble in _HOPELESS

    @property
    def may_pass(self) -> bool:
        """Whether the same call may succeed a little later."""
        return self.trouble in _AGAIN and not self.final

    @property
    def is_about_the_item(self) -> bool:
        """Whether the server works and only this prompt got no text."""
        return self.trouble in _ABOUT_THE_ITEM


class Client(Protocol):
    """A server to send prompts to, one at a time per thread, without retries."""

    @property
    def model(self) -> str:
        """The model's name as the server knows it."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """All that decides a reply besides the prompt, without keys: part of every fingerprint."""

    def send(self, prompt: Prompt) -> Reply:
        """Return the reply, or raise CallError."""


def sendable(text: str) -> str:
    r"""Return a text that can be encoded as UTF-8: lone surrogates become the replacement character.

    >>> sendable("a\ud800b")
    'a?b'
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def seconds_to_wait(headers: Mapping[str, str], *, now: float | None = None) -> float | None:
    """Return how many seconds a ``Retry-After`` header asks to wait (a number or a date), or None without one.

    >>> seconds_to_wait({"retry-after": "2.5"})
    2.5
    >>> seconds_to_wait({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, now=50)
    10.0
    """
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = email.utils.parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = date.timestamp() - (time.time() if now is None else now)
    return max(0.0, seconds) if seconds < float("inf") else None
