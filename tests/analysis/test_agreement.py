"""The simultaneous interval and the p-value beside it never contradict each other."""

from dataclasses import replace

import numpy as np
import pytest

from harness.analysis.agreement import agreeing
from harness.analysis.leaderboard import build_leaderboard
from harness.analysis.over_tries import over_tries
from harness.analysis.tried import BoardLedger, TriedRow
from harness.stats import PairedComparison, paired_comparison
from harness.types import LIKERT_5
from tests.analysis.tables import table
from tests.stats import scenarios


def made(value: float, low: float, high: float, p_value: float) -> PairedComparison:
    """A comparison with these figures."""
    found = paired_comparison([3.0, 4, 5], [2.0, 4, 3], LIKERT_5)
    return replace(
        found,
        p_adjusted=p_value,
        difference=replace(found.difference, value=value),
        simultaneous=replace(found.simultaneous, low=low, high=high),
    )


@pytest.mark.parametrize(
    ("value", "low", "high", "p_value", "expected"),
    [
        (0.4, -0.05, 0.85, 0.03, (0.0, 0.85)),
        (-0.4, -0.85, 0.05, 0.03, (-0.85, 0.0)),
        (0.4, 0.02, 0.78, 0.06, (0.0, 0.78)),
        (-0.4, -0.78, -0.02, 0.06, (-0.78, 0.0)),
        (0.4, 0.1, 0.7, 0.03, (0.1, 0.7)),
        (0.1, -0.3, 0.5, 0.6, (-0.3, 0.5)),
    ],
)
def test_an_interval_ends_at_0_where_it_would_contradict(
    value: float, low: float, high: float, p_value: float, expected: tuple[float, float]
) -> None:
    """On both sides; where both say the same nothing changes."""
    joint = agreeing(made(value, low, high, p_value), 0.95).simultaneous
    assert expected == (joint.low, joint.high)
    assert ((low, high) != expected) == ("up to 0" in joint.method)


def test_boards_never_contradict_themselves() -> None:
    """Sixty boards of five candidates with small gains; without this, some would."""
    contradict = {"before": 0, "after": 0}
    for seed, scores in enumerate(scenarios.equal_models(scenarios.MID, 0.85, (60, 6, 40), seed=50)):
        up = np.random.default_rng(seed).random((6, 40)) < np.linspace(0, 0.5, 6)[:, None]
        board = build_leaderboard("r", [table(np.minimum(scores + up, 5))], {}, baseline="m0").boards[0]
        for one in board.comparisons:
            joint, shows = one.result.simultaneous, one.verdict.code in ("better", "worse")
            assert joint.low is not None
            assert joint.high is not None
            inside, outside = joint.low < 0 < joint.high, joint.low > 0 or joint.high < 0
            contradict["after"] += inside if shows else outside
            contradict["before"] += "up to 0" in joint.method
    assert 0 == contradict["after"]
    assert contradict["before"] > 0


def test_so_do_figures_over_every_try() -> None:
    """Step-down p of .01 beside a single-step interval that holds 0: it ends there."""
    base = np.tile([2.0, 3.0, 3.0, 4.0], 10)
    scores = np.array([base, base + np.where(np.arange(40) % 2, 1.0, 0.0)])
    row = TriedRow(model="m1", prompt=None, place=3, p_value=0.01, low=-0.1, high=1.1)
    entry = BoardLedger(task="t", judge="j", date="2026-11-01", taskset="s", baseline="b", tries=3, earlier=2,
                        rows=(row,))  # fmt: skip
    [after] = over_tries(build_leaderboard("r", [table(scores)], {}, baseline="m0"), [entry]).boards[0].comparisons
    assert ("better", 0.0, 1.1) == (after.verdict.code, after.shown.simultaneous.low, after.shown.simultaneous.high)
    assert (0.0, 1.1) == (after.verdict.low, after.verdict.high)
