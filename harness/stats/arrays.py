"""Checked arrays, quantiles and the one bound that every degenerate case falls back on.

In every input array NaN (or None) means "no score". Infinity and values off the scale are refused.
"""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, stdtrit

from harness.errors import StatisticsError
from harness.locale import tr
from harness.types import Scale

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ROUNDING = 1e-20
"""A sum of squares below this share of the values' own is rounding."""


def score_array(values: ArrayLike, scale: Scale | None = None, *, ndim: int = 1, name: str = "scores") -> Floats:
    """Return ``values`` as float64 of ``ndim`` dimensions, with NaN for "no score".

    Raises:
        StatisticsError: not numbers, another number of dimensions, infinite, or off the ``scale``.

    >>> score_array([4, None, 5], Scale(low=1, high=5))
    array([ 4., nan,  5.])
    """
    try:
        scores = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise StatisticsError(
            tr("The {name} are not a regular array of numbers: {error}.", name=name, error=error)
        ) from error
    if scores.ndim != ndim:
        raise StatisticsError(
            tr(
                "The {name} have {ndim} dimensions, not {ndim_2}: their shape is {shape}.",
                name=name,
                ndim=scores.ndim,
                ndim_2=ndim,
                shape=scores.shape,
            )
        )
    check_scale(scale)
    # min and max see NaN without a warning through fmin/fmax, and need no copy of a large array.
    lowest = np.fmin.reduce(scores, axis=None, initial=np.inf)
    highest = np.fmax.reduce(scores, axis=None, initial=-np.inf)
    if lowest <= highest:
        for worst in (lowest, highest):
            if not np.isfinite(worst):
                raise StatisticsError(tr("One of the {name} is infinite.", name=name))
            if scale is not None and not scale.covers(worst):
                position = tuple(int(i) for i in np.argwhere(scores == worst)[0])
                raise StatisticsError(
                    tr(
                        "Score {worst:g} at position {str} of the {name} is outside the {low:g}-{high:g} scale.",
                        worst=worst,
                        str=", ".join(map(str, position)),
                        name=name,
                        low=scale.low,
                        high=scale.high,
                    ),
                    hint=tr("Leave a score that is off the scale out (None): it is then counted as unscored."),
                )
    return scores


def check_scale(scale: Scale | None) -> None:
    """Raise StatisticsError unless the ends are finite and in order and the step is positive."""
    if scale is None:
        return
    if not -np.inf < scale.low < scale.high < np.inf:
        raise StatisticsError(
            tr("A scale runs from low to high: low is {low:g}, high is {high:g}.", low=scale.low, high=scale.high)
        )
    if scale.step is not None and not scale.step > 0:
        raise StatisticsError(tr("The step between scores is {step:g}: it must be positive.", step=scale.step))


def span_of(scale: Scale | None) -> float | None:
    """Return the widest difference that a scale allows."""
    return None if scale is None else scale.high - scale.low


def grid_step(scale: Scale | None) -> float:
    """Return the step that scores may lie on, 1 where the scale names none."""
    return (None if scale is None else scale.step) or 1.0


def check_confidence(confidence: float) -> None:
    """Raise StatisticsError unless ``confidence`` lies strictly between 0 and 1."""
    if not 0 < confidence < 1:
        raise StatisticsError(
            tr("The confidence is {confidence:g}: it must lie between 0 and 1.", confidence=confidence),
            hint=tr("Try 0.95."),
        )


def tail_probability(confidence: float, n_comparisons: int = 1) -> float:
    """Return the error probability of one of ``n_comparisons`` intervals that hold together with ``confidence``.

    Sidak 1967: 1 - confidence^(1/m), for one comparison simply 1 - confidence.

    >>> round(tail_probability(0.95), 6), round(tail_probability(0.95, 28), 6)
    (0.05, 0.00183)
    """
    check_confidence(confidence)
    if n_comparisons < 1:
        raise StatisticsError(
            tr("A family of {n_comparisons} comparisons has no intervals.", n_comparisons=n_comparisons)
        )
    return float(-np.expm1(np.log(confidence) / n_comparisons))


