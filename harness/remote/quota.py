"""A day's quota of calls: which day it is where the server counts, when the next one begins, and how many were made."""

import threading
from collections import Counter
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

LONGEST_WAIT = 600.0
"""Seconds: a server that asks for more patience than this has no more quota for now."""

PACIFIC = "America/Los_Angeles"
"""Google counts a day from midnight there (ai.google.dev/gemini-api/docs/rate-limits, read on 2026-11-26)."""


def day_of(now: datetime, zone: str) -> str:
    """Return the day that a moment belongs to in a time zone.

    >>> from datetime import UTC
    >>> day_of(datetime(2026, 11, 26, 7, 59, tzinfo=UTC), PACIFIC)
    '2026-11-25'
    """
    return now.astimezone(_zone(zone)).date().isoformat()


def next_day(now: datetime, zone: str) -> datetime:
    """Return the moment at which the next day begins in a time zone, as UTC and summer time have it.

    >>> from datetime import UTC
    >>> next_day(datetime(2026, 11, 26, 7, 59, tzinfo=UTC), PACIFIC).astimezone(UTC).isoformat()
    '2026-11-26T08:00:00+00:00'
    """
    here = now.astimezone(_zone(zone))
    return datetime.combine(here.date() + timedelta(days=1), time(), tzinfo=_zone(zone))


def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)  # which a system without time zones knows, too


class CountsInMemory:
    """`harness.protocols.CallCounts` of one process, for a judge that nobody gave others. Thread-safe.

    >>> counts = CountsInMemory()
    >>> [counts.take("gemini", "2026-11-26", 2) for _ in range(3)], counts.used("gemini", "2026-11-26")
    ([True, True, False], 2)
    """

    def __init__(self) -> None:
        self._made: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def take(self, quota: str, day: str, most: int) -> bool:
        """Count one call, unless ``most`` were made."""
        with self._lock:
            if self._made[quota, day] >= most:
                return False
            self._made[quota, day] += 1
            return True

    def used(self, quota: str, day: str) -> int:
        """Return how many calls were counted."""
        with self._lock:
            return self._made[quota, day]
