"""When a refusal says that one may come back, as OpenAI, Groq and OpenRouter document their headers."""

from datetime import UTC, datetime
from typing import Any

import pytest

from harness.remote.rate_headers import duration, wait_of

NOW = datetime(2026, 11, 26, 20, tzinfo=UTC)
MIDNIGHT = "1795737600000"  # 2026-11-27T00:00:00Z in milliseconds: four hours later


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry-after": "7", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2h"}, None, 7.0),
        ({"retry-after-ms": "250", "retry-after": "7"}, None, 0.25),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "8h38m24s"}, None, 31_104.0),
        ({"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "8h38m24s"}, None, None),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "7.66s"}, None, 7.66),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": MIDNIGHT}, None, 14_400.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": MIDNIGHT[:-3]}, None, 14_400.0),
        ({}, {"metadata": {"headers": {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": MIDNIGHT}}}, 14_400.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "99999999999999999"}, None, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, None, None),
        ({}, {"metadata": "none"}, None),
        ({}, "text", None),
        ({}, None, None),
    ],
)
def test_wait_of(headers: dict[str, str], body: Any, seconds: float | None) -> None:
    """What the server says outright comes first; then what is used up; nonsense says nothing."""
    assert seconds == wait_of(headers, body, now=NOW)


@pytest.mark.parametrize("text", ["", "s", "5", "1h30", "-5s", "1x", "99999999999d"])
def test_durations_that_are_none(text: str) -> None:
    """A plain number is seconds; anything odd is nothing."""
    assert (5.0 if text == "5" else None) == duration(text)
