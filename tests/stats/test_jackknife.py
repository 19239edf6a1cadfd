"""Jackknife intervals against leaving out by hand, and their coverage with few items."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats as scipy_stats

from harness.errors import StatisticsError
from harness.stats import weighted_kappa
from harness.stats.design import Design
from harness.stats.jackknife import jackknife_kappa, jackknife_slope
from tests.stats import scenarios


def test_kappa_by_hand() -> None:
    """The value is that of `weighted_kappa`; the interval from one kappa without each cluster."""
    rng = np.random.default_rng(1)
    a = rng.integers(1, 6, 40).astype(float)
    b = np.clip(a + rng.integers(-1, 2, 40), 1, 5)
    codes = np.repeat(np.arange(10), 4)
    found = jackknife_kappa([*a, None], [*b, 3], Design(clusters=[*codes.tolist(), 0]))
    value = weighted_kappa(a, b).value
    left_out = np.arctanh([weighted_kappa(a[codes != g], b[codes != g]).value for g in range(10)])
    df = 1 / ((scipy_stats.kurtosis(left_out, fisher=False) - 1) / 20 + 1.5 / 10)
    half = scipy_stats.t.isf(0.025, df) * np.sqrt(9 / 10 * ((left_out - left_out.mean()) ** 2).sum())
    assert 2 < df < 9
    assert (found.value, found.n, found.n_unscored) == (pytest.approx(value), 40, 1)
    assert (found.low, found.high) == pytest.approx(
        (np.tanh(np.arctanh(value) - half), np.tanh(np.arctanh(value) + half))
    )


def test_degenerate_kappas() -> None:
    """Nothing in common, nobody varies, perfect agreement, too few items: a value or none, no interval."""
    assert jackknife_kappa([None, 1], [1, None]).value is None
    assert jackknife_kappa([3] * 9, [3] * 9).value is None
    perfect = jackknife_kappa([1, 2, 3, 4, 5, 1], [1, 2, 3, 4, 5, 1])
    assert (perfect.value, perfect.low) == (1, None)
    assert jackknife_kappa([1, 2, 3], [2, 2, 3]).low is None
    with pytest.raises(StatisticsError, match="1 first and 2 second"):
        jackknife_kappa([1], [1, 2])


def test_a_slope_by_hand() -> None:
    """Slopes without each cluster, t with 1 / sum of squared leverages degrees of freedom."""
    rng = np.random.default_rng(2)
    codes = np.repeat(np.arange(8), [2, 2, 4, 4, 6, 6, 8, 8])
    x = rng.normal(size=40)
    y = 0.5 * x + rng.normal(size=40)
    found = jackknife_slope(x, y, Design(clusters=codes.tolist()))
    slope = x @ y / (x @ x)
    left_out = np.array([x[codes != g] @ y[codes != g] / (x[codes != g] @ x[codes != g]) for g in range(8)])
    leverage = np.bincount(codes, weights=x * x) / (x @ x)
    half = scipy_stats.t.isf(0.025, 1 / (leverage**2).sum()) * np.sqrt(7 / 8 * ((left_out - slope) ** 2).sum())
    assert (found.value, found.low, found.high) == pytest.approx((slope, slope - half, slope + half))
    assert jackknife_slope([0, 0], [1, 2], Design(clusters=["a", "b"])).value is None
    assert jackknife_slope([1, 0, 0, 0, 0], [1, 2, 3, 4, 5], Design(clusters=list("abcde"))).low is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("marginal", "n", "least"),
    [(scenarios.MID, 20, 0.935), (scenarios.CEILING, 20, 0.935), (scenarios.CEILING, 30, 0.935)],
)
def test_coverage_of_kappa(marginal: Sequence[float], n: int, least: float) -> None:
    """Few items: the truth is held more often than by the normal interval without a transform."""
    a, b = scenarios.scenario(marginal, marginal, 0.6, n=400_000).draw(1, seed=1)
    truth = weighted_kappa(a[0], b[0]).value
    pairs = list(zip(*scenarios.scenario(marginal, marginal, 0.6, n=n).draw(1000, seed=2), strict=True))
    held, held_by_normal = (
        np.mean([one.low is not None and one.low <= truth <= one.high for one in (interval(*pair) for pair in pairs)])
        for interval in (jackknife_kappa, weighted_kappa)
    )
    assert held >= least, f"{held:.3f}"
    assert held > held_by_normal + 0.015


@pytest.mark.slow
@pytest.mark.parametrize("tasks", [20, 40])
def test_coverage_of_a_slope(tasks: int) -> None:
    """Two answers to each task, lengths spread unlike from task to task: at least .935."""
    rng, held = np.random.default_rng(4), 0
    codes = np.repeat(np.arange(tasks), 2).tolist()
    for _ in range(2000):
        half = rng.normal(size=tasks) * rng.lognormal(0, 0.5, tasks) / 2
        x = np.stack([-half, half], axis=1).ravel()
        noise = rng.normal(size=tasks)
        found = jackknife_slope(x, 0.3 * x + np.stack([-noise, noise], axis=1).ravel(), Design(clusters=codes))
        held += found.low <= 0.3 <= found.high
    assert held / 2000 >= 0.935, f"{held / 2000:.3f}"
