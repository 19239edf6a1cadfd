"""How far two raters agree: exact and within one, quadratic-weighted kappa, bias; all with intervals.

Krippendorff's alpha, for more than two raters, is in `harness.stats.alpha`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from harness.errors import StatisticsError
from harness.locale import tr
from harness.stats.arrays import Floats, cluster_codes, score_array, tail_probability
from harness.stats.design import PLAIN, Design
from harness.stats.intervals import score_interval
from harness.stats.jackknife import jackknife_kappa
from harness.types import PASS_FAIL, Estimate

Weights = Literal["quadratic", "linear", "none"]

SPREAD = 1e-9
"""A half-width below this is rounding: the items have no spread to build an interval on."""

_DISTANCES: dict[Weights, Callable[[Floats], Floats]] = {
    "quadratic": np.square,
    "linear": np.abs,
    "none": lambda gaps: (gaps != 0).astype(np.float64),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How two raters agree on the ``n`` items that both scored; ``n_missing`` items have only one score or none.

    ``exact`` and ``within_one``: shares of items · ``kappa``: quadratic-weighted · ``bias``: mean of first - second.
    """

    exact: Estimate
    within_one: Estimate
    kappa: Estimate
    bias: Estimate
    n: int
    n_missing: int


def agreement(
    first: ArrayLike,
    second: ArrayLike,
    design: Design = PLAIN,
    *,
    step: float = 1.0,
) -> Agreement:
    """Return how far two raters agree on the same items, two arrays of shape (n,) with NaN or None for no score.

    ``within_one`` means at most one ``step`` apart. Name the tasks as the design's clusters when items are answers of
    several models to the same tasks: the intervals are then cluster-robust. Shares have Wilson intervals (else CR1
    logit-t), the bias a t interval (else CR1), kappa as in
    `harness.stats.jackknife.jackknife_kappa`. Nothing rated by both: None throughout.

    Raises:
        StatisticsError: unlike lengths, infinite scores, a confidence outside 0-1.

    >>> result = agreement([1, 2, 3, 4, 5, 5], [2, 2, 3, 5, 5, 3])
    >>> result.exact.value, round(result.within_one.value, 3), round(result.kappa.value, 3), result.bias.value
    (0.5, 0.833, 0.735, 0.0)
    """
    a, b = _both(first, second)
    gaps = a - b
    apart = np.where(np.isnan(gaps), np.nan, np.abs(gaps) / step)

    def share(limit: float) -> Estimate:
        agrees = np.where(np.isnan(apart), np.nan, apart <= limit + 1e-9)
        return score_interval(agrees, PASS_FAIL, design).estimate

    n = int((~np.isnan(gaps)).sum())
    return Agreement(
        exact=share(0),
        within_one=share(1),
        kappa=jackknife_kappa(a, b, design),
        bias=score_interval(gaps, None, design).estimate,
        n=n,
        n_missing=gaps.size - n,
    )


def weighted_kappa(
    first: ArrayLike,
    second: ArrayLike,
    design: Design = PLAIN,
    *,
    weights: Weights = "quadratic",
) -> Estimate:
    """Return Cohen's weighted kappa of two raters, two arrays of shape (n,), with its large-sample interval.

    1 - observed / expected disagreement (Cohen 1968); a pair's disagreement is the squared distance of its scores
    ("quadratic"), the distance ("linear"), or 1 unless equal ("none"). Distances are between the scores themselves, so
    that a level nobody gave changes nothing; tools that number the levels they see get this wrong. The quadratic kappa
    equals Lin's concordance coefficient. Interval: normal, by the influence of each item (Fleiss, Cohen & Everitt
    1969), summed over the design's clusters where given (CR1), cut to -1 ... 1.

    No item with both scores, or neither rater ever varies: None. Perfect agreement, or one rater who never varies, has
    no spread to build an interval on: low and high are None.

    Raises:
        StatisticsError: unlike lengths, infinite scores, a confidence outside 0-1.

    >>> round(weighted_kappa([1, 1, 2, 5, 5, 2, 1, 5], [1, 2, 2, 5, 2, 2, 1, 5]).value, 4)
    0.7727
    """
    a, b = _both(first, second)
    clusters, confidence = design.clusters, design.confidence
    tail = tail_probability(confidence)
    known = ~np.isnan(a - b)
    n = int(known.sum())
    groups = np.arange(n) if clusters is None else cluster_codes(clusters, a.size)[known]
    value = low = high = None
    method: str = tr("no answer has both scores")
    if n:
        value, influence = _kappa(a[known], b[known], _DISTANCES[weights])
        method = tr("none: neither rater ever varies")
    if value is not None:
        sums = np.bincount(np.unique(groups, return_inverse=True)[1], weights=influence)
        correction = 1.0 if clusters is None else sums.size / max(1, sums.size - 1)
        half = float(-ndtri(tail / 2)) * sqrt(correction * float(sums @ sums)) / n
        method = _method(weights, None if clusters is None else sums.size)
        if half > SPREAD:
            low, high = max(-1.0, value - half), min(1.0, value + half)
        else:
            method = tr("{method}, no interval: no spread", method=method)
    return Estimate(value=value, low=low, high=high, confidence=confidence, n=n, n_unscored=a.size - n, method=method)


def _method(weights: Weights, n_clusters: int | None) -> str:
    name = {"quadratic": tr("quadratic kappa"), "linear": tr("linear kappa"), "none": tr("kappa")}[weights]
    return name if n_clusters is None else tr("{method}, CR1 over {n} clusters", method=name, n=n_clusters)


def _kappa(a: Floats, b: Floats, distance: Callable[[Floats], Floats]) -> tuple[float | None, Floats]:
    """Return kappa and the influence of each item on it (their mean is 0)."""
    levels, codes = np.unique(np.concatenate([a, b]), return_inverse=True)
    table = distance(levels[:, None] - levels)
    first, second = codes[: a.size], codes[a.size :]
    # The mean disagreement of each score with all scores that the other rater gave.
    against_second = table @ np.bincount(second, minlength=levels.size) / a.size
    against_first = table @ np.bincount(first, minlength=levels.size) / a.size
    observed, expected = table[first, second], float(against_second[first].mean())
    if expected == 0:
        return None, observed
    ratio = float(observed.mean()) / expected
    influence = (observed - ratio * (against_second[first] + against_first[second])) / expected + ratio
    return 1 - ratio, influence


def _both(first: ArrayLike, second: ArrayLike) -> tuple[Floats, Floats]:
    a, b = score_array(first, name="first rater's scores"), score_array(second, name="second rater's scores")
    if a.shape != b.shape:
        raise StatisticsError(
            tr(
                "The first rater has {size} items and the second {size_2}: agreement is about the same items.",
                size=a.size,
                size_2=b.size,
            ),
            hint=tr("Put NaN or None where a rater gave no score."),
        )
    return a, b
