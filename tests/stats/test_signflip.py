"""The sign-flip test against all sign patterns and scipy's permutation test, and where it is estimated."""

import itertools

import numpy as np
import pytest
from scipy import stats as scipy_stats

from harness.stats import (
    paired_comparison,
)
from harness.stats.design import Design
from harness.stats.signflip import exact_mid_p, monte_carlo_p, score_grid
from tests.stats.oracles import brute_force_mid_p, sign_flip_law


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("step", [1.0, 0.5, 1 / 3, 0.25])
def test_exact_mid_p_equals_all_sign_patterns(seed: int, step: float) -> None:
    """Whole scores, halves, thirds and quarters: the FFT agrees with 2^9 patterns, the tied sum 0 included."""
    rng = np.random.default_rng(seed)
    candidate, baseline = rng.integers(0, 5, (2, 9)) * step
    result = paired_comparison(candidate, baseline)
    expected = brute_force_mid_p(candidate - baseline) if (candidate != baseline).any() else 1.0
    assert result.p_value == pytest.approx(expected, rel=1e-12)
    assert result.p_method == "exact sign-flip mid-p"


def test_exact_p_equals_scipys_permutation_test() -> None:
    """The two-sided p of scipy's exhaustive sign permutation is our mid-p plus half the mass of the observed sum."""
    d = np.array([1, 0, -1, 2, 1, 0, 0, 1, -3, 1, 1, 2, 2])
    whole = scipy_stats.permutation_test(
        (d,), lambda x: abs(x.sum()), permutation_type="samples", n_resamples=np.inf, alternative="greater"
    ).pvalue
    sums = np.array(list(itertools.product((-1, 1), repeat=13))) @ d
    assert paired_comparison(d, np.zeros(13)).p_value == pytest.approx(whole - np.mean(abs(sums) == d.sum()) / 2)


def test_tiny_p_values_keep_their_digits() -> None:
    """All of 200 tasks won: one pattern of 2^200 on either side, half of it counted."""
    assert paired_comparison(np.full(200, 2), np.ones(200)).p_value == pytest.approx(2.0**-200, rel=1e-9)
    # 100 ones against 10 minus ones: a binomial tail of 1e-20, summed in exact arithmetic by scipy's beta functions.
    tail = scipy_stats.binom.sf(100, 110, 0.5) + scipy_stats.binom.pmf(100, 110, 0.5) / 2
    assert exact_mid_p(np.array([[110]]), np.array([90]))[0] == pytest.approx(2 * tail, rel=1e-9)


def test_many_tasks_meet_the_normal_law() -> None:
    """With 100,000 tasks the exact p is that of the normal approximation to three digits."""
    rng = np.random.default_rng(5)
    d = rng.choice([-2, -1, 0, 1, 2], 100_000, p=[0.1, 0.2, 0.4, 0.2, 0.1])
    z = d.sum() / np.sqrt((d.astype(float) ** 2).sum())
    result = paired_comparison(d, np.zeros(100_000))
    assert result.p_value == pytest.approx(2 * scipy_stats.norm.sf(abs(z)), rel=1e-3)
    assert result.p_method == "exact sign-flip mid-p"


def test_off_the_grid_the_p_is_monte_carlo_and_says_so() -> None:
    """Real-valued scores: seeded, repeatable, within four standard errors of all 2^12 patterns."""
    rng = np.random.default_rng(6)
    candidate, baseline = rng.normal(0.3, 1, 12), rng.normal(size=12)
    result = paired_comparison(candidate, baseline, design=Design(seed=3))
    expected = brute_force_mid_p(candidate - baseline)
    assert result.p_value == pytest.approx(expected, abs=4 * np.sqrt(expected / 99_999))
    assert result.p_method == "sign-flip Monte Carlo, 99,999 draws, seed 3"
    assert result.p_value == paired_comparison(candidate, baseline, design=Design(seed=3)).p_value
    assert result.p_value != paired_comparison(candidate, baseline, design=Design(seed=4)).p_value


def test_monte_carlo_agrees_with_the_exact_law() -> None:
    """On ordinal differences the drawn p is the share of patterns as extreme or more, ties in full."""
    d = np.random.default_rng(7).integers(-2, 4, 40)
    expected = sum(mass for total, mass in sign_flip_law(d).items() if abs(total) >= abs(d.sum()))
    drawn = monte_carlo_p(np.abs(d)[None].astype(float), np.array([float(d.sum())]))[0]
    assert drawn == pytest.approx(expected, abs=4 * np.sqrt(expected / 99_999))


def test_monte_carlo_is_never_zero() -> None:
    """No pattern drawn is as extreme: p is one in draws + 1, so that the test stays valid."""
    magnitudes = np.random.default_rng(22).uniform(1, 2, (1, 60))
    assert monte_carlo_p(magnitudes, magnitudes.sum(axis=1), draws=999)[0] == 1 / 1000


@pytest.mark.parametrize(
    ("values", "step", "expected"),
    [
        ([1, 2, 5], 1, 1.0),
        ([1, 1.5, 3], 1, 0.5),
        ([1, 4 / 3, 8 / 3], 1, 1 / 3),
        ([1, 1 + 1 / 7, 1 + 1 / 5], 1, 1 / 35),
        ([0.1, 0.4, 1.3], 1, 0.1),
        ([0, 37, 100], 1, 1.0),
        ([2.5, 3.5, None], 1, 1.0),
        ([0, 0.125, 0.25], 0.25, 0.125),
        ([0, np.pi], 1, None),
        ([0, 1e-4, 2000], 1, None),
        ([None, None], 1, 1.0),
        ([], 1, 1.0),
    ],
)
def test_the_grid_is_found(values: list[float | None], step: float, expected: float | None) -> None:
    """Steps, halves, thirds, mixed fractions, an offset; real numbers and too many levels have no grid."""
    scores = np.array(values, dtype=float)
    grid = score_grid(scores, step)
    if expected is None:
        assert grid is None
    else:
        assert grid is not None
        assert grid.step == pytest.approx(expected)
        known = ~np.isnan(scores)
        assert (grid.origin + grid.step * grid.codes)[known] == pytest.approx(scores[known])
        assert (grid.codes[~known] == -1).all()


def test_a_grid_too_costly_for_the_exact_test_falls_back_to_monte_carlo() -> None:
    """Two thousand tasks on a grid of 2,001 levels would take minutes: the method says what was done instead."""
    rng = np.random.default_rng(8)
    candidate, baseline = rng.integers(0, 2001, (2, 2000)).astype(float)
    candidate[:2] = 0, 2000
    assert (
        paired_comparison(candidate, baseline, design=Design(draws=999)).p_method
        == "sign-flip Monte Carlo, 999 draws, seed 0"
    )
