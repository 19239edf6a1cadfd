"""The best of several on the same tasks: counted by hand, by brute force, and by simulation."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from harness.errors import StatisticsError
from harness.stats.best_of import BestOf, best_of
from harness.stats.design import Design
from harness.types import Scale


def counted(scores: np.ndarray, folds: int) -> float:
    """Return the cross-fitted mean over every way to split the tasks, by hand."""
    n, found = scores.shape[1], []
    for order in permutations(range(n)):
        fold = np.empty(n, dtype=int)
        fold[list(order)] = np.arange(n) % folds
        kept = [scores[scores[:, fold != fold[i]].mean(axis=1).argmax(), i] for i in range(n)]
        found.append(np.mean(kept))
    return float(np.mean(found))


def made(scores: object, **options: object) -> BestOf:
    """Return the best of scores, which there is."""
    best = best_of(scores, **options)  # type: ignore[arg-type]
    assert best is not None
    return best


def test_leaving_one_out_by_hand() -> None:
    """Without task 1 B is best (0, 3 against 2, 0), which has 0 there; so with every task."""
    scores = [[3.0, 2, 0], [0, 0, 3.5]]  # A, B
    best = made(scores, folds=3)
    assert (0, pytest.approx(5 / 3)) == (best.place, best.naive)
    # task 1: B (1.75 over 1.0) has 0; task 2: B (1.75 over 1.5) has 0; task 3: A (2.5 over 0) has 0
    assert 0 == best.honest.value
    assert 1 / 3 == best.agreement


@pytest.mark.parametrize("folds", [2, 3])
def test_as_all_ways_to_split(folds: int) -> None:
    """Six tasks, four candidates: 720 orders against drawn ones, within Monte Carlo error."""
    scores = np.random.default_rng(folds).normal(size=(4, 6))
    assert counted(scores, folds) == pytest.approx(made(scores, folds=folds, partitions=20_000).honest.value, abs=0.01)


def test_one_candidate_is_its_mean() -> None:
    """Nothing is chosen: naive and honest are one, and the interval is scipy's but for the drawn sign flips."""
    scores = np.random.default_rng(1).normal(size=(1, 80))
    best, theirs = made(scores), stats.ttest_1samp(scores[0], 0).confidence_interval()
    assert best.naive == pytest.approx(best.honest.value)
    assert theirs.high == pytest.approx(best.honest.high)
    assert theirs.low == pytest.approx(best.honest.low, abs=0.015)
    assert 1 == best.agreement


def test_never_above_the_naive_mean() -> None:
    """Whatever is best elsewhere has no more here than the best of all: their sums over everything say so."""
    rng = np.random.default_rng(2)
    for _ in range(200):
        best = made(rng.choice([0.0, 1, 2], (int(rng.integers(1, 6)), int(rng.integers(3, 12)))), partitions=3)
        assert best.honest.value <= best.naive + 1e-9


def test_chosen_without_luck() -> None:
    """Ten equal candidates: the best looks better than it is, cross-fitted it does not, and 95 % of intervals hold."""
    rng, drawn = np.random.default_rng(3), 300
    found = [made(rng.normal(size=(10, 40)) + rng.normal(size=40)) for _ in range(drawn)]
    naive = np.array([one.naive for one in found])
    honest = np.array([one.honest.value for one in found])
    assert naive.mean() > 0.15  # of a standard deviation of 1.4: a tenth of it is luck
    assert abs(honest.mean()) < 3.3 * honest.std(ddof=1) / np.sqrt(drawn)
    assert 0.05 > abs(honest.mean())
    held = sum(one.honest.low <= 0 <= one.honest.high for one in found)
    assert stats.binomtest(held, drawn, 0.95, alternative="less").pvalue > 0.001


def test_a_clear_winner_costs_nothing() -> None:
    """All folds choose it: honest and naive agree."""
    scores = np.random.default_rng(4).normal(size=(5, 50))
    scores[2] += 3
    best = made(scores)
    assert (2, 1) == (best.place, best.agreement)
    assert best.naive == pytest.approx(best.honest.value)


def test_clusters_stay_whole() -> None:
    """Copies of tasks in one cluster are worth no more than one of each; without clusters the interval is narrower."""
    rng = np.random.default_rng(5)
    once = rng.normal(size=(4, 30))
    names = [f"c{place}" for place in range(30)]
    alone, copied = made(once), made(np.tile(once, 4), design=Design(clusters=names * 4))
    assert alone.honest.high == pytest.approx(copied.honest.high)
    assert alone.honest.value == pytest.approx(copied.honest.value)
    assert made(np.tile(once, 4)).honest.high < alone.honest.high


def test_gaps_and_ends() -> None:
    """A task that one lacks is left out for all; an interval does not leave the scale; too little gives none."""
    scale = Scale(low=0, high=1)
    best = made([[1, 0.9, None, 1, 0.9, 1], [0.2, 0.1, 0.5, 0, 0, 0.4]], scale=scale)
    assert (0, 5, 1) == (best.place, best.honest.n, best.honest.n_unscored)
    assert best.honest.high is not None
    assert best.honest.high <= 1
    assert best_of(np.empty((0, 3))) is None
    assert best_of([[None, 1], [1, None]]) is None
    one = made([[1.0], [2.0]])
    assert (1, 2.0, None, None) == (one.place, one.naive, one.honest.value, one.honest.low)
    few = made(np.random.default_rng(6).normal(size=(2, 8)), design=Design(clusters=list("aabbccdd")))
    assert (None, 1) == (few.honest.low, len(few.cautions))
    assert made([[1.0, 1, 1], [0, 0, 0]]).honest.low is None


def test_what_is_refused() -> None:
    """One fold leaves nothing to choose by."""
    with pytest.raises(StatisticsError, match="Folds: 1"):
        best_of([[1, 2]], folds=1)
    with pytest.raises(StatisticsError, match="outside"):
        best_of([[1, 7]], Scale(low=1, high=5))
