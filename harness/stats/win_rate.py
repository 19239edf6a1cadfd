"""The win rate of one answer over another, task by task, with its exact interval, and how far place decides verdicts.

The task is the unit: the verdicts on both orders of a pair, and of repeats and raters, are averaged first. A task's
share is then 1 (won), 0.5 (tied, or won in one order and lost in the other), 0 (lost), or between.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv

from harness.stats.arrays import Floats, check_confidence, score_array, shared_clusters
from harness.stats.design import PLAIN, Design
from harness.stats.intervals import cluster_interval
from harness.stats.paired import paired_comparison
from harness.types import UNIT, Estimate

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class WinRate:
    """How often one wins over another, a tie being half a win.

    ``estimate``: the mean of the tasks' shares with its interval · ``wins``, ``ties``, ``losses``: tasks on which the
    share lies over, at or under a half · ``p_value``: sign-flip mid-p of a rate of one half, None without a task.
    """

    estimate: Estimate
    wins: int
    ties: int
    losses: int
    p_value: float | None


def win_rate(shares: ArrayLike, design: Design = PLAIN) -> WinRate:
    """Return the win rate of ``shares`` (n,), one per task from 0 to 1, NaN or None for a task without a verdict.

    The interval is Clopper & Pearson's (1934), by quantiles of the beta distribution at the sum of the shares. Where
    every share is 0 or 1 that sum is a count, and the interval is exact. A share between them varies less than a coin
    of its mean would (Hoeffding 1956), so that it then covers more than it says, never less: 0.95 is at least 0.95 in
    `tests/stats/test_win_rate.py`. Where tasks share clusters, the interval is CR2's (`cluster_interval`).

    Degenerate cases: without a verdict all is None.

    Raises:
        StatisticsError: a share outside 0 to 1, a confidence outside 0 to 1.

    >>> found = win_rate([1] * 15 + [0] * 5)
    >>> found.estimate.value, round(found.estimate.low, 4), round(found.estimate.high, 4)
    (0.75, 0.509, 0.9134)
    >>> win_rate([1, 0.5, 0.75, 0]).wins
    2
    """
    known = score_array(shares, UNIT, name="shares")
    seen = known[~np.isnan(known)]
    comparison = paired_comparison(known, 1 - known, UNIT, design)
    if shared_clusters(design.clusters, known.size) is not None:
        estimate = cluster_interval(known, UNIT, design).estimate
    else:
        estimate = _clopper_pearson(seen, design.confidence, known.size - seen.size)
    return WinRate(
        estimate=estimate,
        wins=int((seen > 0.5 + _ROUNDING).sum()),
        ties=int((np.abs(seen - 0.5) <= _ROUNDING).sum()),
        losses=int((seen < 0.5 - _ROUNDING).sum()),
        p_value=comparison.p_value,
    )


def _clopper_pearson(seen: Floats, confidence: float, n_missing: int) -> Estimate:
    check_confidence(confidence)
    n, won = seen.size, float(seen.sum())
    value = low = high = None
    if n:
        tail = (1 - confidence) / 2
        value = won / n
        low = 0.0 if won <= 0 else float(betaincinv(won, n - won + 1, tail))
        high = 1.0 if won >= n else float(betaincinv(won + 1, n - won, 1 - tail))
    return Estimate(
        value=value, low=low, high=high, confidence=confidence, n=n, n_unscored=n_missing, method="Clopper-Pearson"
    )


def position_bias(
    shares: ArrayLike, tasks: Sequence[Hashable], confidence: float = 0.95, orders: ArrayLike | None = None
) -> Estimate:
    """Return by how much the first of two answers wins more often than one half, -0.5 to 0.5, with its interval.

    ``shares`` (n,): what the first answer of each verdict got, 1, 0.5 or 0 · ``tasks`` (n,): what varies together ·
    ``orders`` (n,): a number for each pair on each task, the same for both of its orders; verdicts on a pair that was
    shown in one order only say nothing of place, and are left out. None: all verdicts count.

    With both orders of every pair whoever is better comes first as often as second, so that only the place is left.

    >>> position_bias([1, 1, 1, 0, 1, 1, 0, 1], list("aabbccdd")).value
    0.25
    """
    known = score_array(shares, UNIT, name="verdicts")
    if orders is not None:
        codes = np.asarray(orders, dtype=np.int64)
        seen = ~np.isnan(known)
        # of each pair both orders have the code, with the sign of the order
        both = np.isin(np.abs(codes), np.intersect1d(codes[seen & (codes > 0)], -codes[seen & (codes < 0)]))
        known = np.where(both, known, np.nan)
    found = cluster_interval(known, UNIT, Design(clusters=tuple(tasks), confidence=confidence)).estimate
    moved = [None if value is None else value - 0.5 for value in (found.value, found.low, found.high)]
    return Estimate(
        value=moved[0],
        low=moved[1],
        high=moved[2],
        confidence=confidence,
        n=found.n,
        n_unscored=found.n_unscored,
        method=found.method,
    )
