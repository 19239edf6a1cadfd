"""What a scale allows."""

from hypothesis import given
from hypothesis import strategies as st

from harness.types import LIKERT_5, PASS_FAIL, PERCENT, UNIT, Scale


@given(st.integers(0, 10))
def test_a_scale_allows_its_steps_alone(step: int) -> None:
    """Tenths are no binary fractions and are on the scale all the same; halves between them are not."""
    tenths = Scale(low=0, high=1, step=0.1)
    assert tenths.allows(step / 10)
    assert not tenths.allows(step / 10 + 0.05)
    assert (tenths.covers(step / 10 + 0.05), UNIT.allows(step / 10)) == (step < 10, True)


def test_pass_or_fail_is_what_has_two_values() -> None:
    """A scale of any value between 0 and 1 is none, and neither is 1 to 5."""
    assert [True, False, False, False] == [one.is_pass_fail for one in (PASS_FAIL, UNIT, LIKERT_5, PERCENT)]
    assert ["0-1", "1-5", "0-100"] == [str(one) for one in (UNIT, LIKERT_5, PERCENT)]
