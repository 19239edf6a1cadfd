"""One call to a served model: what is asked, what comes back, and what can go wrong, whoever the server is."""

import email.utils
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from harness.locale import Text, tr
from harness.remote.redaction import Secrets
from harness.types import LATER, Message

Trouble = Literal[
    "key",
    "quota",
    "day",
    "model",
    "request",
    "rate",
    "server",
    "timeout",
    "network",
    "reply",
    "size",
    "context",
    "safety",
    "empty",
    "unfinished",
    "stopped",
]

_WORDS: Mapping[Trouble, Text] = {
    "key": tr("key rejected"),
    "quota": tr("quota exhausted"),
    "day": tr("quota used up for now"),
    "model": tr("model not found"),
    "request": tr("request refused"),
    "rate": tr("rate limited"),
    "server": tr("server error"),
    "timeout": tr("timed out"),
    "network": tr("no connection"),
    "reply": tr("broken reply"),
    "size": tr("reply too long"),
    "context": tr("longer than the model's context"),
    "safety": tr("blocked for safety"),
    "empty": tr("empty reply"),
    "unfinished": tr("reply without an end"),
    "stopped": tr("stopped"),
}
_AGAIN = frozenset[Trouble]({"rate", "server", "timeout", "network", "reply"})
_HOPELESS = frozenset[Trouble]({"key", "quota", "day", "model"})
_ABOUT_THE_ITEM = frozenset[Trouble]({"safety", "empty", "unfinished", "context"})

_LONGEST_DETAIL = 300
_LONGEST_VERSION = 120
_LONGEST_QUOTA = 32 * 24 * 3600.0  # seconds: quotas are renewed by the month at most
_CHARACTERS = 40  # in a token, on average over a whole text: more than any tokenizer packs into one
_OF_THE_SERVERS_OWN = 16_384  # tokens: a chat template, a system text
_OF_THINKING = 1_024  # tokens: servers end a little late
_LONGEST_REPLY = 262_144  # tokens, where no limit was asked for; thinking included


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What is asked of a served model.

    ``temperature`` None leaves the server's default; ``schema`` is the JSON schema that the reply should follow, where
    the server can be told; ``repetition_penalty`` is sent only where the server knows it; ``top_logprobs`` asks for the
    log-probabilities of so many tokens at every place.
    """

    messages: tuple[Message, ...]
    max_tokens: int | None = None
    temperature: float | None = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    repetition_penalty: float | None = None
    schema: Mapping[str, Any] | None = None
    top_logprobs: int | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyToken:
    """A token of a reply, and the log-probabilities (natural) of it and of others that could stand there."""

    text: str
    choices: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a served model said. ``version`` is the model that the server says it used; tokens as it counts them.

    ``tokens_out`` holds thinking too, because it is billed as output. ``tokens``: those of the text, where they were
    asked for and the server gives them.
    """

    text: str
    finish_reason: Literal["stop", "length"] = "stop"
    version: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens: tuple[ReplyToken, ...] = ()


def _each_text(detail: str, change: Callable[[str], str]) -> str:
    """Return a server's words changed, also where they are the values of a message of ours."""
    if not isinstance(detail, Text):
        return change(detail)
    values = {
        name: change(value) if isinstance(value, str) and not isinstance(value, Text) else value
        for name, value in detail.values.items()
    }
    return Text(detail.msgid, values, detail.plural, detail.n)


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text[:_LONGEST_DETAIL] + "…" if len(text) > _LONGEST_DETAIL else text


class CallError(Exception):
    """A call that gave no reply, sorted by what can be done about it.

    The text, which ``said`` can say in any language, starts with a phrase for the kind of trouble.
    ``retry_after``: seconds after which the server says that it can be asked again. ``names_a_quota``: a refusal says
    when to come back, or which quota is full. ``until``: when a quota that is used up for now begins anew.
    ``final``: no further call is made, to anyone, because too many have failed like this.

    >>> str(CallError("rate", "HTTP 429"))
    'rate limited: HTTP 429'
    """

    def __init__(
        self,
        trouble: Trouble,
        detail: str = "",
        *,
        retry_after: float | None = None,
        names_a_quota: bool = False,
        until: datetime | None = None,
        final: bool = False,
    ) -> None:
        detail = _each_text(detail, _shortened)
        what = _WORDS[trouble]
        self.said = tr("{what}: {detail}", what=what, detail=detail) if detail else what
        super().__init__(str(self.said))
        self.trouble: Trouble = trouble
        self.detail = detail
        self.retry_after = retry_after
        self.until = until
        self.names_a_quota = names_a_quota or retry_after is not None
        self.is_noise = False  # set where a refusal says nothing about how many calls are made
        self.final = final or trouble in _HOPELESS

    def without(self, secrets: Secrets) -> "CallError":
        """Return the same error without secrets in its text."""
        return CallError(
            self.trouble,
            _each_text(self.detail, secrets.hide),
            retry_after=self.retry_after,
            names_a_quota=self.names_a_quota,
            until=self.until,
            final=self.final,
        )

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

    @property
    def quota(self) -> str:
        """Whose quota its calls count in: the server, the model and a digest of the key."""

    def send(self, prompt: Prompt) -> Reply:
        """Return the reply, or raise CallError."""

    def hurried(self, seconds: float) -> "Client":
        """Return the same client, whose calls take no longer than so many seconds."""

    def models(self) -> Sequence[str]:
        """Return the names of the server's models, none if it lists none, or raise CallError."""


