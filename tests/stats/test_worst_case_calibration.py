"""Scores that are missing because of what they are: the bounds keep their promise, the plain interval does not.

HARNESS_REPLICATES sets the number of replicates (1,000 here; 20,000 give a Monte Carlo error of .0015).
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from harness.stats import FamilyComparison, compare_pairs, worst_case_mean
from harness.stats.design import Design
from harness.types import LIKERT_5
from tests.stats import scenarios
from tests.stats.conftest import Floats

pytestmark = pytest.mark.slow

REPLICATES = int(os.environ.get("HARNESS_REPLICATES", "1000"))
ROWS = 250
"""Replicates whose single means are checked as well: these go one by one."""
MONTE_CARLO = 3 * np.sqrt(0.95 * 0.05 / REPLICATES)

Missing = Callable[[Floats, Floats, np.random.Generator], tuple[Floats, Floats]]


def low_ones(share: float) -> Missing:
    """Leave the candidate's 1-3s unscored, at random among them, until ``share`` of all is missing."""

    def gaps(candidate: Floats, baseline: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
        low = candidate <= 3
        chance = share / low.mean()
        return np.where(low & (rng.random(candidate.shape) < chance), np.nan, candidate), baseline

    return gaps


def hardest(candidate: Floats, baseline: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Leave the candidate unscored on the fifth of the tasks that both did worst on."""
    hardness = candidate + baseline + rng.random(candidate.shape)
    cut = np.quantile(hardness, 0.2, axis=1, keepdims=True)
    return np.where(hardness <= cut, np.nan, candidate), baseline


def both_ends(candidate: Floats, baseline: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """All of the candidate's 1s and of the baseline's 5s: the worst case is the truth."""
    del rng
    return np.where(candidate == 1, np.nan, candidate), np.where(baseline == 5, np.nan, baseline)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mechanism:
    """A scenario, what is missing in it, and whether the intervals of what is left may be expected to fail."""

    scenario: Callable[[], scenarios.Scenario]
    missing: Missing
    is_sharp: bool = False


def mid(n: int = 100) -> scenarios.Scenario:
    """Two equal models of middling scores."""
    return scenarios.scenario(scenarios.MID, scenarios.MID, 0.6, n=n)


DESIGNS = {
    "10 % of all, among the 1-3s": Mechanism(scenario=mid, missing=low_ones(0.1)),
    "20 % of all, among the 1-3s": Mechanism(scenario=mid, missing=low_ones(0.2)),
    "near the ceiling, 10 %": Mechanism(scenario=scenarios.shifted, missing=low_ones(0.1)),
    "the hardest fifth": Mechanism(scenario=mid, missing=hardest),
    "thirty tasks, the hardest fifth": Mechanism(scenario=scenarios.NULL["S5 thirty tasks"], missing=hardest),
    "all 1s and the other's 5s": Mechanism(scenario=mid, missing=both_ends, is_sharp=True),
    "all 1s and the other's 5s, thirty tasks": Mechanism(scenario=lambda: mid(30), missing=both_ends, is_sharp=True),
}


@cache
def compared(name: str) -> tuple[scenarios.Scenario, Floats, FamilyComparison]:
    """Return the candidates' scores with gaps, and every replicate's comparison, in one call."""
    design = DESIGNS[name]
    scenario = design.scenario()
    candidates, baselines = design.missing(*scenario.draw(REPLICATES, seed=11), np.random.default_rng(12))
    rows = np.arange(REPLICATES)
    pairs = np.stack([rows, rows + REPLICATES], axis=1)
    return scenario, candidates, compare_pairs(np.vstack([candidates, baselines]), pairs, LIKERT_5)


@pytest.mark.parametrize("name", DESIGNS)
def test_the_bounds_hold_the_truth_and_every_comparison_says_so(name: str) -> None:
    """Coverage of at least .95 of the difference and of the mean over all tasks, and the caution every time."""
    design = DESIGNS[name]
    scenario, candidates, family = compared(name)
    found = family.comparisons
    truth = scenario.difference
    covered = np.mean([one.missing.low <= truth <= one.missing.high for one in found])
    assert covered >= 0.95 - MONTE_CARLO, f"difference {covered:.3f}"
    if design.is_sharp:
        assert covered <= 0.985, f"difference {covered:.3f}: the interval is wider than it need be"
    assert [one.missing.caution is not None for one in found] == [
        one.missing.candidate + one.missing.baseline > 0 for one in found
    ]
    level = float((scenarios.LEVELS[:, None] * scenario.table).sum())
    cases = [worst_case_mean(row, LIKERT_5) for row in candidates[:ROWS]]
    held = np.mean([case.low <= level <= case.high for case in cases])
    assert held >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / ROWS), f"mean {held:.3f}"


@pytest.mark.parametrize("name", ["20 % of all, among the 1-3s", "all 1s and the other's 5s"])
def test_without_the_bounds_the_check_fails(name: str) -> None:
    """The interval on the pairs that are left holds the truth far too seldom: what the bounds are for."""
    scenario, _, family = compared(name)
    held = [one.difference.low <= scenario.difference <= one.difference.high for one in family.comparisons]
    assert np.mean(held) < 0.9


def test_the_bounds_without_their_sampling_error_fail_too() -> None:
    """Worst and best case alone are estimates: where the worst is the truth they miss it half of the time."""
    scenario, _, family = compared("all 1s and the other's 5s")
    held = [one.missing.worst <= scenario.difference <= one.missing.best for one in family.comparisons]
    assert 0.4 < np.mean(held) < 0.6


def test_clustered_tasks() -> None:
    """Twenty clusters of five tasks, the candidate's lowest unscored: CR1 at both ends."""
    rng = np.random.default_rng(13)
    replicates = max(100, REPLICATES // 4)
    shared = rng.normal(size=(2, replicates, 20)).repeat(5, axis=2)
    scores = np.clip(np.rint(3 + shared * 0.7 + rng.normal(size=(2, replicates, 100))), 1, 5)
    candidates = np.where(scores[0] == 1, np.nan, scores[0])
    rows = np.arange(replicates)
    family = compare_pairs(
        np.vstack([candidates, scores[1]]),
        np.stack([rows, rows + replicates], axis=1),
        LIKERT_5,
        Design(clusters=np.repeat(np.arange(20), 5).tolist()),
    )
    covered = np.mean([one.missing.low <= 0 <= one.missing.high for one in family.comparisons])
    assert covered >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / replicates)
