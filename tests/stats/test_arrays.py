"""Checked arrays and the few formulas under every interval, against scipy and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from harness.errors import StatisticsError
from harness.stats import arrays
from harness.types import LIKERT_5, UNIT, Scale


def test_no_score_is_nan_and_a_number_stays() -> None:
    """None and NaN alike; text that is no number is refused, and so is a ragged table."""
    found = arrays.score_array([[1, None], [float("nan"), 2.5]], ndim=2)
    assert found.dtype == np.float64
    np.testing.assert_array_equal([[1, np.nan], [np.nan, 2.5]], found)
    for wrong in ([["good"]], [[1, 2], [3]]):
        with pytest.raises(StatisticsError, match="not a regular array of numbers"):
            arrays.score_array(wrong, ndim=2)
    with pytest.raises(StatisticsError, match=r"have 1 dimensions, not 2: their shape is \(3,\)"):
        arrays.score_array([1, 2, 3], ndim=2)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, np.inf], "One of the ratings is infinite"),
        ([-np.inf, 2], "One of the ratings is infinite"),
        ([3, 6], "Score 6 at position 1 of the ratings is outside the 1-5 scale"),
        ([np.nan, 3, 0.5], "Score 0.5 at position 2 of the ratings is outside the 1-5 scale"),
    ],
)
def test_what_is_off_the_scale_is_named_with_its_place(values: list[float], message: str) -> None:
    """Between two steps is on the scale: a mean of raters lies there."""
    with pytest.raises(StatisticsError, match=message):
        arrays.score_array(values, LIKERT_5, name="ratings")
    assert 2.5 == arrays.score_array([2.5], LIKERT_5)[0]


@pytest.mark.parametrize(
    "scale", [Scale(low=5, high=1), Scale(low=1, high=1), Scale(low=0, high=np.inf), Scale(low=0, high=1, step=0)]
)
def test_a_scale_that_is_none_is_refused(scale: Scale) -> None:
    """Ends out of order, equal or infinite; a step of nothing."""
    with pytest.raises(StatisticsError):
        arrays.check_scale(scale)


def test_without_a_scale_there_is_no_span_and_a_step_of_one() -> None:
    """And without a step on a scale, too."""
    assert (None, 1.0) == (arrays.span_of(None), arrays.grid_step(None))
    assert (4, 1) == (arrays.span_of(LIKERT_5), arrays.grid_step(LIKERT_5))
    assert (1, 1.0, 0.5) == (
        arrays.span_of(UNIT), arrays.grid_step(UNIT), arrays.grid_step(Scale(low=0, high=1, step=0.5)),
    )  # fmt: skip


@pytest.mark.parametrize("m", [1, 2, 28, 1225])
def test_sidak_keeps_the_promise_for_all_together(m: int) -> None:
    """M independent intervals at the shared tail hold together with the confidence asked for."""
    assert 0.95 == pytest.approx((1 - arrays.tail_probability(0.95, m)) ** m, abs=1e-12)


@pytest.mark.parametrize(("confidence", "m"), [(0, 1), (1, 1), (1.2, 1), (0.95, 0)])
def test_no_confidence_and_no_family_are_refused(confidence: float, m: int) -> None:
    """Strictly between 0 and 1, and at least one comparison."""
    with pytest.raises(StatisticsError):
        arrays.tail_probability(confidence, m)


@pytest.mark.parametrize("tail", [0.05, 1e-12])
def test_t_critical_is_scipys_also_far_out(tail: float) -> None:
    """Where 1 - tail / 2 would be 1."""
    df = np.array([1.0, 4, 29.5, 1000])
    np.testing.assert_allclose(scipy_stats.t.isf(tail / 2, df), arrays.t_critical(df, tail), rtol=1e-9)


@pytest.mark.parametrize("n", [1, 10, 100])
def test_sure_share_is_clopper_and_pearsons(n: int) -> None:
    """The exact interval of n of n, as scipy has it."""
    exact = scipy_stats.binomtest(n, n).proportion_ci(0.95, method="exact")
    assert exact.low == pytest.approx(float(arrays.sure_share(n, 0.05)))


@given(st.floats(1, 5), st.floats(0, 10))
def test_a_bounded_interval_stays_on_the_scale_and_holds_its_value(value: float, half: float) -> None:
    """However wide."""
    low, high = arrays.bounded_interval(value, half, LIKERT_5)
    assert 1 <= low <= value + 1e-9
    assert value - 1e-9 <= high <= 5


def test_a_bounded_interval_leans_away_from_the_nearer_end() -> None:
    """In the middle it is symmetric, and narrow ones are the plain interval."""
    low, high = arrays.bounded_interval(3, 0.5, LIKERT_5)
    assert 3 - low == pytest.approx(high - 3)
    low, high = arrays.bounded_interval(4.6, 0.3, LIKERT_5)
    assert 4.6 - low > high - 4.6
    assert (4.6 - 1e-6, 4.6 + 1e-6) == pytest.approx(arrays.bounded_interval(4.6, 1e-6, LIKERT_5), abs=1e-11)
    assert (4.5, 5) == arrays.bounded_interval(5, 0.5, LIKERT_5)


def test_clusters_are_codes_and_a_task_without_one_is_its_own() -> None:
    """None is no name, not even where a cluster is called None or ''."""
    assert [0, 1, 0, 2, 3] == arrays.cluster_codes(["a", "b", "a", None, None], 5).tolist()
    assert [0, 1, 2] == arrays.cluster_codes(["", None, "None"], 3).tolist()
    assert None is arrays.shared_clusters(None, 3)
    assert None is arrays.shared_clusters(["a", None, "b"], 3)
    assert [0, 0, 1] == arrays.shared_clusters(["a", "a", "b"], 3).tolist()
    with pytest.raises(StatisticsError, match="2 cluster names for 3 tasks"):
        arrays.cluster_codes(["a", "b"], 3)


def test_rounding_is_no_variance() -> None:
    """Equal thirds differ in their last bit; values that differ do not vanish."""
    thirds = np.array([1 / 3] * 7)
    assert 0 == arrays.sum_of_squares(thirds - thirds.mean(), thirds)
    values = np.array([1.0, 2.0, 4.0])
    assert np.var(values) * 3 == pytest.approx(arrays.sum_of_squares(values - values.mean(), values))