def t_critical(df: ArrayLike, tail: float | Floats) -> Floats:
    """Return the two-sided critical value of Student's t for each of ``df`` (> 0) at error probability ``tail``.

    >>> t_critical([4, 99], 0.05).round(4)
    array([2.7764, 1.9842])
    """
    # The lower tail keeps its digits where 1 - tail / 2 would round to 1.
    return np.asarray(-stdtrit(np.asarray(df, dtype=np.float64), tail / 2), dtype=np.float64)


def sure_share(n: ArrayLike, tail: float | Floats) -> Floats:
    """Return the Clopper-Pearson lower bound on a share when all of ``n`` (>= 1) independent draws had the property.

    (tail / 2)^(1/n), the two-sided exact bound at k = n (Clopper & Pearson 1934). For a mean on a bounded scale it is
    the sharpest bound there is when all scores are equal: at most the rest of the tasks can score anything else.

    >>> sure_share([10, 100], 0.05).round(4)
    array([0.6915, 0.9638])
    """
    return np.asarray((tail / 2) ** (1 / np.asarray(n, dtype=np.float64)), dtype=np.float64)


def bounded_interval(value: float, half: float, scale: Scale | None) -> tuple[float, float]:
    """Return ``value`` +- ``half``, on the logit scale by the delta method if a ``scale`` bounds the value.

    With m the value rescaled to 0-1 and h the half-width likewise: logit(m) +- h / (m (1 - m)), mapped back. The
    interval then leans away from the nearer end and never leaves the scale. A value at or past an end (an estimate may
    overshoot) gets the plain interval, cut to the scale.

    >>> bounded_interval(4.5, 0.7, None)
    (3.8, 5.2)
    >>> [round(end, 3) for end in bounded_interval(4.5, 0.7, Scale(low=1, high=5))]
    [3.343, 4.888]
    """
    if scale is None:
        return value - half, value + half
    low, high = scale.low, scale.high
    if not low < value < high:
        return min(max(value - half, low), high), min(max(value + half, low), high)
    span = high - low
    share = (value - low) / span
    centre, reach = logit(share), half / span / (share * (1 - share))
    return float(low + span * expit(centre - reach)), float(low + span * expit(centre + reach))


def cluster_codes(clusters: Sequence[Hashable | None], n: int) -> Ints:
    """Return an integer per task, equal exactly for tasks of one cluster; a task without a cluster (None) is its own.

    Raises:
        StatisticsError: not one cluster per task.

    >>> cluster_codes(["mail", None, "mail", None], 4)
    array([0, 1, 0, 2])
    """
    if len(clusters) != n:
        raise StatisticsError(tr("There are {n_clusters} cluster names for {n} tasks.", n_clusters=len(clusters), n=n))
    seen: dict[Hashable, int] = {}
    codes = [seen.setdefault(("", i) if name is None else (name,), len(seen)) for i, name in enumerate(clusters)]
    return np.asarray(codes, dtype=np.int64)


def shared_clusters(clusters: Sequence[Hashable | None] | None, n: int) -> Ints | None:
    """Return cluster codes, or None where no two tasks share a cluster, so that tasks are independent."""
    if clusters is None:
        return None
    codes = cluster_codes(clusters, n)
    return None if codes.max(initial=-1) + 1 == n else codes


def sum_of_squares(deviations: Floats, values: Floats) -> float:
    """Return the sum of squared deviations from ``values``, 0 where rounding is all there is.

    >>> values = np.array([0.1, 0.1, 0.1])
    >>> sum_of_squares(values - values.mean(), values)
    0.0
    """
    square = float(deviations @ deviations)
    return square if square > ROUNDING * float(values @ values) else 0.0


def number(value: float) -> float | None:
    """Return ``value`` as a Python float, or None for NaN.

    >>> number(np.float64(2)), number(float("nan"))
    (2.0, None)
    """
    return None if np.isnan(value) else float(value)
