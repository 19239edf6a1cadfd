"""Families of p-values against statsmodels, and Sidak's level."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests

from harness.errors import StatisticsError
from harness.stats import benjamini_hochberg, holm, sidak_t_critical


@pytest.mark.parametrize("m", [1, 2, 7, 100])
def test_adjusted_p_values_equal_statsmodels(m: int) -> None:
    """Families of small and large p-values with ties, a zero and a one, in the order given."""
    p_values = np.round(np.random.default_rng(m).uniform(0, 1, m) ** 4, 2)
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1], rel=1e-12)
    assert benjamini_hochberg(p_values) == pytest.approx(multipletests(p_values, method="fdr_bh")[1], rel=1e-12)


@given(st.integers(1, 2000), st.integers(1, 500), st.sampled_from([0.8, 0.95, 0.99]))
def test_sidak_equals_scipys_quantile(n_comparisons: int, df: int, confidence: float) -> None:
    """Against scipy.stats at Sidak's level."""
    tail = -np.expm1(np.log(confidence) / n_comparisons)
    expected = scipy_stats.t.isf(tail / 2, df)
    assert sidak_t_critical(n_comparisons, df, confidence=confidence) == pytest.approx(expected, rel=1e-9)


def test_an_empty_family_is_empty() -> None:
    """No p-value, none adjusted."""
    assert holm([]).size == benjamini_hochberg([]).size == 0


@pytest.mark.parametrize("p_values", [[0.5, 1.2], [-0.1], [float("nan")], [[0.5]]])
def test_what_is_no_p_value_is_refused(p_values: list[float]) -> None:
    """Outside 0-1, NaN, or a table."""
    with pytest.raises(StatisticsError):
        holm(p_values)
    with pytest.raises(StatisticsError):
        benjamini_hochberg(p_values)


def test_impossible_families_are_refused() -> None:
    """No degree of freedom, no comparison."""
    with pytest.raises(StatisticsError, match="0 degrees of freedom"):
        sidak_t_critical(3, 0)
    with pytest.raises(StatisticsError, match="A family of 0 comparisons"):
        sidak_t_critical(0, 10)
