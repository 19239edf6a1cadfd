"""Intervals for one mean: logit-t on a bounded scale, Wilson for pass rates, CR2 where tasks come in clusters.

The task is the unit: repeats of a task are averaged before they come here. NaN or None is a task without a score.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from harness.errors import StatisticsError
from harness.locale import tr, trn
from harness.notices import Notice
from harness.stats.arrays import (
    Floats,
    bounded_interval,
    cluster_codes,
    score_array,
    shared_clusters,
    sure_share,
    t_critical,
    tail_probability,
)
from harness.stats.cr2 import cr2_error
from harness.stats.design import PLAIN, Design
from harness.types import Estimate, Scale

FEW_CLUSTERS = 12
"""Under this many clusters of one size the result carries a caution."""
TOO_FEW_CLUSTERS = 5
"""Under this many clusters no interval is given."""
EQUAL = 1e-12
"""Scores that differ by less than this share of their size are the same score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreInterval:
    """A mean with its interval, the clusters behind it (None: tasks are independent) and cautions to print."""

    estimate: Estimate
    n_clusters: int | None
    cautions: tuple[str, ...]


def score_interval(values: ArrayLike, scale: Scale | None = None, design: Design = PLAIN) -> ScoreInterval:
    """Return the mean of ``values`` (one per task) with the interval that suits them.

    CR2 if any two tasks share a cluster; Wilson if the scale is pass or fail and every score is one of the two; else
    logit-t (t if no scale is given). See the three functions below for the formulas and the degenerate cases.

    >>> from harness.types import PASS_FAIL
    >>> score_interval([0, 1, 1, 1], PASS_FAIL).estimate.method
    'Wilson'
    """
    scores = score_array(values, scale)
    seen = scores[~np.isnan(scores)]
    if shared_clusters(design.clusters, scores.size) is not None:
        return cluster_interval(scores, scale, design)
    if scale is not None and scale.is_pass_fail and np.isin(seen, (scale.low, scale.high)).all():
        passed = int((seen == scale.high).sum())
        share = wilson_interval(passed, seen.size, confidence=design.confidence, n_unscored=scores.size - seen.size)
        estimate = _rescaled(share, scale)
    else:
        estimate = mean_interval(scores, scale, design)
    return ScoreInterval(estimate=estimate, n_clusters=None, cautions=())


def mean_interval(values: ArrayLike, scale: Scale | None = None, design: Design = PLAIN) -> Estimate:
    """Return the mean of ``values`` (shape (n,), one score per task, all independent) with its interval.

    On a scale: logit-t, the t interval of the mean on the logit scale by the delta method,
    logit(m) +- t(n-1) se / (m (1 - m)) with m the mean rescaled to 0-1, mapped back; it never leaves the scale and
    holds its coverage near the ends (4.82 of 5, n = 30: .945 where plain t gives .816). Without a scale: plain t.

    Degenerate cases: no score gives None throughout. One score, or n equal ones (all at the ceiling, say), has no
    spread to build on; on a scale the exact Clopper-Pearson bound stands in: with the given confidence a share of at
    least q = (alpha/2)^(1/n) of all tasks scores exactly that, and the rest lies between the ends. Without a scale low
    and high are None.

    Raises:
        StatisticsError: off-scale or infinite scores, a confidence outside 0-1.

    >>> from harness.types import LIKERT_5
    >>> e = mean_interval([3] * 10 + [4] * 27 + [5] * 55 + [2] * 5 + [1] * 3, LIKERT_5)
    >>> e.value, round(e.low, 4), round(e.high, 4), e.method
    (4.26, 4.0334, 4.4432, 'logit-t')
    """
    scores = score_array(values, scale)
    tail = tail_probability(design.confidence)
    seen = scores[~np.isnan(scores)]
    n = seen.size
    if n == 0:
        interval: tuple[float | None, float | None, str] = (None, None, tr("no scores"))
    elif _all_equal(seen):
        interval = _identical_bound(float(seen[0]), n, n, tail, scale)
    else:
        interval = _t_interval(float(seen.mean()), float(seen.std(ddof=1)) / sqrt(n), n - 1, tail, scale)
    return Estimate(
        value=float(seen.mean()) if n else None,
        low=interval[0],
        high=interval[1],
        confidence=design.confidence,
        n=n,
        n_unscored=scores.size - n,
        method=interval[2],
    )


def wilson_interval(k: int, n: int, *, confidence: float = 0.95, n_unscored: int = 0) -> Estimate:
    """Return the pass rate k / n with Wilson's score interval (Wilson 1927; Newcombe 1998, method 3).

    ``n`` 0 gives None throughout. ``n_unscored`` is carried along.

    Raises:
        StatisticsError: ``k`` is not between 0 and ``n``.

    >>> e = wilson_interval(0, 20)
    >>> e.value, e.low, round(e.high, 4)
    (0.0, 0.0, 0.1611)
    """
    if not 0 <= k <= n:
        raise StatisticsError(tr("{k} of {n} passed: a count lies between 0 and the number of tasks.", k=k, n=n))
    tail = tail_probability(confidence)
    if n == 0:
        value = low = high = None
    else:
        value, z = k / n, float(-ndtri(tail / 2))
        centre = (k + z * z / 2) / (n + z * z)
        half = z / (n + z * z) * sqrt(k * (n - k) / n + z * z / 4)
        # At the ends the formula gives 0 and 1 exactly, but for rounding.
        low = 0.0 if k == 0 else centre - half
        high = 1.0 if k == n else centre + half
    method = "Wilson" if n else tr("no scores")
    return Estimate(value=value, low=low, high=high, confidence=confidence, n=n, n_unscored=n_unscored, method=method)


