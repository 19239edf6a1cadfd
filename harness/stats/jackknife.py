"""Intervals by leaving out one cluster after the other: quadratic kappa and a slope."""

from math import atanh, sqrt, tanh

import numpy as np
from numpy.typing import ArrayLike

from harness.errors import StatisticsError
from harness.locale import tr
from harness.stats.arrays import Floats, Ints, cluster_codes, score_array, t_critical, tail_probability
from harness.stats.design import PLAIN, Design
from harness.types import Estimate

FEWEST_CLUSTERS = 5
"""Under this many clusters no interval is given."""

_FEWEST_DF = 2.0
_FEW_ITEMS = 1.5
"""What the kurtosis of a few leave-outs leaves out, in units of 1 / G: found by simulation."""


def jackknife_kappa(first: ArrayLike, second: ArrayLike, design: Design = PLAIN) -> Estimate:
    """Return the quadratic-weighted kappa of two raters (n,) with its jackknife interval.

    Each cluster (each item, where the design has none) is left out in turn, kappa taken on Fisher's scale, atanh:
    variance (G - 1) / G times the sum of squares about their mean (Efron & Tibshirani 1993, chapter 11), and back. The
    degrees of freedom of its t are those that the fourth moment of the leave-outs gives their variance,
    1 / ((kurtosis - 1) / (2 G) + 1.5 / G), from 2 to G - 1: a few items far apart make most of it, and few items show
    too little of how far apart they may lie, for which the second term stands. The interval leans towards 0 near the
    ends and never leaves -1 ... 1. Measured coverage on independent ordinal scores, 10,000 samples each: .965-.985 with
    20-60 items in the middle of the scale; near its end .94-.95 with 20 and 30, .95-.96 with 60 (without the second
    term .92-.94, .93-.94 and .94-.95; the normal interval: .82, .85, .90).

    No interval under 5 clusters, at perfect agreement, or where leaving one out leaves raters that never vary.

    Raises:
        StatisticsError: unlike lengths, infinite scores, a confidence outside 0-1.

    >>> found = jackknife_kappa([1, 1, 2, 5, 5, 2, 1, 5, 3, 4], [1, 2, 2, 5, 4, 2, 1, 5, 3, 5])
    >>> round(found.value, 2), round(found.low, 2), round(found.high, 2)
    (0.94, 0.75, 0.99)
    """
    a, b, codes, known = _pairs(first, second, design)
    n = a.size
    value: float | None = None
    low = high = None
    method: str = tr("no answer has both scores")
    if n:
        # Sums of 1, a, b, a^2, b^2 and (a - b)^2 by cluster: kappa is a function of them.
        parts = np.stack([np.bincount(codes, weights=w) for w in (np.ones(n), a, b, a * a, b * b, (a - b) ** 2)])
        total = parts.sum(axis=1)
        kappa = float(_kappa(total))
        varies = not np.isnan(kappa)
        value, method = (kappa, tr("quadratic kappa")) if varies else (None, tr("none: neither rater ever varies"))
        left_out = _kappa(total[:, None] - parts)
        g = left_out.size
        if varies and g >= FEWEST_CLUSTERS and (np.abs(left_out) < 1).all() and abs(kappa) < 1:
            z = np.arctanh(left_out)
            squares = (z - z.mean()) ** 2
            total_square = float(squares.sum())
            kurtosis = g * float((squares**2).sum()) / total_square**2 if total_square > 0 else 1.0
            df = min(g - 1.0, max(_FEWEST_DF, 1 / (max(kurtosis - 1, 0.0) / (2 * g) + _FEW_ITEMS / g)))
            half = float(t_critical(df, tail_probability(design.confidence))) * sqrt((g - 1) / g * total_square)
            low, high = tanh(atanh(kappa) - half), tanh(atanh(kappa) + half)
            method = (
                tr("quadratic kappa, jackknife over {n} answers", n=g)
                if design.clusters is None
                else tr("quadratic kappa, jackknife over {n} clusters", n=g)
            )
    return Estimate(
        value=value,
        low=low,
        high=high,
        confidence=design.confidence,
        n=n,
        n_unscored=int((~known).sum()),
        method=method,
    )


def jackknife_slope(x: ArrayLike, y: ArrayLike, design: Design = PLAIN) -> Estimate:
    """Return the slope of ``y`` on ``x`` (n,), both centred within their tasks, with its CR3 interval.

    Least squares through the origin; each cluster is left out in turn, variance (G - 1) / G times the sum of squares
    about the slope of all (CR3; Bell & McCaffrey 2002), t of 1 / sum of squared leverages degrees of freedom, a
    cluster's leverage being its share of the sum of squares of ``x``. No interval under 5 clusters, or where one
    cluster has all the spread there is.

    Raises:
        StatisticsError: unlike lengths, infinite values, a confidence outside 0-1.

    >>> pairs = Design(clusters=[*"aabbccddee"])
    >>> found = jackknife_slope([-1, 1, -2, 2, -1, 1, 0, 0, -1, 1], [-1, 2, -2, 1, 0, 1, 1, -1, -2, 1], pairs)
    >>> round(found.value, 4), found.method
    (0.9286, 'CR3 over 5 clusters')
    """
    a, b, codes, known = _pairs(x, y, design)
    sxx, sxy = np.bincount(codes, weights=a * a), np.bincount(codes, weights=a * b)
    total = float(sxx.sum())
    value = low = high = None
    method = tr("no spread to take a slope of")
    if total > 0:
        value, g = float(sxy.sum()) / total, sxx.size
        leverage = sxx / total
        method = tr("CR3 over {n} clusters", n=g)
        if g >= FEWEST_CLUSTERS and leverage.max() < 1:
            left_out = (sxy.sum() - sxy) / (total - sxx)
            se = sqrt((g - 1) / g * float(((left_out - value) ** 2).sum()))
            half = float(t_critical(1 / float((leverage**2).sum()), tail_probability(design.confidence))) * se
            low, high = value - half, value + half
    return Estimate(
        value=value,
        low=low,
        high=high,
        confidence=design.confidence,
        n=a.size,
        n_unscored=int((~known).sum()),
        method=method,
    )


def _kappa(sums: Floats) -> Floats:
    """Return kappa from the sums of 1, a, b, a^2, b^2, (a - b)^2 along the first axis; NaN where nothing varies."""
    n, a, b, aa, bb, gap = sums
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = (aa + bb) / n - 2 * a * b / n**2
        return np.asarray(np.where(expected > 1e-12 * (aa + bb) / n, 1 - gap / n / expected, np.nan))


def _pairs(first: ArrayLike, second: ArrayLike, design: Design) -> tuple[Floats, Floats, Ints, np.ndarray]:
    a, b = score_array(first, name="first values"), score_array(second, name="second values")
    if a.shape != b.shape:
        raise StatisticsError(
            tr("There are {size} first and {size_2} second values: they are pairs.", size=a.size, size_2=b.size)
        )
    known = ~np.isnan(a - b)
    codes = np.arange(a.size) if design.clusters is None else cluster_codes(design.clusters, a.size)
    return a[known], b[known], np.unique(codes[known], return_inverse=True)[1], known
