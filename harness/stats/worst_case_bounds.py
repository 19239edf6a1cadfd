"""What missing scores could change at most, with the sampling error of that."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln, stdtr

from harness.errors import StatisticsError
from harness.locale import tr
from harness.stats.arrays import Floats, Ints, score_array, shared_clusters, t_critical, tail_probability
from harness.stats.design import PLAIN, Design
from harness.stats.intervals import score_interval
from harness.stats.pairs import pair_intervals, pair_moments
from harness.stats.signflip import score_grid
from harness.types import Scale

Ends = tuple[Floats, Floats]
"""The least and the most that each score could be, of one shape; equal where a score is known."""

_NEWTON_STEPS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstCase:
    """The mean over all tasks if every missing score were as low (``worst``), or as high (``best``), as can be.

    ``low`` to ``high``: the interval that holds the true mean with ``confidence`` whatever the missing scores are, made
    as ``method`` says. None where nothing bounds it.
    """

    worst: float | None
    best: float | None
    low: float | None
    high: float | None
    confidence: float
    method: str


def score_ends(scores: Floats, scale: Scale | None, ends: tuple[ArrayLike, ArrayLike] | None) -> Ends:
    """Return the least and the most that each of ``scores`` could be: ``ends`` if given, else the scale's where NaN.

    Without a scale both are NaN where a score is missing.

    Raises:
        StatisticsError: ``ends`` of another shape, off the scale, or the wrong way round.
    """
    if ends is None:
        missing = np.isnan(scores)
        if not missing.any():
            return scores, scores
        low, high = (np.nan, np.nan) if scale is None else (scale.low, scale.high)
        return np.where(missing, low, scores), np.where(missing, high, scores)
    least, most = (
        score_array(end, scale, ndim=scores.ndim, name=f"{name} possible scores")
        for end, name in zip(ends, ("least", "most"), strict=True)
    )
    if least.shape != scores.shape or most.shape != scores.shape:
        raise StatisticsError(
            tr(
                "The ends of the scores have the shapes {shape}, {shape_2}, not {shape_3}.",
                shape=least.shape,
                shape_2=most.shape,
                shape_3=scores.shape,
            )
        )
    if (least > most).any():
        raise StatisticsError(tr("A score's least possible value is above its greatest."))
    return least, most


def worst_case_mean(
    scores: ArrayLike,
    scale: Scale | None = None,
    design: Design = PLAIN,
    *,
    ends: tuple[ArrayLike, ArrayLike] | None = None,
) -> WorstCase:
    """Return what the mean of ``scores`` (n,) over all tasks could be, NaN being a task whose score is missing.

    A missing score lies anywhere on the scale; ``ends`` says so task by task where only some repeats
    are missing. The bounds are the means of the scores so completed (Manski 1990). The interval is that of Imbens &
    Manski (2004): from the lower limit of the worst case to the upper limit of the best, at error probabilities that
    add up to 1 - confidence, p + P(T > t_p + (best - worst) / larger se) = 1 - confidence, with T Student's t and
    limits as in `score_interval`. It holds the true mean with that confidence however the missing scores came to
    be missing, and with nothing missing it is the interval of `score_interval`.

    Degenerate cases: no task, or missing scores without a scale, give None. Under 5 clusters there is no interval.

    Raises:
        StatisticsError: as `score_interval`, or ends that are none.

    >>> from harness.types import LIKERT_5
    >>> case = worst_case_mean([4, 5, 3, 4, None, 5, 4, 3, None, 4], LIKERT_5)
    >>> case.worst, case.best, round(case.low, 2), round(case.high, 2)
    (3.4, 4.2, 2.53, 4.57)
    """
    values = score_array(scores, scale)
    confidence, tail = design.confidence, tail_probability(design.confidence)
    least, most = score_ends(values, scale, ends)
    if not values.size or np.isnan(least).any() or np.isnan(most).any():
        said = tr("none: a missing score has no bounds without a scale") if values.size else tr("no scores")
        return WorstCase(worst=None, best=None, low=None, high=None, confidence=confidence, method=said)
    inner = confidence
    if (least < most).any():
        rows = np.stack([least, most, np.zeros_like(least)])
        moments = pair_moments(rows, np.array([[0, 2], [1, 2]]), None, shared_clusters(design.clusters, values.size))
        mean, se = moments.mean, moments.se
        inner = 1 - float(shared_tails(mean[1:] - mean[:1], se[1:], se[:1], moments.df[1:], tail)[0])
    limits = [score_interval(end, scale, replace(design, confidence=inner)).estimate for end in (least, most)]
    has_interval = limits[0].low is not None and limits[1].high is not None
    return WorstCase(
        worst=float(least.mean()),
        best=float(most.mean()),
        low=limits[0].low if has_interval else None,
        high=limits[1].high if has_interval else None,
        confidence=confidence,
        method=tr("Imbens-Manski, {method}", method=limits[0].method) if has_interval else limits[0].method,
    )


def missing_bounds(ends: Ends, pairs: Ints) -> tuple[Floats, Floats]:
    """Return worst-case and best-case mean difference over all tasks for each pair, shape (P,) each, NaN if unknown.

    A missing score of the candidate could be anything between its ``ends`` (M, n), and so could one of the baseline.
    With nothing missing both are the mean difference.

    >>> least, most = np.array([[3.0, 4.0], [4.0, 1.0]]), np.array([[3.0, 4.0], [4.0, 5.0]])
    >>> missing_bounds((least, most), np.array([[1, 0]]))
    (array([-1.]), array([1.]))
    """
    least, most = (end.sum(axis=1) for end in ends)
    n = ends[0].shape[1] or np.nan
    return (least[pairs[:, 0]] - most[pairs[:, 1]]) / n, (most[pairs[:, 0]] - least[pairs[:, 1]]) / n


def bound_intervals(
    ends: Ends, pairs: Ints, tail: float, span: float | None, clusters: Ints | None, *, step: float = 1.0
) -> tuple[Floats, Floats]:
    """Return the Imbens-Manski interval of each mean difference over all tasks, shape (P,) each, NaN for none.

    As in `worst_case_mean`, with t limits cut to +-``span``, as `pair_intervals` has them. Scores that lie on ``step``
    or a fraction of it go faster.
    """
    least, most = ends
    rows, m = np.concatenate([least, most]), len(least)
    grid = score_grid(rows, step)
    worst = pair_moments(rows, pairs + np.array([0, m]), grid, clusters)
    best = pair_moments(rows, pairs + np.array([m, 0]), grid, clusters)
    tails = shared_tails(best.mean - worst.mean, worst.se, best.se, worst.df, tail)
    low, high = pair_intervals(worst, tails, span)[0], pair_intervals(best, tails, span)[1]
    unbounded = np.asarray(np.isnan(least).any(axis=1))
    none = np.isnan(low) | np.isnan(high) | unbounded[pairs].any(axis=1)
    return np.where(none, np.nan, low), np.where(none, np.nan, high)


def shared_tails(width: Floats, se: Floats, other_se: Floats, df: Floats, tail: float) -> Floats:
    """Return the two-sided error probability 2p of each end of an interval for what lies in bounds ``width`` apart.

    p + P(T > t_p + width / larger se) = ``tail`` (Imbens & Manski 2004, with Student's t for the normal): ``tail`` / 2
    at each end where the bounds meet, the whole of it where they are far apart, since the truth cannot be near both.

    >>> shared_tails(np.array([0.0, 0.1, 9.0]), np.full(3, 0.1), np.full(3, 0.1), np.full(3, 49.0), 0.05).round(3)
    array([0.05 , 0.091, 0.1  ])
    """
    tails = np.full(width.shape, tail)
    larger = np.fmax(se, other_se)
    usable = (df > 0) & (larger > 0)
    if not usable.any():
        return tails
    df = np.asarray(df[usable], dtype=np.float64)
    shift = np.maximum(0.0, width[usable]) / larger[usable]
    # Newton's method from the left: the sum of two upper tails falls and is convex, so no step goes too far.
    t = t_critical(df, 2 * tail)
    for _ in range(_NEWTON_STEPS):
        step: Floats = (stdtr(df, -t) + stdtr(df, -t - shift) - tail) / (_t_density(t, df) + _t_density(t + shift, df))
        t += step
        if np.abs(step).max() <= 1e-13 * np.abs(t).max():
            break
    tails[usable] = 2 * stdtr(df, -t)
    return tails


def _t_density(t: Floats, df: Floats) -> Floats:
    size = np.exp(gammaln((df + 1) / 2) - gammaln(df / 2)) / np.sqrt(df * np.pi)
    return np.asarray(size * (1 + t * t / df) ** (-(df + 1) / 2))