def cluster_interval(values: ArrayLike, scale: Scale | None = None, design: Design = PLAIN) -> ScoreInterval:
    """Return the mean of ``values`` with the CR2 cluster-robust interval, on the logit scale if the scale is bounded.

    Variance and degrees of freedom as `harness.stats.cr2.cr2_variance` has them; with G clusters of one size they are
    those of CR1 with t(G - 1). The design's clusters have one name per value; None is a cluster of its own.

    Under 12 clusters (or what is worth fewer than 12 of one size) the result carries a caution; under 5 there is no
    interval (low and high are None, and the caution says so). Equal scores: as in `mean_interval`, with the
    number of clusters in the place of n.

    Raises:
        StatisticsError: as `mean_interval`, or not one cluster name per value.

    >>> from harness.types import LIKERT_5
    >>> r = cluster_interval([1, 2, 2, 4, 3, 5, 4, 4, 2, 3], LIKERT_5, Design(clusters=list("aabbccddee")))
    >>> r.n_clusters, r.estimate.method, r.cautions
    (5, 'CR2 logit-t', ('only 5 clusters of tasks: intervals may be too narrow',))
    """
    scores = score_array(values, scale)
    codes = np.arange(scores.size) if design.clusters is None else cluster_codes(design.clusters, scores.size)
    tail = tail_probability(design.confidence)
    known = ~np.isnan(scores)
    seen, (_, inside) = scores[known], np.unique(codes[known], return_inverse=True)
    n, n_clusters = seen.size, int(inside.max(initial=-1)) + 1
    error = cr2_error(seen, inside.tolist())
    cautions = cluster_cautions(n_clusters, None if error is None else error.df) if n else ()
    if n == 0:
        interval: tuple[float | None, float | None, str] = (None, None, tr("no scores"))
    elif error is None or n_clusters < TOO_FEW_CLUSTERS:
        interval = (None, None, tr("none: under {fewest} clusters of tasks", fewest=TOO_FEW_CLUSTERS))
    elif _all_equal(seen):
        interval = _identical_bound(float(seen[0]), n, n_clusters, tail, scale)
    else:
        interval = _t_interval(error.mean, error.se, error.df, tail, scale, prefix="CR2 ")
    estimate = Estimate(
        value=float(seen.mean()) if n else None,
        low=interval[0],
        high=interval[1],
        confidence=design.confidence,
        n=n,
        n_unscored=scores.size - n,
        method=interval[2],
    )
    return ScoreInterval(estimate=estimate, n_clusters=n_clusters, cautions=cautions)


def cluster_cautions(n_clusters: int, df: float | None = None) -> tuple[Notice, ...]:
    """Return what to print beside an interval with ``df`` (None: G - 1) degrees of freedom over G clusters.

    Nothing from 12 clusters of one size on; clusters of unlike sizes are worth df + 1 of one size.

    >>> cluster_cautions(3), cluster_cautions(12)
    (('only 3 clusters of tasks: no interval is given under 5',), ())
    >>> cluster_cautions(13, 2.3)
    ('13 clusters of tasks of unlike sizes, worth 3.3 of one size: intervals are wide, and may still be too narrow',)
    """
    if n_clusters < TOO_FEW_CLUSTERS:
        said = Notice(
            "clusters_too_few",
            trn(
                "only {n} cluster of tasks: no interval is given under {fewest}",
                "only {n} clusters of tasks: no interval is given under {fewest}",
                n_clusters,
                fewest=TOO_FEW_CLUSTERS,
            ),
        )
    elif n_clusters < FEW_CLUSTERS:
        said = Notice("clusters_few", tr("only {n} clusters of tasks: intervals may be too narrow", n=n_clusters))
    elif df is not None and df + 1 < FEW_CLUSTERS - EQUAL:
        said = Notice(
            "clusters_unlike",
            tr(
                "{n} clusters of tasks of unlike sizes, worth {worth:.1f} of one size: intervals are wide, and may "
                "still be too narrow",
                n=n_clusters,
                worth=df + 1,
            ),
        )
    else:
        return ()
    return (said,)


def _t_interval(
    mean: float, se: float, df: float, tail: float, scale: Scale | None, *, prefix: str = ""
) -> tuple[float | None, float | None, str]:
    if se <= EQUAL * max(1.0, abs(mean)):
        return None, None, tr("none: the clusters cancel each other exactly")
    ends = bounded_interval(mean, float(t_critical(df, tail)) * se, scale)
    return *ends, f"{prefix}t" if scale is None else f"{prefix}logit-t"


def _identical_bound(
    value: float, n: int, units: int, tail: float, scale: Scale | None
) -> tuple[float | None, float | None, str]:
    what = tr("one score") if n == 1 else tr("all {n} scores equal", n=n)
    if scale is None:
        return None, None, tr("none: {what}", what=what)
    share = float(sure_share(units, tail))
    return (
        share * value + (1 - share) * scale.low,
        share * value + (1 - share) * scale.high,
        tr("Clopper-Pearson bound ({what})", what=what),
    )


def _all_equal(scores: Floats) -> bool:
    return bool(np.ptp(scores) <= EQUAL * max(1.0, abs(scores[0])))


def _rescaled(share: Estimate, scale: Scale) -> Estimate:
    def scaled(value: float | None) -> float | None:
        return None if value is None else scale.low + (scale.high - scale.low) * value

    return Estimate(
        value=scaled(share.value),
        low=scaled(share.low),
        high=scaled(share.high),
        confidence=share.confidence,
        n=share.n,
        n_unscored=share.n_unscored,
        method=share.method,
    )
