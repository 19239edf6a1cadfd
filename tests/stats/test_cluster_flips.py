"""The interval that clusters' sign flips leave: against the test itself, and how often it holds the truth."""

import itertools

import numpy as np
import pytest

from harness.stats import Design, paired_comparison
from harness.stats.cluster_flips import EXACT_CLUSTERS, flip_interval
from harness.stats.pairs import pair_intervals, pair_moments
from harness.types import LIKERT_5

SIZES = [30, 30, *[4] * 10]
NAMES = np.repeat(np.arange(12), SIZES)


def flip_p(sums: np.ndarray) -> float:
    """Return the two-sided p-value of a sum of clusters by counting every sign pattern, ties counted whole."""
    patterns = np.array(list(itertools.product([-1, 1], repeat=len(sums))))
    return float((np.abs(patterns @ sums) >= abs(sums.sum()) - 1e-9).mean())


@pytest.mark.parametrize("tail", [0.05, 0.1, 0.3])
def test_it_holds_exactly_what_the_test_does_not_reject(tail: float) -> None:
    """Just within each end p is above the tail, just beyond it is not."""
    rng = np.random.default_rng(3)
    sizes = np.array([9.0, 1, 4, 4, 2, 6, 1])
    sums = rng.normal(0.3, 1, 7) * sizes
    ends = flip_interval(sums, sizes, tail)
    assert ends is not None
    for end, inward in zip(ends, (1e-6, -1e-6), strict=True):
        assert flip_p(sums - (end + inward) * sizes) > tail
        assert flip_p(sums - (end - inward) * sizes) <= tail


def test_clusters_without_a_task_do_not_count() -> None:
    """They are no parting of their own; and too few clusters have no interval."""
    sums, sizes = np.array([5.0, 1, 2, 0, 3, 1, 4]), np.array([3.0, 2, 2, 0, 3, 1, 2])
    assert flip_interval(sums[sizes > 0], sizes[sizes > 0], 0.05) == flip_interval(sums, sizes, 0.05)
    assert flip_interval(sums[:5], sizes[:5], 0.05) is None


def test_of_many_clusters_partings_are_drawn() -> None:
    """Near the interval over every parting of sixteen clusters."""
    rng = np.random.default_rng(4)
    n = EXACT_CLUSTERS + 1
    sizes = rng.integers(1, 20, n).astype(float)
    sums = rng.normal(0.2, 1, n) * sizes
    parts = (np.arange(1, 1 << (n - 1))[:, None] >> np.arange(n)) & 1
    means = np.sort([(parts @ sums) / (parts @ sizes), ((1 - parts) @ sums) / ((1 - parts) @ sizes)], axis=0)
    exact = np.quantile(means[0], 0.05), np.quantile(means[1], 0.95)
    assert exact == pytest.approx(flip_interval(sums, sizes, 0.05), abs=0.03)


def test_clusters_of_unlike_sizes_have_it() -> None:
    """It is named, and no caution is left; clusters of one size, and too few for a flip to reject, keep t."""
    rng = np.random.default_rng(5)
    scores = rng.integers(1, 6, (2, 100)).astype(float)
    found = paired_comparison(*scores, LIKERT_5, Design(clusters=NAMES.tolist()))
    differences = scores[0] - scores[1]
    sums = np.bincount(NAMES, weights=differences)
    assert "sign flips of 12 clusters" == found.difference.method
    assert flip_interval(sums, np.array(SIZES, dtype=float), 0.05) == (found.difference.low, found.difference.high)
    assert () == found.cautions
    alike = paired_comparison(*scores, LIKERT_5, Design(clusters=[i // 10 for i in range(100)]))
    assert "paired t, CR2 over 10 clusters" == alike.difference.method
    few = paired_comparison(*scores, LIKERT_5, Design(clusters=np.repeat(range(5), [60, 10, 10, 10, 10]).tolist()))
    assert "paired t, CR2 over 5 clusters" == few.difference.method
    assert few.cautions


def test_two_large_clusters_among_small_ones_are_covered() -> None:
    """Half of the spread is the clusters': CR2 with Bell and McCaffrey's degrees of freedom held the truth in 93 %."""
    rng = np.random.default_rng(6)
    shared = rng.normal(size=(1500, 12))[:, NAMES]
    differences = np.clip(np.rint(3 * (shared + rng.normal(size=(1500, 100)))), -12, 12)
    rows, pairs = np.vstack([np.zeros((1, 100)), differences]), np.array([(place, 0) for place in range(1, 1501)])
    low, high = pair_intervals(pair_moments(rows, pairs, None, NAMES), 0.05, None)
    assert 0.935 <= np.mean((low <= 0) & (high >= 0)) <= 0.965
