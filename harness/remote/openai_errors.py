"""What OpenAI-compatible servers say went wrong, in a refusal's body, in a reply with status 200, or in its choice.

Each has its own shape: OpenAI an object with message, type and code; Azure an ``innererror`` in it; OpenRouter a number
as code and what the provider said under ``metadata``; LM Studio sometimes a bare string; FastAPI's servers ``detail``.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx2

from harness.remote.call import CallError, Trouble, sorted_status
from harness.remote.quota import next_day
from harness.remote.rate_headers import names_a_day, wait_of

_BLOCKED = {"content_filter", "ResponsibleAIPolicyViolation", "invalid_prompt"}
_FLAGGED = "flagged_input"  # what OpenRouter keeps of a moderation
_TOO_LONG = re.compile(r"context[ _-]?(?:length|window|size)|exceed_context", re.IGNORECASE)
# llama.cpp's server, where a reply that the token limit cut is no beginning of what it asked the model for.
_UNFINISHED = "output that does not match the expected"
_NO_SUCH_PATH = re.compile(r"\bendpoint\b", re.IGNORECASE)
_FIRST_ERROR, _LAST_ERROR = 400, 599


def error_text(error: object) -> str:
    """Return the words of an error, whatever its shape.

    >>> error_text({"message": "no such model", "code": 404}), error_text("no model is loaded")
    ('no such model', 'no model is loaded')
    >>> error_text({"message": "Provider returned error", "metadata": {"raw": "overloaded", "provider_name": "X"}})
    'Provider returned error: overloaded'
    >>> error_text({"detail": "Not Found"})
    'Not Found'
    """
    if not isinstance(error, Mapping):
        return "" if error is None else str(error)
    words = next((error[name] for name in ("message", "detail") if error.get(name)), dict(error))
    text = words if isinstance(words, str) else json.dumps(words, ensure_ascii=False, default=str)
    raw = _inside(error, "metadata").get("raw")
    return f"{text}: {raw}" if isinstance(raw, str) and raw else text


def sorted_error(
    status: int, headers: Mapping[str, str], error: object, *, day_zone: str, shown: str = "HTTP"
) -> CallError:
    """Return what a server's error means. ``error``: the object or string that its body holds as such.

    ``shown``: what the status is called in the error's words.

    >>> azure = {"code": "content_filter", "message": "The prompt was filtered", "innererror": {}}
    >>> sorted_error(400, {}, azure, day_zone="UTC").trouble
    'safety'
    >>> sorted_error(400, {}, "the context length is 512", day_zone="UTC").trouble
    'context'
    """
    text = error_text(error)
    detail = f"{shown} {status} {text}".rstrip()
    if (trouble := _of_the_prompt(status, error, text)) is not None:
        return CallError(trouble, detail)
    wait = wait_of(headers, error)
    if status == httpx2.codes.TOO_MANY_REQUESTS and wait is None and names_a_day(text):
        return CallError("day", detail, until=next_day(datetime.now(UTC), day_zone))
    return sorted_status(
        status,
        detail,
        wait=wait,
        used_up="insufficient_quota" in _codes(error),
        names_a_quota=headers.get("x-ratelimit-remaining-requests") == "0",
    )


def error_in_reply(completion: object, *, day_zone: str) -> CallError | None:
    """Return the error that a reply with status 200 is or holds, None if it holds none.

    OpenRouter has answered with 200 before the provider fails, and LM Studio does so for paths that it does not know.
    A choice that ended by an error may hold the beginning of a text, which is no answer.
    """
    error, ended = getattr(completion, "error", None), None
    choices = getattr(completion, "choices", None)
    if not error and isinstance(choices, list) and choices:
        error, ended = getattr(choices[0], "error", None), getattr(choices[0], "finish_reason", None)
    if not error and ended != "error":
        return None
    return sorted_error(_status(error), {}, error, day_zone=day_zone, shown="HTTP 200, error")


def _status(error: object) -> int:
    """Return the HTTP status that an error would have had."""
    code = error.get("code") if isinstance(error, Mapping) else None
    if str(code).isdecimal() and _FIRST_ERROR <= int(str(code)) <= _LAST_ERROR:
        return int(str(code))
    if isinstance(error, str):
        missing = _NO_SUCH_PATH.search(error)
        return int(httpx2.codes.NOT_FOUND if missing else httpx2.codes.BAD_REQUEST)
    return int(httpx2.codes.BAD_GATEWAY)


def _of_the_prompt(status: int, error: object, text: str) -> Trouble | None:
    """Return what is wrong with this prompt alone, None if something else is."""
    if status == httpx2.codes.INTERNAL_SERVER_ERROR and _UNFINISHED in text:
        return "unfinished"
    if not _FIRST_ERROR <= status < httpx2.codes.INTERNAL_SERVER_ERROR:
        return None
    metadata = _inside(error, "metadata")
    if _BLOCKED & set(_codes(error)) or metadata.get(_FLAGGED):
        return "safety"
    may_be_length = status in {httpx2.codes.BAD_REQUEST, httpx2.codes.CONTENT_TOO_LARGE}
    return "context" if may_be_length and _TOO_LONG.search(" ".join([text, *_codes(error)])) else None


def _codes(error: object) -> list[str]:
    """Return the words by which programs know an error."""
    if not isinstance(error, Mapping):
        return []
    inner = _inside(error, "innererror")
    return [value for value in (error.get("code"), error.get("type"), inner.get("code")) if isinstance(value, str)]


def _inside(error: object, name: str) -> Mapping[str, Any]:
    found = error.get(name) if isinstance(error, Mapping) else None
    return found if isinstance(found, Mapping) else {}
