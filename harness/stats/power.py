"""What a board can resolve: minimum detectable effects, tasks and repeats needed.

Everything is about the mean of one difference per task, tested by a two-sided t test.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, inf, sqrt

import numpy as np
from scipy.special import nctdtr, ndtri

from harness.errors import StatisticsError
from harness.locale import tr
from harness.stats.arrays import t_critical, tail_probability
from harness.stats.design import PLAIN, Design
from harness.stats.signflip import ROUNDING

GAINS = (0.1, 0.2, 0.3)
"""The gains, in points, that a plan says the number of tasks for."""
MOST_TASKS = 1e12
"""No plan needs more tasks than this; an effect that does counts as impossible to detect."""
FEW_UNITS = 12
"""Up to this many tasks or clusters the sign-flip test has so few p-values that its power is simulated."""

_FLIP_DRAWS = 2000  # simulated samples: the power is right to .01
_FLIP_STEPS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """A true difference of ``points`` needs this many ``tasks`` (None: more than a million million)."""

    points: float
    tasks: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardPlan:
    """What ``n`` tasks resolve (``minimum_detectable``, in points) and how many tasks given gains would need.

    ``sd`` is the standard deviation of the differences per task that the plan rests on (with clusters: what it would
    have to be, were tasks independent) · both figures are for one of ``n_comparisons`` that are corrected together.
    """

    minimum_detectable: float | None
    gains: tuple[Gain, ...]
    sd: float | None
    n: int
    power: float
    confidence: float
    n_comparisons: int = 1


def t_test_power(effect: float, n: float, *, confidence: float = 0.95) -> float:
    """Return the power of the two-sided one-sample t test at a true mean of ``effect`` standard deviations, n > 1.

    Noncentral t with n - 1 degrees of freedom, as R's ``power.t.test(type="paired", strict=TRUE)`` and statsmodels'
    ``TTestPower``.

    >>> round(t_test_power(0.3, 100), 3)
    0.844
    """
    tail = tail_probability(confidence)
    return _power(effect, n, tail)


def minimum_detectable_effect(
    sd: float | None, n: int, *, power: float = 0.8, confidence: float = 0.95, n_comparisons: int = 1
) -> float | None:
    """Return the smallest true mean difference, in points, that ``n`` tasks detect with the given ``power``.

    Exact by the noncentral t distribution. ``sd`` is the standard deviation of the differences per task. With
    ``n_comparisons`` above 1 each is tested at its Sidak level. None where there is nothing to go by: fewer than two
    tasks, ``sd`` None or 0.

    Raises:
        StatisticsError: ``power`` or ``confidence`` outside 0-1, or a power below the error probability.

    >>> round(minimum_detectable_effect(1.0, 100), 4), minimum_detectable_effect(None, 100)
    (0.2829, None)
    """
    tail = tail_probability(confidence, n_comparisons)
    _check_power(power, tail)
    if sd is None or not sd > 0 or n < 2:  # noqa: PLR2004 - a standard deviation takes two
        return None
    return sd * _detectable(n, power, tail)


def detectable_gap(
    se: float | None, df: float, units: int, design: Design = PLAIN, *, n_comparisons: int = 1
) -> float | None:
    """Return the smallest true mean difference, in points, that the verdict finds with the design's power.

    ``se`` is the standard error of the mean difference with ``df`` degrees of freedom, over ``units`` independent units
    (tasks, or clusters). Each of ``n_comparisons`` is tested at its Sidak level, which Holm's first step equals but for
    rounding: where one model alone differs, the power is as said. By the noncentral t distribution; up to 12 units the
    sign-flip test, which has few p-values to choose from, needs more, and its gap is found by simulated normal units.
    Measured under Holm: .78-.84 of true gaps of this size are found, for 2 to 60 models and for 5 to 40 clusters.

    None where there is nothing to go by (no spread), or where even equal signs of all units are not significant: 5
    clusters cannot tell 7 models apart, however unlike they are.

    >>> round(detectable_gap(0.1, 99, 100), 4), round(detectable_gap(0.1, 99, 100, n_comparisons=19), 4)
    (0.2829, 0.3932)
    >>> detectable_gap(0.1, 4, 5, n_comparisons=7) is None
    True
    """
    tail = tail_probability(design.confidence, n_comparisons)
    _check_power(design.power, tail)
    if se is None or not se > 0 or not df > 0:
        return None
    shift = _shift(df, design.power, tail)
    if units <= FEW_UNITS:
        flips = _flip_shift(units, design.power, (1 - design.confidence) / n_comparisons)
        if flips is None:
            return None
        shift = max(shift, flips)
    return se * shift


def required_n(
    effect: float, sd: float, *, power: float = 0.8, confidence: float = 0.95, n_comparisons: int = 1
) -> float | None:
    """Return the number of tasks (a fraction: round up) at which a true difference of ``effect`` has ``power``.

    Exact by the noncentral t distribution, at least 2. ``n_comparisons`` as in `minimum_detectable_effect`.
    None if a million million tasks would not do (``effect`` 0).

    Raises:
        StatisticsError: ``sd`` not positive, ``power`` or ``confidence`` outside 0-1.

    >>> round(required_n(0.5, 1.0), 3)
    33.367
    """
    tail = tail_probability(confidence, n_comparisons)
    _check_power(power, tail)
    if not sd > 0:
        raise StatisticsError(tr("The standard deviation of the differences is {sd:g}: it must be positive.", sd=sd))
    size = abs(effect) / sd
    if _power(size, MOST_TASKS, tail) < power:
        return None
    return _solve(lambda n: _power(size, n, tail) - power, 2.0, MOST_TASKS)


def required_n_with_repeats(
    effect: float,
    *,
    omega2: float,
    sigma2_a: float,
    sigma2_b: float,
    repeats_a: int = 1,
    repeats_b: int = 1,
    power: float = 0.8,
    confidence: float = 0.95,
) -> float:
    """Return the number of tasks needed when each model answers each task several times (Miller 2024, section 5).

    n = (z_alpha/2 + z_beta)^2 (omega2 + sigma2_a / K_A + sigma2_b / K_B) / effect^2, where ``omega2`` is the variance
    between tasks of the difference of the two models' true means and the ``sigma2`` are the variances within a task.

    Raises:
        StatisticsError: ``effect`` 0, a negative variance, repeats below 1, ``power`` or ``confidence`` outside 0-1.

    >>> round(required_n_with_repeats(0.03, omega2=1 / 9, sigma2_a=0, sigma2_b=0))
    969
    """
    tail = tail_probability(confidence)
    _check_power(power, tail)
    if effect == 0:
        raise StatisticsError(tr("No number of tasks detects a difference of 0."))
    if min(omega2, sigma2_a, sigma2_b) < 0 or min(repeats_a, repeats_b) < 1:
        raise StatisticsError(tr("Variances must not be negative, and every model answers at least once."))
    z = float(-ndtri(tail / 2) + ndtri(power))
    return z * z * (omega2 + sigma2_a / repeats_a + sigma2_b / repeats_b) / effect**2


def plan_board(
    sd: float | None,
    n: int,
    *,
    gains: Sequence[float] = GAINS,
    power: float = 0.8,
    confidence: float = 0.95,
    n_comparisons: int = 1,
    share: float = 1.0,
) -> BoardPlan:
    """Return what ``n`` tasks resolve when differences per task spread by ``sd``, and the tasks that ``gains`` need.

    Both as one of ``n_comparisons`` that are corrected together; a unit of ``n`` stands for ``share`` tasks. ``sd``
    None or 0 (nothing compared yet): no figures.

    >>> plan = plan_board(1.5, 100)
    >>> round(plan.minimum_detectable, 2), [gain.tasks for gain in plan.gains]
    (0.42, [1768, 444, 199])
    """

    def tasks(gain: float, sd: float) -> int | None:
        need = required_n(gain, sd, power=power, confidence=confidence, n_comparisons=n_comparisons)
        return None if need is None else ceil(need * share)

    return BoardPlan(
        minimum_detectable=minimum_detectable_effect(
            sd, n, power=power, confidence=confidence, n_comparisons=n_comparisons
        ),
        gains=() if sd is None or not sd > 0 else tuple(Gain(points=gain, tasks=tasks(gain, sd)) for gain in gains),
        sd=sd,
        n=n,
        power=power,
        confidence=confidence,
        n_comparisons=n_comparisons,
    )


@lru_cache(maxsize=4096)
def _shift(df: float, power: float, tail: float) -> float:
    """Return the true mean in standard errors at which the two-sided t test has ``power``."""
    high = 1.0
    while _t_power(high, df, tail) < power:
        high *= 2
    return _solve(lambda shift: _t_power(shift, df, tail) - power, 0.0, high)


@lru_cache(maxsize=512)
def _flip_shift(units: int, power: float, level: float) -> float | None:
    """Return the same for the sign-flip mid-p test of a few normal units, by simulation; None if it never rejects."""
    if 2.0**-units > level:
        return None
    patterns = np.arange(2 ** (units - 1))[:, None] >> np.arange(units) & 1
    signs = 1.0 - 2 * patterns  # of the last unit always +1: the other half is the mirror image
    noise = np.random.default_rng(0).normal(size=(_FLIP_DRAWS, units))

    def found(shift: float) -> float:
        values = noise + shift / sqrt(units)
        sums, seen = np.abs(values @ signs.T), np.abs(values.sum(axis=1, keepdims=True))
        beyond, equal = sums > seen + ROUNDING, np.abs(sums - seen) <= ROUNDING
        return float((beyond.mean(axis=1) + equal.mean(axis=1) / 2 <= level).mean()) - power

    low, high = 0.0, 1.0
    while found(high) < 0:
        high *= 2
    for _ in range(_FLIP_STEPS):
        low, high = ((low + high) / 2, high) if found((low + high) / 2) < 0 else (low, (low + high) / 2)
    return (low + high) / 2


@lru_cache(maxsize=4096)
def _detectable(n: int, power: float, tail: float) -> float:
    # Twice the normal-theory value plus some is past any solution, from n = 2 on.
    high = 1.0
    while _power(high, n, tail) < power:
        high *= 2
    return _solve(lambda effect: _power(effect, n, tail) - power, 0.0, high)


def _power(effect: float, n: float, tail: float) -> float:
    return _t_power(abs(effect) * sqrt(n), n - 1.0, tail)


def _t_power(shift: float, df: float, tail: float) -> float:
    critical = float(t_critical(df, tail))
    upper = 1 - float(nctdtr(df, shift, critical))
    lower = float(nctdtr(df, shift, -critical))
    # Far from zero the two tails run out of digits and the routine answers NaN.
    return upper + (0.0 if np.isnan(lower) else lower)


def _solve(f: Callable[[float], float], low: float, high: float) -> float:
    """Return the root of increasing ``f`` between ``low`` and ``high`` (or the end that is past it)."""
    if f(low) >= 0:
        return low
    previous = inf
    while abs(high - low) < previous:
        previous = abs(high - low)
        middle = (low + high) / 2 if low == 0 or high / low < 4 else sqrt(low * high)  # noqa: PLR2004 - any ratio does
        low, high = (middle, high) if f(middle) < 0 else (low, middle)
    return (low + high) / 2


def _check_power(power: float, tail: float) -> None:
    if not tail < power < 1:
        raise StatisticsError(
            tr(
                "The power is {power:g}: it must lie between the error probability ({tail:.2g}) and 1.",
                power=power,
                tail=tail,
            ),
            hint=tr("Try 0.8."),
        )
