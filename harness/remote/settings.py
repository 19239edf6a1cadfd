"""The settings of served models: the tables of harness.toml under ``judges`` and ``models`` that bear their names."""

import base64
import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Literal, TypeVar
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

from harness.codec import decode
from harness.errors import InputError, MissingKeyError, ServiceSettingsError
from harness.locale import tr
from harness.protocols import CallLimits
from harness.remote.quota import PACIFIC
from harness.remote.redaction import HIDDEN, is_secret_segment, is_secret_value

_STRICT = {"extra": "forbid"}
S = TypeVar("S", bound="RemoteSettings")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSettings:
    """What every served model can be told. All times are in seconds.

    Attributes:
        model: the model's name, where the spec (``gemini:MODEL``) does not say it.
        base_url: another server than the vendor's; it may hold a user and a password (basic authentication).
        api_key_env: the environment variable that holds the key. A key itself never stands in a file.
        temperature: of a judge (a model to evaluate takes the run's); "default" leaves it to the server, for models
            that refuse 0.
        max_output_tokens: of a judge's reply, thinking included; unset leaves it to the server.
        requests_per_minute: calls are spaced to this; unset spaces nothing.
        requests_per_day: no more calls than this a day, over all commands that share a store.
        tokens_per_minute: calls are spaced to this as well, by the tokens that the server counts.
        in_flight: most calls at once; fewer while the server answers 429.
        timeout: for one try, from looking up the server's name to the reply's last byte.
        max_reply_bytes: a reply that is longer, unpacked, is refused.
        attempts: tries of one call, the first included.
        wait_initial, wait_max, wait_jitter: the back-off between tries doubles from the first up to the second, plus
            a random part up to the third. A ``Retry-After`` of the server replaces it.
        give_up_after: calls that fail for good in a row before the judge or model is given up.
        prices: a TOML file with prices, laid out like the shipped ``harness/remote/prices.toml`` and read before it.
    """

    __pydantic_config__ = _STRICT
    day_zone: ClassVar[str] = "UTC"
    """Where a day of ``requests_per_day`` begins at midnight."""
    model: str | None = None
    base_url: str | None = None
    api_key_env: str | None = None
    temperature: float | Literal["default"] = 0.0
    max_output_tokens: int | None = None
    requests_per_minute: float | None = None
    requests_per_day: int | None = None
    tokens_per_minute: int | None = None
    in_flight: int = 32
    timeout: float = 120.0
    max_reply_bytes: int = 4 * 1024 * 1024
    attempts: int = 8
    wait_initial: float = 1.0
    wait_max: float = 60.0
    wait_jitter: float = 1.0
    give_up_after: int = 10
    prices: str | None = None

    def __post_init__(self) -> None:
        for name in ("requests_per_minute", "timeout"):
            if (value := getattr(self, name)) is not None and not value > 0:
                raise ValueError(tr("{name} must be more than 0 (got {value:g})", name=name, value=value))
        for name in (
            "max_output_tokens", "max_reply_bytes", "in_flight", "attempts", "give_up_after", "requests_per_day",
            "tokens_per_minute",
        ):  # fmt: skip
            if (value := getattr(self, name)) is not None and value < 1:
                raise ValueError(tr("{name} must be at least 1 (got {value})", name=name, value=value))
        for name in ("wait_initial", "wait_max", "wait_jitter"):
            if (value := getattr(self, name)) < 0:
                raise ValueError(tr("{name} must not be negative (got {value:g})", name=name, value=value))

    @property
    def sent_temperature(self) -> float | None:
        """The temperature to send, or None for the server's default."""
        return None if self.temperature == "default" else float(self.temperature)

    @property
    def limits(self) -> CallLimits:
        """What the server allows."""
        return CallLimits(
            requests_per_minute=self.requests_per_minute,
            requests_per_day=self.requests_per_day,
            tokens_per_minute=self.tokens_per_minute,
        )

    def counted(self, tokens_in: int | None, tokens_out: int | None) -> int | None:
        """Return the tokens of a call that ``tokens_per_minute`` is about, None where nobody counted them."""
        return None if tokens_in is None else tokens_in + (tokens_out or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class GeminiSettings(RemoteSettings):
    """What Google's models can be told besides.

    Attributes:
        thinking_budget: tokens for thinking (0 turns it off where the model allows that, -1 lets the model decide).
        thinking_level: "minimal", "low", "medium" or "high", for models that take a level instead of a budget. Neither
            leaves it to the model; both at once the API refuses.
        safety: one threshold for every harm category ("OFF", "BLOCK_NONE", "BLOCK_ONLY_HIGH", …), or a table of
            category to threshold; unset leaves Google's defaults.
        api_version: of the API, where the SDK's default does not fit.
    """

    __pydantic_config__ = _STRICT
    thinking_budget: int | None = None
    thinking_level: str | None = None
    safety: str | Mapping[str, str] | None = None
    api_version: str | None = None
    day_zone: ClassVar[str] = PACIFIC

    def counted(self, tokens_in: int | None, tokens_out: int | None) -> int | None:  # noqa: ARG002 - of other servers
        """Return the tokens of a call that ``tokens_per_minute`` is about: Google counts those of the prompt."""
        return tokens_in


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAISettings(RemoteSettings):
    """What OpenAI-compatible servers can be told besides.

    Attributes:
        structured: how to ask for JSON: a "schema", a JSON object ("json"), neither ("text"), or "auto": a schema, and
            less from the moment that the server refuses it.
        repetition_penalty: whether a model to evaluate is sent the run's repetition penalty. vLLM, SGLang and TGI know
            the parameter, llama.cpp and Ollama ignore it, OpenAI refuses it. Unset: sent unless the server is OpenAI's.
        reasoning_effort: for models that reason.
        extra_body: further keys of the request's body, as the server names them.
        logprobs: whether a judge's score is the mean of 1 to 5 by their probabilities, which the server is asked for.
        most_outside: with ``logprobs``, the most probability outside 1 to 5 with which an answer still has a score.
    """

    __pydantic_config__ = _STRICT
    structured: Literal["auto", "schema", "json", "text"] = "auto"
    repetition_penalty: bool | None = None
    reasoning_effort: str | None = None
    extra_body: Mapping[str, Any] | None = None
    logprobs: bool = False
    most_outside: float = 0.1

    def __post_init__(self) -> None:
        RemoteSettings.__post_init__(self)
        if not 0 <= self.most_outside <= 1:
            raise ValueError(tr("most_outside lies between 0 and 1 (got {value:g})", value=self.most_outside))


def read_settings(
    kind: type[S], table: Mapping[str, Any], *, where: str, option: str | None, default: str | None = None
) -> S:
    """Return the settings of a table, with the model that the spec names, else the table's, else ``default``.

    Raises:
        InputError: a key is unknown or a value wrong.
        HarnessError: no model is named, or a key stands in the file.
    """
    if secret := next((key for key in table if key.replace("-", "_") in {"api_key", "key", "token"}), None):
        raise InputError(
            tr("{secret}: a key does not belong into a file.", secret=secret),
            path=where,
            hint=tr("Put it into an environment variable, and name that with api_key_env."),
        )
    chosen = option or table.get("model") or default
    settings = decode(kind, {**table, **({"model": chosen} if chosen else {})}, where=where)
    if not settings.model:
        name = where.strip("[]").rpartition(".")[2]
        raise ServiceSettingsError(
            tr("{where} names no model.", where=where),
            hint=tr('Write {name}:MODEL, or put model = "…" under {where} in harness.toml.', name=name, where=where),
        )
    return settings


_KEY = re.compile(r"[!#-&(-~]+")  # what a header may hold, without blanks and quotation marks


def find_key(settings: RemoteSettings, *names: str) -> str | None:
    """Return the API key from the first of the environment variables that holds one; wide letters are folded.

    Raises:
        MissingKeyError: what it holds can be no key; it is not shown.
    """
    for name in (settings.api_key_env,) if settings.api_key_env else names:
        if key := unicodedata.normalize("NFKC", os.environ.get(name, "")).strip():
            if not _KEY.fullmatch(key):
                raise MissingKeyError(
                    tr("What {name} holds is no API key: it has quotation marks, blanks or other letters.", name=name),
                    hint=tr("Copy the key again, and put it there without anything around it."),
                )
            return key
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A server's address, taken apart so that nothing secret in it is ever shown.

    Attributes:
        url: what is called, without user, password and query.
        auth: user and password.
        query: names and values that go with every call.
        shown: the whole address for people and fingerprints; what looks like a credential is ``***``.
        secrets: what must not appear anywhere.
    """

    url: str
    auth: tuple[str, str] | None = None
    query: tuple[tuple[str, str], ...] = ()
    shown: str
    secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Address({self.shown!r})"


def split_address(url: str) -> Address:
    """Return an address taken apart.

    >>> split_address("http://me:secret@localhost:8000/v1?api-key=k123&api-version=2").shown
    'http://localhost:8000/v1?api-key=***&api-version=2'

    Raises:
        HarnessError: it is not an http or https address.
    """
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        shown = _hidden(url.partition("?")[0].rpartition("@")[2].split("/"))
        raise ServiceSettingsError(
            tr("base_url {shown!r} is not an address.", shown=shown), hint=tr("Write it like http://localhost:8000/v1")
        )
    place = parts.netloc.rpartition("@")[2]
    auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username is not None else None
    segments = parts.path.split("/")
    found = [one for before, one in pairwise(["", *segments]) if is_secret_segment(unquote(one), unquote(before))]
    query = tuple(parse_qsl(parts.query, keep_blank_values=True))
    shown_query = "&".join(
        f"{quote(name)}={HIDDEN if is_secret_value(name, value) else quote(value)}" for name, value in query
    )
    return Address(
        url=urlunsplit(parts._replace(netloc=place, query="", fragment="")),
        auth=auth,
        query=query,
        shown=urlunsplit((parts.scheme, place, _hidden(segments), shown_query, "")),
        secrets=(
            *(text for one in found for text in (one, unquote(one))),
            *(value for name, value in query if is_secret_value(name, value)),
            *([auth[1] or auth[0], base64.b64encode(":".join(auth).encode()).decode()] if auth else []),
        ),
    )


def _hidden(segments: Sequence[str]) -> str:
    """Return a path without what looks like a credential in it."""
    pairs = pairwise(["", *segments])
    return "/".join(HIDDEN if is_secret_segment(unquote(one), unquote(before)) else one for before, one in pairs)
