"""What a server allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.protocols import CallLimits

LIMITS = st.builds(
    CallLimits,
    requests_per_minute=st.none() | st.floats(0.1, 600),
    requests_per_day=st.none() | st.integers(1, 10_000),
    tokens_per_minute=st.none() | st.integers(1, 10**6),
)


@pytest.mark.parametrize(
    ("own", "other", "kept"),
    [
        (CallLimits(), CallLimits(requests_per_day=20), (None, 20, None)),
        (CallLimits(requests_per_day=500), CallLimits(requests_per_day=20, tokens_per_minute=9), (None, 500, 9)),
        (CallLimits(requests_per_minute=15), CallLimits(), (15, None, None)),
    ],
)
def test_a_limit_of_ones_own_goes_first(own: CallLimits, other: CallLimits, kept: tuple[float | None, ...]) -> None:
    """Each of the three by itself."""
    found = own.over(other)
    assert kept == (found.requests_per_minute, found.requests_per_day, found.tokens_per_minute)


@given(LIMITS, LIMITS, LIMITS)
def test_limits_are_laid_over_each_other_in_any_grouping(a: CallLimits, b: CallLimits, c: CallLimits) -> None:
    """The key's, the model's and the file's: what is said first holds, and no limit is nothing."""
    assert a.over(b).over(c) == a.over(b.over(c))
    assert a == a.over(CallLimits()) == CallLimits().over(a) == a.over(a)
