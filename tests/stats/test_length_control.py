"""Win rates at equal lengths against statsmodels and the golden cases."""

import numpy as np
import pytest
import statsmodels.api as sm

from harness.errors import StatisticsError
from harness.stats import length_controlled_rate
from harness.stats.design import Design
from harness.stats.length_control import length_term
from tests.stats.conftest import Golden


def test_the_length_term_is_the_golden_one(golden: Golden) -> None:
    """Least squares on it give the golden intercept and slope of score differences."""
    case = golden("length_control")["cases"][0]
    columns = np.stack([np.ones(len(case["d"])), length_term(case["dlen"])], axis=1)
    found = np.linalg.lstsq(columns, np.array(case["d"]), rcond=None)[0]
    assert found == pytest.approx([case["a"], case["b"]], abs=1e-10)


def _shares(seed: int, n: int, a: float, b: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    gaps = rng.normal(80, 200, n)
    chance = 1 / (1 + np.exp(-(a + b * length_term(gaps))))
    return rng.binomial(4, chance) / 4, gaps


def test_it_is_a_logistic_regression() -> None:
    """Rate, slope and their robust errors equal statsmodels' fractional logit."""
    shares, gaps = _shares(1, 60, 0.3, 0.8)
    columns = sm.add_constant(length_term(gaps))
    robust = sm.GLM(shares, columns, family=sm.families.Binomial()).fit(tol=1e-12, cov_type="HC0")
    found = length_controlled_rate(shares, gaps)
    assert found.estimate.value == pytest.approx(1 / (1 + np.exp(-robust.params[0])), abs=1e-9)
    assert found.slope.value == pytest.approx(robust.params[1], abs=1e-8)
    half = (found.slope.high - found.slope.low) / 2
    assert half == pytest.approx(robust.bse[1] * np.sqrt(60 / 58) * 2.001717, rel=1e-5)  # t with 58 degrees of freedom


def test_clusters_are_the_unit() -> None:
    """Every task five times over, as families of five: the interval of one of each, but for degrees of freedom."""
    shares, gaps = _shares(2, 40, 0.2, 0.5)
    families = Design(clusters=np.repeat(np.arange(40), 5).tolist())
    once = length_controlled_rate(shares, gaps)
    many = length_controlled_rate(np.repeat(shares, 5), np.repeat(gaps, 5), families)
    assert many.estimate.high - many.estimate.low == pytest.approx(once.estimate.high - once.estimate.low, rel=0.02)


def test_a_preference_for_length_is_taken_out() -> None:
    """Equal answers of which one is longer: it wins more often, and half at equal lengths."""
    shares, gaps = _shares(3, 5_000, 0.0, 1.5)
    found = length_controlled_rate(shares, gaps)
    assert shares.mean() > 0.57
    assert found.estimate.value == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("shares", "gaps"),
    [
        ([1] * 20, list(range(20))),
        ([1, 0] * 4, list(range(8))),
        ([1, 0] * 10, [5] * 20),
        ([0] * 10 + [1] * 10, list(range(-10, 10))),
    ],
    ids=["all won", "few", "no difference", "parted by length"],
)
def test_without_a_finite_estimate_there_is_none(shares: list[float], gaps: list[float]) -> None:
    """Nothing is invented."""
    found = length_controlled_rate(shares, gaps)
    assert (found.estimate.value, found.estimate.low, found.slope.value) == (None, None, None)


def test_lengths_must_fit() -> None:
    """One difference for each share."""
    with pytest.raises(StatisticsError):
        length_controlled_rate([1, 0], [3])
