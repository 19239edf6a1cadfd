"""Means over sets that are joined by design."""

import numpy as np
import pytest
from statsmodels.stats.weightstats import DescrStatsW

from harness.stats import mean_interval
from harness.stats.stratified import moments_of, stratified_interval, stratified_moments, stratum_codes
from harness.types import LIKERT_5, Scale


def test_the_textbook_formula() -> None:
    """Cochran 1977, 5.3-5.4 and 5.16, by statsmodels' means and variances of each stratum."""
    rng = np.random.default_rng(1)
    sizes = (100, 120, 60, 40)
    codes = np.repeat(np.arange(4), sizes)
    rows = rng.normal(codes, 1 + codes, (3, 320))
    found = stratified_moments(rows, codes)
    for place, row in enumerate(rows):
        parts = [DescrStatsW(row[codes == code]) for code in range(4)]
        shares = [size / 320 for size in sizes]
        terms = [share**2 * part.std_mean**2 for share, part in zip(shares, parts, strict=True)]
        assert sum(share * part.mean for share, part in zip(shares, parts, strict=True)) == pytest.approx(
            found.mean[place]
        )
        assert sum(terms) == pytest.approx(found.se[place] ** 2)
        df = sum(terms) ** 2 / sum(term**2 / (size - 1) for term, size in zip(terms, sizes, strict=True))
        assert df == pytest.approx(found.df[place])


def test_scores_missing_in_one_set_do_not_shift_the_shares() -> None:
    """Half of the easy set is missing: the mean stays what both sets make of it in their own shares."""
    row = [5.0] * 10 + [1.0] * 10
    missing = [5.0] * 5 + [np.nan] * 5 + [1.0] * 10
    codes = np.repeat([0, 1], 10)
    assert [3.0, 3.0] == stratified_moments([row, missing], codes).mean.tolist()


def test_a_set_without_scores_leaves_no_mean() -> None:
    """And one with a single score no error."""
    codes = np.repeat([0, 1], 3)
    none, single = [1, 2, 3, np.nan, np.nan, np.nan], [1, 2, 3, 4, np.nan, np.nan]
    found = stratified_moments([none, single], codes)
    assert [True, False] == np.isnan(found.mean).tolist()
    assert np.isnan(found.se).all()
    assert stratified_interval(none, codes, LIKERT_5) is None


def test_differences_between_sets_are_no_error() -> None:
    """One set much harder than the other: narrower than the plain interval, around the same mean."""
    rng = np.random.default_rng(2)
    codes = np.repeat([0, 1], 50)
    values = np.clip(np.round(np.where(codes == 0, 1.5, 4.5) + rng.normal(0, 0.5, 100)), 1, 5)
    stratified, plain = stratified_interval(values, codes, LIKERT_5), mean_interval(values, LIKERT_5)
    assert stratified is not None
    assert plain.value == pytest.approx(stratified.value)
    assert stratified.high - stratified.low < 0.5 * (plain.high - plain.low)  # type: ignore[operator]


def test_clusters_come_before_strata() -> None:
    """Clusters may lie across sets: their own error is taken."""
    scores = np.array([[1.0, 2, 3, 4], [2, 2, 4, 6]])
    pairs, clusters = np.array([[1, 0]]), np.array([0, 1, 0, 1])
    both = moments_of(scores, pairs, clusters, np.array([0, 0, 1, 1]))
    assert moments_of(scores, pairs, clusters, None).se.tolist() == both.se.tolist()


def test_no_strata() -> None:
    """One name, no name, or a set of a single task."""
    assert stratum_codes(None, 3) is None
    assert stratum_codes([None, None], 2) is None
    assert stratum_codes(["a", "a", "b"], 3) is None


@pytest.mark.slow
def test_coverage() -> None:
    """Four sets of unlike level and spread, ordinal scores, 320 tasks: 94-96 % of the 95 % intervals hold."""
    rng = np.random.default_rng(3)
    codes = np.repeat(np.arange(4), (100, 120, 60, 40))
    weights = np.array([[0.1, 0.1, 0.2, 0.3, 0.3], [0.4, 0.2, 0.2, 0.1, 0.1], [0.05, 0.05, 0.1, 0.2, 0.6], [0.2] * 5])
    truth = float((weights @ np.arange(1, 6))[codes].mean())
    cumulative = weights.cumsum(axis=1)[codes]
    held = []
    for _ in range(2000):
        values = 1.0 + (rng.random((320, 1)) > cumulative).sum(axis=1)
        found = stratified_interval(np.minimum(values, 5.0), codes, Scale(low=1, high=5))
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        held.append(found.low <= truth <= found.high)
    assert 0.935 <= np.mean(held) <= 0.965