def sendable(text: str) -> str:
    r"""Return a text that can be encoded as UTF-8: lone surrogates become the replacement character.

    >>> sendable("a\ud800b")
    'a?b'
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def storable(text: str) -> str:
    r"""Return a received text that can be stored and sent on: lone surrogates become the replacement character.

    >>> storable("a\ud800b")
    'a\ufffdb'
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def shown_version(claim: object, secrets: Secrets) -> str | None:
    """Return the model that a server says it used, if it says so in a word or two."""
    if not isinstance(claim, str):
        return None
    return secrets.hide(storable(claim))[:_LONGEST_VERSION]


def sorted_status(
    status: int, detail: str, *, wait: float | None = None, used_up: bool = False, names_a_quota: bool = False
) -> CallError:
    """Return what an HTTP status means. ``used_up``: the body says that waiting for the quota is of no use.

    >>> sorted_status(503, "busy").trouble, sorted_status(422, "no").trouble, sorted_status(402, "pay").trouble
    ('server', 'request', 'quota')
    """
    known: dict[int, Trouble] = {
        401: "key", 402: "quota", 403: "key", 404: "model", 408: "timeout", 504: "timeout", 409: "server",
    }  # fmt: skip
    trouble = known.get(status)
    if status == 429:  # noqa: PLR2004 - the HTTP status by its name in every document
        trouble = "quota" if used_up else "rate"
    if trouble is None:
        trouble = "request" if 400 <= status < 500 else "server"  # noqa: PLR2004 - likewise
    return CallError(trouble, detail, retry_after=wait, names_a_quota=names_a_quota)


def counted(prompt: Prompt, text: str, tokens_in: object, tokens_out: object) -> tuple[int | None, int | None]:
    """Return a server's token counts, each None unless it is one that this prompt and this text can have.

    No tokenizer has more tokens than bytes, besides what a server adds itself, or packs forty characters into each; no
    reply has more tokens than were asked for, with room for servers that do not count thinking.

    >>> prompt = Prompt(messages=(Message(role="user", content="日本の首都は？"),), max_tokens=10)
    >>> counted(prompt, "東京", 12, 3), counted(prompt, "東京", -5, 10**9), counted(prompt, "東京", True, "3")
    ((12, 3), (None, None), (None, None))
    """
    said = "".join(message.content for message in prompt.messages)
    most_in = len(said.encode("utf-8", "replace")) + len(str(prompt.schema or "")) + _OF_THE_SERVERS_OWN
    most_out = _LONGEST_REPLY if prompt.max_tokens is None else 2 * prompt.max_tokens + _OF_THINKING
    least_in, least_out = math.ceil(len(said) / _CHARACTERS), math.ceil(len(text) / _CHARACTERS)
    return _within(tokens_in, least_in, most_in), _within(tokens_out, least_out, most_out)


def _within(claim: object, least: int, most: int) -> int | None:
    return claim if type(claim) is int and least <= claim <= most else None


def seconds_to_wait(headers: Mapping[str, str], *, now: float | None = None) -> float | None:
    """Return how many seconds a ``Retry-After`` header asks to wait (number or date), or None without a sensible one.

    >>> seconds_to_wait({"retry-after": "2.5"})
    2.5
    >>> seconds_to_wait({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, now=50)
    10.0
    >>> seconds_to_wait({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}) is None
    True
    """
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        return sensible_wait(float(value))
    except ValueError:
        pass
    try:
        moment = email.utils.parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    seconds = moment - (time.time() if now is None else now)
    return sensible_wait(max(0.0, seconds))  # a date that has passed is no nonsense: by another clock


def sensible_wait(seconds: float) -> float | None:
    """Return seconds that a server may ask one to wait, or None: they are negative, no number, or years.

    >>> sensible_wait(60.0), sensible_wait(-1.0), sensible_wait(float("nan")), sensible_wait(1e12)
    (60.0, None, None, None)
    """
    return seconds if 0 <= seconds <= _LONGEST_QUOTA else None
