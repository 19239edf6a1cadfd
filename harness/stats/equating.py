"""Scores of one instrument on the scale of another: equating by answers that both have scored (single-group design).

A function e maps a score of the new instrument to the one that stands for it on the old one's scale. It is symmetric,
so that it matches distributions and predicts nobody: regression would pull every model towards the mean. Kolen &
Brennan 2014, *Test Equating, Scaling, and Linking*, 3rd ed., chapters 2 (methods) and 7 (standard errors).
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from harness.errors import StatisticsError
from harness.locale import tr
from harness.stats.arrays import Floats, Ints, cluster_codes, score_array
from harness.stats.design import PLAIN, Design
from harness.types import LIKERT_5, Scale

EquatingMethod = Literal["linear", "equipercentile"]
FEWEST_ANCHORS = 20
"""Under this many answers with both scores nothing is equated: the error would be larger than most shifts."""
FEWEST_CLUSTERS = 5
"""Under this many clusters of answers the error of equating cannot be told."""
_BINS = 20  # of a scale without steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Equating:
    """An equating function, as its values at ``levels`` of the new instrument; between them it is linear.

    ``values``: the equated scores, shape (L,) · ``left_out``: the same without each cluster of answers in turn, shape
    (G, L): what every standard error is made of · ``n``: answers with both scores.
    """

    method: EquatingMethod
    levels: Floats
    values: Floats
    left_out: Floats
    n: int

    @property
    def n_clusters(self) -> int:
        """How many clusters of answers (tasks) it rests on."""
        return len(self.left_out)

    @property
    def df(self) -> float:
        """Degrees of freedom of its standard errors."""
        return self.n_clusters - 1.0

    @property
    def errors(self) -> Floats:
        """The standard error of equating at each level, shape (L,), jackknife over clusters."""
        return np.sqrt(jackknife_variance(self.left_out))

    def apply(self, scores: ArrayLike) -> Floats:
        """Return scores of any shape on the old instrument's scale; NaN stays NaN.

        >>> e = equate([1, 2, 3, 4, 5] * 4, [2, 3, 4, 5, 6] * 4, Scale(low=1, high=6, step=1))
        >>> e.apply([1.5, float("nan")])
        array([2.5, nan])
        """
        return _at(np.asarray(scores, dtype=np.float64), self.levels, self.values)

    def apply_left_out(self, scores: ArrayLike) -> Floats:
        """Return scores equated without each cluster in turn, shape (G, *scores.shape)."""
        cells = np.asarray(scores, dtype=np.float64)
        return np.stack([_at(cells, self.levels, values) for values in self.left_out])


def equate(
    new: ArrayLike,
    old: ArrayLike,
    scale: Scale = LIKERT_5,
    design: Design = PLAIN,
    *,
    method: EquatingMethod = "linear",
) -> Equating:
    """Return the function that puts ``new`` scores on the scale of ``old`` ones: two arrays (n,), of the same answers.

    *linear*: e(x) = mean(old) + sd(old) / sd(new) (x - mean(new)).
    *equipercentile*: e(x) is the old score with the percentile rank of x among the new ones, ranks being linear within
    half a step of each score (uniform kernel; of a scale without steps, within a twentieth of it). Over an interval
    without any score it takes the middle. Equated scores are not rounded, and may leave the scale by half a step
    (equipercentile) or by more (linear): rounding or cutting them would bias means.

    The standard error is the jackknife over the design's clusters (tasks); each answer stands alone without any. With
    independent normal pairs of correlation r, linear equating has the variance sd(old)^2 (1 - r) (2 + (1 + r) z^2) / n
    at z standard deviations from the mean (Kolen & Brennan, table 7.2).

    Raises:
        StatisticsError: unlike lengths, scores off the scale, fewer than 20 answers with both scores or than 5
            clusters, or scores that are all the same: nothing can be said of the spread.

    >>> new, old = [1, 2, 3, 4, 5, 3] * 5, [2, 3, 3, 4, 5, 3] * 5
    >>> found = equate(new, old)
    >>> found.values.round(2), found.errors.round(2)
    (array([1.87, 2.6 , 3.33, 4.06, 4.79]), array([0.09, 0.06, 0.05, 0.05, 0.07]))
    """
    if method not in get_args(EquatingMethod):
        raise StatisticsError(
            tr("There is no equating {method!r}.", method=method),
            hint=tr("Known: {known}.", known=", ".join(get_args(EquatingMethod))),
        )
    first, second, codes = _pairs(new, old, scale, design)
    levels = _levels(scale)
    make = _linear if method == "linear" else _equipercentile
    n_clusters = int(codes.max()) + 1
    values = make(first, second, levels, scale)
    if values is None:
        raise StatisticsError(
            tr("All anchors have the same score: nothing can be said of how scores spread."),
            hint=tr("Judge everything again instead: --rejudge"),
        )
    left_out = [make(first[codes != one], second[codes != one], levels, scale) for one in range(n_clusters)]
    # without the one cluster that varies, nothing is known: as without any
    sound = np.stack([values if one is None else one for one in left_out])
    return Equating(method=method, levels=levels, values=values, left_out=sound, n=first.size)


def jackknife_variance(left_out: Floats) -> Floats:
    """Return the jackknife variance of figures made without each cluster in turn, shape (G, ...): of shape (...).

    (G - 1) / G times the sum of squares about their mean (Efron & Tibshirani 1993, chapter 11).

    >>> sample = np.array([1.0, 4.0, 2.0, 5.0])
    >>> means = (sample.sum() - sample) / 3
    >>> round(float(jackknife_variance(means)), 6) == round(float(sample.var(ddof=1) / 4), 6)
    True
    """
    g = len(left_out)
    return np.asarray((g - 1) / g * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))


def with_equating(se: ArrayLike, df: ArrayLike, variance: ArrayLike, df_equating: float) -> tuple[Floats, Floats]:
    """Return the standard error and degrees of freedom of a figure with the ``variance`` that equating adds to it.

    Variances add up: which tasks were drawn, and which anchors. Degrees of freedom by Satterthwaite 1946.

    >>> se, df = with_equating(0.3, 99, 0.16, 59)
    >>> round(float(se), 6), round(float(df), 1)
    (0.5, 121.2)
    """
    own, more = np.asarray(se, dtype=np.float64) ** 2, np.asarray(variance, dtype=np.float64)
    total = own + more
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = own**2 / np.asarray(df, dtype=np.float64) + more**2 / df_equating
        pooled = np.where(more > 0, total**2 / spread, df)
    return np.sqrt(total), np.asarray(pooled)


def _pairs(new: ArrayLike, old: ArrayLike, scale: Scale, design: Design) -> tuple[Floats, Floats, Ints]:
    first, second = score_array(new, scale, name="new scores"), score_array(old, scale, name="old scores")
    if first.shape != second.shape:
        raise StatisticsError(
            tr("There are {size} new and {size_2} old scores: they are pairs.", size=first.size, size_2=second.size)
        )
    known = ~np.isnan(first - second)
    codes = np.arange(first.size) if design.clusters is None else cluster_codes(design.clusters, first.size)
    n, codes = int(known.sum()), np.unique(codes[known], return_inverse=True)[1]
    n_clusters = int(codes.max(initial=-1)) + 1
    if n < FEWEST_ANCHORS or n_clusters < FEWEST_CLUSTERS:
        raise StatisticsError(
            tr(
                "{n} answers to {n_tasks} tasks have both scores: equating takes at least {least} answers to "
                "{least_tasks} tasks.",
                n=n,
                n_tasks=n_clusters,
                least=FEWEST_ANCHORS,
                least_tasks=FEWEST_CLUSTERS,
            ),
            hint=tr("Judge more anchors (--anchors N), or everything again: --rejudge"),
        )
    return first[known], second[known], codes


def _levels(scale: Scale) -> Floats:
    step = _step(scale)
    return np.asarray(scale.low + step * np.arange(round((scale.high - scale.low) / step) + 1))


def _step(scale: Scale) -> float:
    return scale.step or (scale.high - scale.low) / _BINS


def _linear(new: Floats, old: Floats, levels: Floats, scale: Scale) -> Floats | None:  # noqa: ARG001 - as the other
    spread = float(new.std())
    if spread <= 0 or float(old.std()) <= 0:
        return None
    return np.asarray(old.mean() + old.std() / spread * (levels - new.mean()))


def _equipercentile(new: Floats, old: Floats, levels: Floats, scale: Scale) -> Floats | None:
    if np.ptp(new) <= 0 or np.ptp(old) <= 0:
        return None
    edges = np.concatenate([levels - _step(scale) / 2, levels[-1:] + _step(scale) / 2])
    below_new, below_old = (np.concatenate([[0.0], np.cumsum(_shares(one, edges))]) for one in (new, old))
    ranks = (below_new[:-1] + below_new[1:]) / 2  # in the middle of each step
    return _inverse(ranks, edges, below_old)


def _shares(scores: Floats, edges: Floats) -> Floats:
    counts, _ = np.histogram(scores, bins=edges)
    return np.asarray(counts / scores.size)


def _inverse(ranks: Floats, edges: Floats, below: Floats) -> Floats:
    """Return where a distribution, linear between ``edges``, has these percentile ranks; its middle where flat."""
    tiny = 1e-12
    upper = np.searchsorted(below, ranks + tiny, side="right")  # first edge with more below it
    lower = np.searchsorted(below, ranks - tiny, side="left") - 1  # last edge with less
    found = np.empty(ranks.shape)
    for place, (rank, up, down) in enumerate(zip(ranks, upper, lower, strict=True)):
        ends = [
            edges[0] if start < 0 else edges[-1] if stop >= len(edges) else _between(rank, start, stop, edges, below)
            for start, stop in ((up - 1, up), (down, down + 1))
        ]
        found[place] = sum(ends) / 2
    return found


def _between(rank: float, start: int, stop: int, edges: Floats, below: Floats) -> float:
    width = below[stop] - below[start]
    share = (rank - below[start]) / width if width > 0 else 0.5
    return float(edges[start] + min(max(share, 0.0), 1.0) * (edges[stop] - edges[start]))


def _at(scores: Floats, levels: Floats, values: Floats) -> Floats:
    """Return a function at scores: linear between levels, and beyond the ends as in the last step."""
    place = np.clip(np.searchsorted(levels, scores) - 1, 0, len(levels) - 2)
    share = (scores - levels[place]) / (levels[place + 1] - levels[place])
    return np.asarray(np.where(np.isnan(scores), np.nan, values[place] + share * (values[place + 1] - values[place])))
