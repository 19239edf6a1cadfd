"""Intervals of differences end where the scale does, and nothing else of a board changes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.leaderboard import build_leaderboard
from harness.analysis.over_tries import over_tries
from harness.analysis.possible_range import cut_to, within_scale
from harness.analysis.tried import BoardLedger, TriedRow
from harness.types import Estimate
from tests.analysis.tables import table


def test_three_tasks_cannot_differ_by_more_than_the_scale() -> None:
    """1 to 5, over every try: between -4 and +4 wherever it stands; the sign and the verdict are what they were."""
    made = build_leaderboard("r", [table(np.array([[1.0, 5, 2], [5, 1, 4]]))], {}, baseline="m0")
    row = TriedRow(model="m1", prompt=None, place=3, p_value=0.6, low=-7.5, high=8.8)
    entry = BoardLedger(task="t", judge="j", date="2026-11-01", taskset="s", baseline="b", tries=3, earlier=2,
                        rows=(row,))  # fmt: skip
    before = over_tries(made, [entry])
    [old], [new] = before.boards[0].comparisons, within_scale(before).boards[0].comparisons
    assert (-7.5, 8.8) == (old.verdict.low, old.verdict.high), "this example needs no cut"
    assert new.tried is not None
    for found in (new.shown.difference, new.shown.simultaneous, new.verdict, new.tried):
        assert (-4, 4) == (found.low, found.high)
    assert new.shown.simultaneous.method.endswith("cut at the scale's ends")
    assert (old.verdict.code, old.shown.p_adjusted) == (new.verdict.code, new.shown.p_adjusted)
    assert old.result.difference.value == new.result.difference.value


def test_what_lies_within_stays_as_it_is() -> None:
    """Record for record, the method's name too."""
    scores = np.random.default_rng(4).integers(1, 6, (3, 40)).astype(float)
    made = build_leaderboard("r", [table(scores)], {}, baseline="m0")
    assert made == within_scale(made)


@given(*(st.floats(-9, 9) for _ in range(3)), st.floats(0.1, 9))
def test_any_interval(value: float, one: float, other: float, widest: float) -> None:
    """It keeps what it held of the possible differences, the value among them."""
    low, value, high = sorted((value, one, other))
    value = max(-widest, min(widest, value))
    low, high = min(low, value), max(high, value)
    made = cut_to(Estimate(value=value, low=low, high=high, confidence=0.95, n=3, n_unscored=0, method="t"), widest)
    assert made.low is not None
    assert made.high is not None
    assert -widest <= made.low <= value <= made.high <= widest
    assert made.low in {low, -widest}
    assert made.high in {high, widest}
