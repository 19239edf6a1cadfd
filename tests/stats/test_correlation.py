"""Rank correlation, alpha and the slope on length, against scipy and statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.stats.correlation import length_slope, ordinal_alpha, spearman
from harness.stats.design import Design


def test_length_slope_against_statsmodels() -> None:
    """OLS on task-centred values; its interval from the fits that leave one task out, t by the tasks' leverages."""
    rng = np.random.default_rng(1)
    lengths = rng.integers(5, 900, (6, 40, 2)).astype(float)
    scores = np.clip(np.round(3 + 0.2 * np.log2(lengths) - 1 + rng.normal(0, 1, lengths.shape)), 1, 5)
    scores[0, :5] = np.nan
    found = length_slope(scores, lengths, Design(clusters=[None] * 40))
    x, y = np.log2(1 + lengths), scores.copy()
    known = ~np.isnan(y)
    groups = np.broadcast_to(np.arange(40)[None, :, None], y.shape)
    for task in range(40):
        here = known & (groups == task)
        x[here] -= x[here].mean()
        y[here] -= y[here].mean()
    x, y, groups = x[known], y[known], groups[known]
    slope = sm.OLS(y, x).fit().params[0]
    without = np.array([sm.OLS(y[groups != task], x[groups != task]).fit().params[0] for task in range(40)])
    leverage = np.array([(x[groups == task] ** 2).sum() for task in range(40)]) / (x**2).sum()
    half = stats.t.isf(0.025, 1 / (leverage**2).sum()) * np.sqrt(39 / 40 * ((without - slope) ** 2).sum())
    assert (slope, slope - half, slope + half) == pytest.approx((found.value, found.low, found.high), rel=1e-9)
    assert "least squares within tasks, CR3 over 40 clusters" == found.method
    assert (known.sum(), 10) == (found.n, found.n_unscored)


def test_length_slope_of_one_model_is_between_tasks_and_of_equal_lengths_is_nothing() -> None:
    """What cannot be computed is None with the reason; with one answer a task it says what it compares."""
    between = length_slope(
        np.arange(1.0, 7).reshape(1, 6, 1), 2 ** np.arange(1.0, 7).reshape(1, 6, 1) - 1, Design(clusters=[None] * 6)
    )
    assert (1.0, True) == (pytest.approx(between.value), "between tasks" in between.method)
    flat = length_slope(np.ones((2, 6, 1)), np.full((2, 6, 1), 9.0), Design(clusters=[None] * 6))
    assert (None, None, None, "no lengths to compare") == (flat.value, flat.low, flat.high, flat.method)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=3, max_size=40))
def test_spearman_is_scipys(pairs: list[tuple[int, int]]) -> None:
    """Ties get their mean rank; a constant has no rank correlation."""
    a, b = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    found = spearman(a, b)
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        assert None is found
    else:
        assert stats.spearmanr(a, b).statistic == pytest.approx(found, abs=1e-9)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.sampled_from([1, 2, 3, 5, None]), min_size=6, max_size=6), min_size=2, max_size=4))
def test_alpha_never_fails_and_does_not_care_who_is_first(ratings: list[list[int | None]]) -> None:
    """Whatever is missing: a number up to 1, or None; the order of raters and items changes nothing."""
    matrix = np.array(ratings, dtype=float)
    found = ordinal_alpha(matrix)
    assert found is None or found <= 1
    turned = ordinal_alpha(matrix[::-1, ::-1])
    assert (found is None) == (turned is None)
    assert found is None or found == pytest.approx(turned)
