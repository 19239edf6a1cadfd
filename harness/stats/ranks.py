"""Rank sets: the ranks that a model may hold, given what all pairwise comparisons can and cannot tell apart."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from harness.errors import StatisticsError
from harness.locale import tr
from harness.stats.arrays import grid_step, score_array, shared_clusters, span_of, tail_probability
from harness.stats.design import PLAIN, Design
from harness.stats.pairs import all_pairs, pair_intervals, pair_moments
from harness.stats.signflip import score_grid
from harness.types import Scale


@dataclass(frozen=True, slots=True, kw_only=True)
class RankSet:
    """Ranks ``low`` (best case) to ``high`` (worst case), 1 being the best."""

    low: int
    high: int


def rank_sets(scores: ArrayLike, scale: Scale | None = None, design: Design = PLAIN) -> tuple[RankSet | None, ...]:
    """Return the rank set of each row of ``scores`` (M models, n tasks; NaN for no score).

    With the given confidence all true ranks of the mean lie in their sets at once: all M (M - 1) / 2 paired differences
    get Sidak-t simultaneous intervals, a model is better than another where the interval excludes 0, and its ranks run
    from 1 + (number significantly better) to M - (number significantly worse) (Mogstad, Romano, Shaikh & Wilhelm 2024).
    Pairs without an interval (no common task, under 5 clusters) cannot be told apart.

    A model without any score has no rank (None) and M counts the others. One model alone has rank 1.

    Raises:
        StatisticsError: off-scale or infinite scores, a confidence outside 0-1.

    >>> scores = np.array([[5, 4, 5, 4, 5, 4, 5, 5], [1, 2, 1, 1, 2, 1, 2, 1], [2, 1, 1, 2, 1, 2, 1, 1]])
    >>> [(ranks.low, ranks.high) for ranks in rank_sets(scores)]
    [(1, 1), (2, 3), (2, 3)]
    """
    matrix = score_array(scores, scale, ndim=2)
    scored = np.flatnonzero((~np.isnan(matrix)).any(axis=1))
    present = matrix if len(scored) == len(matrix) else matrix[scored]
    pairs = all_pairs(len(present))
    sets: list[RankSet | None] = [None] * len(matrix)
    better: list[tuple[int, int]] = []
    tail = tail_probability(design.confidence, max(1, len(pairs)))
    codes = shared_clusters(design.clusters, matrix.shape[1])
    if len(pairs):
        moments = pair_moments(present, pairs, score_grid(present, grid_step(scale)), codes)
        lows, highs = pair_intervals(moments, tail, span_of(scale))
        better = [(int(i), int(j)) for i, j in pairs[lows > 0]] + [(int(j), int(i)) for i, j in pairs[highs < 0]]
    for row, ranks in zip(scored, rank_sets_from_pairs(len(present), better), strict=True):
        sets[row] = ranks
    return tuple(sets)


def rank_sets_from_pairs(n_models: int, better: Iterable[tuple[int, int]]) -> tuple[RankSet, ...]:
    """Return the rank set of each model given all significant (winner, loser) index pairs.

    Raises:
        StatisticsError: a pair names no model.

    >>> [(r.low, r.high) for r in rank_sets_from_pairs(4, [(0, 2), (0, 3), (1, 3)])]
    [(1, 2), (1, 3), (2, 4), (3, 4)]
    """
    n_better, n_worse = [0] * n_models, [0] * n_models
    for winner, loser in better:
        if not (0 <= winner < n_models and 0 <= loser < n_models):
            raise StatisticsError(
                tr(
                    "The pair ({winner}, {loser}) names a model that is not there: there are {n_models}.",
                    winner=winner,
                    loser=loser,
                    n_models=n_models,
                )
            )
        n_better[loser] += 1
        n_worse[winner] += 1
    return tuple(RankSet(low=1 + n_better[i], high=n_models - n_worse[i]) for i in range(n_models))
