"""A day's quota: where the day begins, and how many calls it still has."""

from datetime import UTC, datetime, timedelta

import pytest

from harness.remote.quota import PACIFIC, CountsInMemory, day_of, next_day


@pytest.mark.parametrize(
    ("moment", "day", "following"),
    [
        ("2026-07-01T06:59:59", "2026-06-30", "2026-07-01T07:00:00"),  # summer time: seven hours behind
        ("2026-12-01T07:59:59", "2026-11-30", "2026-12-01T08:00:00"),  # winter time: eight
        ("2026-11-01T07:00:00", "2026-11-01", "2026-11-02T08:00:00"),  # the day of the change has 25 hours
        ("2026-03-08T08:00:00", "2026-03-08", "2026-03-09T07:00:00"),  # and this one 23
    ],
)
def test_midnight_in_california(moment: str, day: str, following: str) -> None:
    """As the tz database has it, over both changes of the clock."""
    now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert (day, following) == (day_of(now, PACIFIC), f"{next_day(now, PACIFIC).astimezone(UTC):%Y-%m-%dT%H:%M:%S}")


def test_a_moment_may_come_in_any_zone() -> None:
    """Japan's morning is California's evening before."""
    now = datetime.fromisoformat("2026-11-26T09:00:00+09:00")
    assert "2026-11-25" == day_of(now, PACIFIC)
    assert timedelta(hours=8) == next_day(now, PACIFIC) - now
    assert "2026-11-26" == day_of(now, "UTC")


def test_quotas_and_days_are_counted_apart() -> None:
    """One that is full fills no other."""
    counts = CountsInMemory()
    assert [True, False] == [counts.take("a", "1", 1), counts.take("a", "1", 1)]
    assert [True, True] == [counts.take("a", "2", 1), counts.take("b", "1", 1)]
    assert (1, 0) == (counts.used("a", "1"), counts.used("b", "2"))
