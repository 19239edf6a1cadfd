"""Rows and the words about them."""

from hypothesis import given
from hypothesis import strategies as st

from harness.tables import compact


@given(st.sets(st.integers(0, 60)))
def test_compact_loses_no_number(numbers: set[int]) -> None:
    """Expanding what `compact` prints gives the numbers back."""
    parts = [part.split("-") for part in compact(numbers).split(", ") if part]
    assert numbers == {number for part in parts for number in range(int(part[0]), int(part[-1]) + 1)}
