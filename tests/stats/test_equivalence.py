"""Equivalence and the word that a comparison gets."""

import numpy as np
import pytest
from scipy.stats import t
from statsmodels.stats.weightstats import ttost_paired

from harness.errors import StatisticsError
from harness.stats.equivalence import Equivalence, decide, equivalence
from tests.stats.conftest import Golden
from tests.stats.scenarios import CEILING, MID, scenario


def of(differences: np.ndarray, margin: float) -> Equivalence:
    n = differences.size
    return equivalence(differences.mean(), differences.std(ddof=1) / n**0.5, n - 1, margin=margin)


def test_golden_tost(golden: Golden) -> None:
    """As statsmodels and pingouin."""
    (case,) = golden("tost")["cases"]
    shown = of(np.subtract(case["a"], case["b"]), case["margin"])
    assert case["p_tost"] == pytest.approx(shown.p_equal, rel=1e-9)
    assert case["p_lower"] == pytest.approx(shown.p_above, rel=1e-9)
    assert case["p_upper"] == pytest.approx(shown.p_below, rel=1e-9)
    assert case["ci90"] == pytest.approx([shown.low, shown.high], rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_as_statsmodels(seed: int) -> None:
    """Random scores, shifted both ways."""
    rng = np.random.default_rng(seed)
    a, b = rng.integers(1, 6, (2, 40)).astype(float)
    p, (_, above, _), (_, below, _) = ttost_paired(a, b, -0.4, 0.4)
    shown = of(a - b, 0.4)
    assert (p, above, below) == pytest.approx((shown.p_equal, shown.p_above, shown.p_below), rel=1e-9)


def test_a_level_of_several_is_stricter() -> None:
    """Each test at the level given, and the interval that goes with it; a half is none."""
    one, among = (equivalence(0.1, 0.1, 99, margin=0.3, level=level) for level in (None, 0.005))
    assert (True, False) == (one.is_equal, among.is_equal)
    assert (one.p_equal, one.level) == (among.p_equal, pytest.approx(0.05))
    assert among.high == pytest.approx(0.1 + 0.1 * float(t.isf(0.005, 99)))
    with pytest.raises(StatisticsError, match="level"):
        equivalence(0.1, 0.1, 99, margin=0.3, level=0.5)


def test_equal_scores_show_equality_without_an_error() -> None:
    """No spread: the tests are sure, one way or the other."""
    assert 0 == equivalence(0.0, 0.0, 9, margin=0.3).p_equal
    assert 1 == equivalence(0.5, 0.0, 9, margin=0.3).p_equal
    assert 0 == equivalence(0.5, 0.0, 9, margin=0.3).p_above


@pytest.mark.parametrize(
    ("difference", "se", "p_value", "word"),
    [
        (0.6, 0.15, 0.001, "better"),
        (-0.6, 0.15, 0.001, "worse"),
        (0.05, 0.01, 0.001, "better"),  # surely better, by little
        (0.0, 0.1, 1.0, "equal"),
        (0.25, 0.2, 0.2, "no_worse"),
        (-0.25, 0.2, 0.2, "undecided"),
        (0.0, 0.3, 1.0, "undecided"),
        (0.6, 0.15, None, "no_worse"),
    ],
)
def test_the_word(difference: float, se: float, p_value: float | None, word: str) -> None:
    """Better and worse go first; equality and no loss must be shown."""
    assert word == decide(difference, p_value, equivalence(difference, se, 99, margin=0.3))


def test_nothing_known_is_undecided() -> None:
    """Without a difference or an error nothing is claimed."""
    assert "undecided" == decide(None, None, None) == decide(0.2, None, None)


@pytest.mark.parametrize("margin", [0.0, -0.3, float("nan")])
def test_a_margin_is_positive(margin: float) -> None:
    """A margin of nothing shows nothing."""
    with pytest.raises(StatisticsError, match="margin"):
        equivalence(0, 0.1, 9, margin=margin)


@pytest.mark.slow
@pytest.mark.parametrize("marginal", [MID, CEILING])
def test_size_at_the_margin(marginal: tuple[float, ...]) -> None:
    """A true difference of exactly the margin is called equal in at most 5.5 % of boards."""
    candidates, baselines = scenario(marginal, marginal, 0.6).draw(4000, seed=21)
    margin = 0.3
    called = [of(row + margin, margin).p_equal <= 0.05 for row in candidates - baselines]
    assert 0.03 < np.mean(called) <= 0.055
