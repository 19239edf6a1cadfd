"""How far two engines' numbers are apart, and whether one of them computes with other weights."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from harness.errors import StatisticsError
from harness.locale import tr
from harness.stats.arrays import Floats, cluster_codes, score_array, t_critical, tail_probability
from harness.stats.design import PLAIN, Design

_FEWEST_CLUSTERS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """How far apart two series are, in absolute value: the mean, the 99th percentile and the largest; 0 of nothing.

    ``n`` counts pairs of numbers, ``n_missing`` pairs of which one is no number: they are in no other figure.
    """

    n: int
    n_missing: int
    mean: float
    p99: float
    largest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A share of the way from one series to another, with its interval; None where it cannot be computed."""

    value: float | None
    low: float | None
    high: float | None


def gap(first: ArrayLike, second: ArrayLike) -> Gap:
    """Return how far apart two series (n,) are. The percentile is the smallest value that 99 % do not exceed.

    Raises:
        StatisticsError: unlike lengths.

    >>> gap([0, 1, 2, 3], [0, 1, 2, 4])
    Gap(n=4, n_missing=0, mean=0.25, p99=1.0, largest=1.0)
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise StatisticsError(
            tr("There are {size} first and {size_2} second values: they are pairs.", size=a.size, size_2=b.size)
        )
    known = np.isfinite(a) & np.isfinite(b)
    apart = np.abs(a[known] - b[known])
    if not apart.size:
        return Gap(n=0, n_missing=int(a.size), mean=0.0, p99=0.0, largest=0.0)
    return Gap(
        n=int(apart.size),
        n_missing=int(a.size - apart.size),
        mean=float(apart.mean()),
        p99=float(np.quantile(apart, 0.99, method="higher")),
        largest=float(apart.max()),
    )


def share_of_way(
    found: ArrayLike,
    own: tuple[ArrayLike, ArrayLike],
    other: tuple[ArrayLike, ArrayLike],
    design: Design = PLAIN,
) -> Way:
    """Return where ``found`` (n,) lies on the way from ``own`` to ``other``: 0 at the one, 1 at the other.

    Both ends are measured twice. With d = other - own, the share is the sum of (found - own) times d' over the sum of d
    times d', where a prime means the second measurement; each of the two is the first once. A series with noise would
    else be multiplied by itself, which draws the share to 0 (errors in variables; Fuller 1987, section 1.4 on
    instruments): the noise of the two measurements is taken as independent, and what they have in common still draws.
    The interval is the delete-one-cluster jackknife's (Efron & Tibshirani 1993, chapter 11) with t of clusters - 1.

    No interval under 5 clusters; nothing where the two ends do not differ beyond their noise.

    Raises:
        StatisticsError: unlike lengths, infinite values, a confidence outside 0-1.

    >>> own, other = [0.0] * 6, [1.0, 2.0, 1.0, 3.0, 1.0, 2.0]
    >>> share_of_way([0.5, 1.0, 0.5, 1.5, 0.5, 1.0], (own, own), (other, other))
    Way(value=0.5, low=0.5, high=0.5)
    """
    series = [score_array(one, name="values") for one in (found, *own, *other)]
    if len({one.size for one in series}) > 1:
        raise StatisticsError(
            tr("There are {size} first and {size_2} second values: they are pairs.", size=series[0].size, size_2=0)
        )
    e, a, a2, b, b2 = (one[~np.isnan(np.sum(series, axis=0))] for one in series)
    known = ~np.isnan(np.sum(series, axis=0))
    every = np.arange(known.size) if design.clusters is None else cluster_codes(design.clusters, known.size)
    codes = np.unique(every[known], return_inverse=True)[1]
    if not e.size:
        return Way(value=None, low=None, high=None)
    numerator = np.bincount(codes, weights=((e - a) * (b2 - a2) + (e - a2) * (b - a)) / 2)
    length = np.bincount(codes, weights=(b - a) * (b2 - a2))
    return _ratio(numerator.astype(np.float64), length.astype(np.float64), design.confidence)


def _ratio(numerator: Floats, denominator: Floats, confidence: float) -> Way:
    """Return the ratio of two sums over clusters (G,) with its jackknife interval."""
    left = denominator.sum() - denominator
    if denominator.sum() <= 0:
        return Way(value=None, low=None, high=None)
    value, g = float(numerator.sum() / denominator.sum()), numerator.size
    if g < _FEWEST_CLUSTERS or (left <= 0).any():
        return Way(value=value, low=None, high=None)
    shares = (numerator.sum() - numerator) / left
    error = float(np.sqrt((g - 1) / g * ((shares - shares.mean()) ** 2).sum()))
    half = float(t_critical(g - 1, tail_probability(confidence))) * error
    return Way(value=value, low=value - half, high=value + half)
