"""Looks before the end."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from harness.errors import StatisticsError
from harness.stats.sequential import crossing_probability, obrien_fleming, spending_bounds
from tests.stats.conftest import Golden


def test_published_bounds(golden: Golden) -> None:
    """Jennison & Turnbull 2000, tables 2.1 and 2.3: four looks."""
    case = golden("sequential")["cases"][0]
    assert case["obf_z"] == pytest.approx(obrien_fleming(4).tolist(), abs=1.5e-3)
    shares = np.array(case["looks"]) / 100
    assert case["alpha_obf"] == pytest.approx(crossing_probability(shares, case["obf_z"]), abs=2e-5)
    assert case["alpha_pocock"] == pytest.approx(crossing_probability(shares, case["pocock_z"]), abs=2e-5)


@pytest.mark.parametrize(("looks", "last"), [(1, 1.960), (2, 1.977), (3, 2.004), (5, 2.040), (10, 2.087)])
def test_the_last_look_of_the_table(looks: int, last: float) -> None:
    """Jennison & Turnbull 2000, table 2.3, alpha .05."""
    assert last == pytest.approx(obrien_fleming(looks)[-1], abs=1e-3)


def test_published_spending_bounds() -> None:
    """Lan & DeMets' spending at two and at five equal looks, as the R package ldbounds prints them."""
    assert [2.963, 1.969] == pytest.approx(spending_bounds([0.5, 1.0]).tolist(), abs=1e-3)
    published = [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]
    assert published == pytest.approx(spending_bounds([0.2, 0.4, 0.6, 0.8, 1.0]).tolist(), abs=2e-3)


@pytest.mark.parametrize("shares", [[1.0], [0.5, 1.0], [0.3, 0.35, 0.9], [0.1, 0.2, 0.5, 1.0]])
def test_crossing_is_that_of_the_joint_normal(shares: list[float]) -> None:
    """Against scipy's multivariate normal over the box that no look leaves."""
    bounds = np.linspace(2.6, 1.9, len(shares))
    t = np.array(shares)
    correlation = np.sqrt(np.minimum.outer(t, t) / np.maximum.outer(t, t))
    inside = multivariate_normal.cdf(bounds, cov=correlation, lower_limit=-bounds, maxpts=200_000, abseps=1e-7)
    assert 1 - inside == pytest.approx(crossing_probability(shares, bounds), abs=2e-5)


@pytest.mark.parametrize("shares", [[], [0.5, 0.5], [0.0, 1.0], [0.5, 1.2]])
def test_shares_must_rise(shares: list[float]) -> None:
    """Looks come one after the other."""
    with pytest.raises(StatisticsError, match="rise"):
        spending_bounds(shares)


@pytest.mark.slow
def test_four_looks_err_as_seldom_as_one() -> None:
    """Ordinal differences without an effect, 25, 50, 75 and 100 tasks: at most 5.5 % ever cross."""
    differences = np.random.default_rng(1).choice([-2, -1, 0, 1, 2], (6000, 100), p=[0.1, 0.2, 0.4, 0.2, 0.1])
    bounds = obrien_fleming(4)
    crossed = np.zeros(6000, dtype=bool)
    for look, n in enumerate((25, 50, 75, 100)):
        part = differences[:, :n]
        crossed |= np.abs(part.mean(axis=1)) / (part.std(axis=1, ddof=1) / n**0.5) >= bounds[look]
    assert crossed.mean() <= 0.055
