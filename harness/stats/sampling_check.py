"""Were the labelled tasks drawn at random? What can be seen of it afterwards."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaln, ndtr

from harness.errors import StatisticsError
from harness.locale import tr
from harness.stats.arrays import Bools, score_array, sum_of_squares

DRAW_TAIL = 0.005
"""Each of the two checks of the draw raises a false alarm this often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawCheck:
    """Whether the labelled tasks look drawn at random; ``reasons`` says what speaks against it.

    ``judge_p``: chance of a difference in the judge's mean, between labelled and all tasks, as large as seen ·
    ``order_p``: chance of labelled tasks that stand so close together. None where there is nothing to check.
    """

    looks_random: bool
    judge_p: float | None
    order_p: float | None
    reasons: tuple[str, ...]


def check_draw(is_labelled: ArrayLike, judge: ArrayLike) -> DrawCheck:
    """Return whether the labelled tasks look like a random draw, given the judge's scores; arrays of shape (T,).

    Two checks at 0.5 % each: the judge's mean over the labelled tasks against its finite-population law, and the number
    of runs of labelled tasks in task order (Wald & Wolfowitz 1940, exact), which catches "the first 30". None labelled,
    or all: nothing to check.

    >>> check_draw([True] * 30 + [False] * 70, np.arange(100) % 5).reasons
    ('the labelled tasks stand close together in task order',)
    """
    labelled = np.asarray(is_labelled, dtype=np.bool_)
    scores = score_array(judge, name="judge's scores")
    if labelled.shape != scores.shape:
        raise StatisticsError(
            tr("There are {size} label marks and {size_2} judge scores.", size=labelled.size, size_2=scores.size)
        )
    n, n_tasks = int(labelled.sum()), labelled.size
    reasons: list[str] = []
    judge_p = order_p = None
    if 0 < n < n_tasks:
        spread = sum_of_squares(scores - scores.mean(), scores) / (n_tasks - 1)
        if spread > 0:
            se = sqrt(spread / n * (1 - n / n_tasks))
            judge_p = float(2 * ndtr(-abs(float(scores[labelled].mean() - scores.mean())) / se))
        order_p = _few_runs_p(labelled)
        if judge_p is not None and judge_p < DRAW_TAIL:
            reasons.append(tr("the judge's mean over the labelled tasks is far from its mean over all"))
        if order_p < DRAW_TAIL:
            reasons.append(tr("the labelled tasks stand close together in task order"))
    return DrawCheck(looks_random=not reasons, judge_p=judge_p, order_p=order_p, reasons=tuple(reasons))


def _few_runs_p(labelled: Bools) -> float:
    """Return the chance of as few runs or fewer if all orders are equally likely, exactly."""
    ones, zeros = int(labelled.sum()), int((~labelled).sum())
    runs = 1 + int((labelled[1:] != labelled[:-1]).sum())

    def log_choose(n: int, k: int) -> float:
        return -np.inf if not 0 <= k <= n else float(-betaln(n - k + 1, k + 1) - np.log(n + 1))

    whole = log_choose(ones + zeros, ones)
    total = 0.0
    for count in range(2, runs + 1):
        k, is_odd = divmod(count, 2)
        ways = (
            (
                log_choose(ones - 1, k) + log_choose(zeros - 1, k - 1),
                log_choose(ones - 1, k - 1) + log_choose(zeros - 1, k),
            )
            if is_odd
            else (log_choose(ones - 1, k - 1) + log_choose(zeros - 1, k - 1),) * 2
        )
        total += sum(float(np.exp(way - whole)) for way in ways)
    return min(1.0, total)
