"""When an OpenAI-compatible server says that it can be asked again: each has its own headers for it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from harness.remote.call import seconds_to_wait, sensible_wait

_MILLISECONDS = 1000
_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|d|h|m|s)")
_PER_DAY = re.compile(r"per[ -_]day", re.IGNORECASE)
_MOMENT = 1e11  # of seconds since 1970, or of milliseconds: as many seconds are the year 5138


def wait_of(headers: Mapping[str, str], body: object, *, now: datetime | None = None) -> float | None:
    """Return how many seconds a refusal asks to wait, or None if it does not say so.

    ``Retry-After`` and ``retry-after-ms`` say it outright. Else what is used up says when it begins anew: OpenAI and
    Groq in ``x-ratelimit-reset-requests`` and ``-tokens`` as a duration, OpenRouter in ``X-RateLimit-Reset`` as a
    moment, which its error body repeats where the headers were those of another server.

    >>> wait_of({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2h59m56.5s"}, None)
    10796.5
    >>> told = {"metadata": {"headers": {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1741305600000"}}}
    >>> wait_of({}, told, now=datetime(2025, 3, 6, 23, tzinfo=UTC))
    3600.0
    """
    if (milliseconds := headers.get("retry-after-ms", "")).replace(".", "", 1).isdecimal():
        return sensible_wait(float(milliseconds) / _MILLISECONDS)
    if (wait := seconds_to_wait(headers)) is not None:
        return wait
    waits = [
        duration(headers.get(f"x-ratelimit-reset-{what}", ""))
        for what in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{what}") == "0"
    ]
    moment = _moment(headers) or _moment(_repeated(body))
    if moment is not None:
        waits.append(sensible_wait(moment - (now or datetime.now(UTC)).timestamp()))
    return max((wait for wait in waits if wait is not None), default=None)


def duration(text: str) -> float | None:
    """Return the seconds of ``1d2h3m4.5s``, ``20ms`` or a plain number, None for anything else.

    >>> duration("6m0s"), duration("20ms"), duration("1.5"), duration("soon")
    (360.0, 0.02, 1.5, None)
    """
    if text.replace(".", "", 1).isdecimal():
        return sensible_wait(float(text))
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sensible_wait(sum(float(number) * _UNITS[unit] for number, unit in parts))


def names_a_day(text: str) -> bool:
    """Return whether a refusal is about the quota of a day.

    >>> names_a_day("Rate limit exceeded: free-models-per-day"), names_a_day("requests per min (RPM)")
    (True, False)
    """
    return _PER_DAY.search(text) is not None


def _moment(headers: Mapping[str, str]) -> float | None:
    """Return the seconds since 1970 at which a quota that is used up begins anew."""
    if headers.get("x-ratelimit-remaining") != "0":
        return None
    reset = headers.get("x-ratelimit-reset", "")
    if not reset.isdecimal():
        return None
    return float(reset) / _MILLISECONDS if float(reset) > _MOMENT else float(reset)


def _repeated(body: object) -> dict[str, str]:
    metadata: Any = body.get("metadata") if isinstance(body, Mapping) else None
    headers = metadata.get("headers") if isinstance(metadata, Mapping) else None
    return {str(name).lower(): str(value) for name, value in headers.items()} if isinstance(headers, Mapping) else {}
