"""Planning figures against statsmodels and against the power they promise."""

import numpy as np
import pytest
from statsmodels.stats.power import TTestPower

from harness.errors import StatisticsError
from harness.stats import (
    Gain,
    minimum_detectable_effect,
    plan_board,
    required_n,
    required_n_with_repeats,
    t_test_power,
)


@pytest.mark.parametrize("n", [2, 5, 30, 100, 5000])
@pytest.mark.parametrize("effect", [0.0, 0.05, 0.5, 3.0])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.999])
def test_power_equals_statsmodels(n: int, effect: float, confidence: float) -> None:
    """Both tails of the noncentral t; with no effect the power is the level; where it is 1 statsmodels gives NaN."""
    expected = np.nan_to_num(TTestPower().power(effect, n, 1 - confidence), nan=1.0)
    assert t_test_power(effect, n, confidence=confidence) == pytest.approx(expected, rel=1e-9)


def test_power_of_a_huge_effect_is_one() -> None:
    """Where the lower tail runs out of digits the power is still a number."""
    assert t_test_power(50, 1000) == 1.0
    assert t_test_power(-0.5, 50) == t_test_power(0.5, 50)


@pytest.mark.parametrize("n", [2, 3, 10, 100, 1_000_000])
@pytest.mark.parametrize("power", [0.5, 0.8, 0.99])
def test_the_detectable_effect_has_the_promised_power(n: int, power: float) -> None:
    """Detectable effect and power are inverse to each other, in the unit of the scores."""
    effect = minimum_detectable_effect(1.7, n, power=power)
    assert effect is not None
    assert t_test_power(effect / 1.7, n) == pytest.approx(power, abs=1e-9)


@pytest.mark.parametrize("effect", [0.05, 0.1, -0.3, 1.0])
def test_the_required_tasks_have_the_promised_power(effect: float) -> None:
    """Required tasks and power are inverse to each other."""
    n = required_n(effect, 1.2, power=0.9)
    assert n is not None
    assert t_test_power(effect / 1.2, n) == pytest.approx(0.9, abs=1e-9)


def test_a_family_costs_power() -> None:
    """At Sidak's level of 28 comparisons more is needed, and no less than normal theory says."""
    alone, family = (minimum_detectable_effect(1, 100, n_comparisons=m) for m in (1, 28))
    assert alone is not None
    assert family is not None
    assert family / alone == pytest.approx((3.2029 + 0.8416) / (1.9842 + 0.8416), rel=0.01)


def test_unrelated_models_on_a_hundred_tasks() -> None:
    """Score differences of unrelated models spread by 1.45-1.66 points: gaps under .41-.47 cannot be resolved."""
    assert minimum_detectable_effect(1.45, 100) == pytest.approx(0.41, abs=0.005)
    assert minimum_detectable_effect(1.66, 100) == pytest.approx(0.47, abs=0.005)


def test_nothing_to_plan_with() -> None:
    """No spread known, or fewer than two tasks: no figure instead of a wrong one."""
    assert minimum_detectable_effect(None, 100) is None
    assert minimum_detectable_effect(0.0, 100) is None
    assert minimum_detectable_effect(1.0, 1) is None
    assert minimum_detectable_effect(float("nan"), 100) is None
    assert plan_board(None, 100).gains == ()
    assert plan_board(0.0, 100).minimum_detectable is None


def test_no_effect_needs_endless_tasks() -> None:
    """A difference of nothing, or next to nothing, is never detected; a huge one by two tasks."""
    assert required_n(0, 1) is None
    assert required_n(1e-7, 1) is None
    assert required_n(100, 1) == 2.0
    assert plan_board(1.0, 50, gains=[1e-7]).gains == (Gain(points=1e-7, tasks=None),)


def test_plan_rounds_up() -> None:
    """Tasks come whole: the planned number reaches the power, one less does not."""
    (gain,) = plan_board(1.1, 100, gains=[0.3]).gains
    assert gain.tasks is not None
    assert t_test_power(0.3 / 1.1, gain.tasks) >= 0.8 > t_test_power(0.3 / 1.1, gain.tasks - 1)


def test_millers_formula_approaches_the_exact_one() -> None:
    """Without repeats' noise, Miller's normal theory is a little below the noncentral t."""
    exact = required_n(0.1, 1.0)
    assert exact is not None
    assert required_n_with_repeats(0.1, omega2=1.0, sigma2_a=0, sigma2_b=0) == pytest.approx(exact - 1.92, abs=0.05)


@pytest.mark.parametrize(
    "call",
    [
        lambda: minimum_detectable_effect(1, 100, power=1.0),
        lambda: minimum_detectable_effect(1, 100, power=0.01),
        lambda: minimum_detectable_effect(1, 100, confidence=1.0),
        lambda: required_n(0.1, 0.0),
        lambda: required_n(0.1, float("nan")),
        lambda: required_n_with_repeats(0, omega2=1, sigma2_a=0, sigma2_b=0),
        lambda: required_n_with_repeats(0.1, omega2=-1, sigma2_a=0, sigma2_b=0),
        lambda: required_n_with_repeats(0.1, omega2=1, sigma2_a=0, sigma2_b=0, repeats_a=0),
    ],
)
def test_impossible_plans_are_refused(call: object) -> None:
    """A power of 1 or below the level, no spread, no effect, negative variances, no repeats."""
    assert callable(call)
    with pytest.raises(StatisticsError):
        call()


def test_simulated_power() -> None:
    """Four thousand samples of 25: the promised 80 % within three standard errors."""
    effect = minimum_detectable_effect(2.0, 25)
    assert effect is not None
    samples = np.random.default_rng(1).normal(effect, 2.0, (4000, 25))
    t = samples.mean(axis=1) / (samples.std(axis=1, ddof=1) / 5)
    assert np.mean(np.abs(t) > 2.063899) == pytest.approx(0.8, abs=0.019)
