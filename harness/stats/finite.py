"""Means over a known set of tasks, all of it or a part that was drawn: what varies is the draw, and the answers.

Two-stage sampling (Cochran 1977, section 10.4, with repeats without end): with a share f of the set's tasks,
variance = (1 - f) s_b^2 / n + f sum(v_i) / n^2, where s_b^2 is the variance between the tasks' means and v_i that of
task i's mean over its repeats. With f = 0 it is that of new tasks, with f = 1 only repeats vary.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from harness.errors import StatisticsError
from harness.locale import tr
from harness.stats.arrays import Floats, score_array


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """How each task's mean varies over repeats: ``variances`` (n,) with ``df`` (n,) each, NaN where there is one."""

    variances: Floats
    df: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class FiniteMean:
    """A mean over a known set; ``se`` with ``df`` degrees of freedom, None where nothing that varies was measured.

    ``has_repeats``: repeats measured how answers and verdicts vary, and that is in the error.
    """

    mean: float | None
    se: float | None
    df: float | None
    n: int
    has_repeats: bool


def within_tasks(cells: ArrayLike) -> Within:
    """Return how task means vary over repeats. ``cells`` (n, answers, verdicts), NaN for none.

    By the means of several answers, whose spread holds that of the verdicts; with one answer each by its verdicts.

    >>> within_tasks([[[4.0], [5.0]], [[3.0], [3.0]]]).variances.tolist()
    [0.25, 0.0]
    """
    scores = score_array(cells, ndim=3)
    known = ~np.isnan(scores)
    with np.errstate(divide="ignore", invalid="ignore"):
        of_answers = np.where(known, scores, 0.0).sum(axis=2) / known.sum(axis=2)
        scores = of_answers if scores.shape[1] > 1 else scores[:, 0]
        there = ~np.isnan(scores)
        count = there.sum(axis=1)
        mean = np.where(there, scores, 0.0).sum(axis=1) / count
        squares = np.where(there, (scores - mean[:, None]) ** 2, 0.0).sum(axis=1)
        several = count > 1
        variances = np.where(several, squares / (count - 1) / count, np.nan)
    return Within(variances=variances, df=np.where(several, count - 1.0, np.nan))


def finite_mean(values: ArrayLike, within: Sequence[Within], *, share: float) -> FiniteMean:
    """Return the mean of ``values`` (n,), a score or a difference per task, over a set of which they are ``share``.

    ``within``: how the values vary over repeats, one entry for each side of a difference, which vary apart. A side of
    which no task has repeats, or whose repeats never differ (the same answer is judged once), measured nothing: the
    error then holds the draw of tasks alone, and with all tasks of the set there is none. Degrees of freedom:
    Satterthwaite.

    Raises:
        StatisticsError: a share outside 0-1, or infinite values.

    >>> found = finite_mean([3.0, 4, 4, 5], [], share=0.5)
    >>> found.mean, round(found.se, 4), found.df
    (4.0, 0.2887, 3.0)
    >>> finite_mean([3.0, 4, 4, 5], [], share=1.0).se is None
    True
    """
    if not 0 <= share <= 1:
        raise StatisticsError(
            tr("The tasks are a share of {share:g} of their set: it lies between 0 and 1.", share=share)
        )
    scores = score_array(values)
    known = ~np.isnan(scores)
    seen = scores[known]
    n = int(seen.size)
    if n == 0:
        return FiniteMean(mean=None, se=None, df=None, n=0, has_repeats=False)
    parts: list[tuple[float, float]] = []
    if share < 1 and n > 1:
        parts.append(((1 - share) * float(seen.var(ddof=1)) / n, n - 1.0))
    repeats = [_summed(one, known) for one in within]
    has_repeats = share > 0 and bool(repeats) and all(one is not None for one in repeats)
    if has_repeats:
        parts += [(share * total / n**2, df) for total, df in filter(None, repeats)]
    variance = sum(part for part, _ in parts)
    is_known = variance > 0 and (share < 1 or has_repeats)
    return FiniteMean(
        mean=float(seen.mean()),
        se=sqrt(variance) if is_known else None,
        df=variance**2 / sum(part**2 / df for part, df in parts if part > 0) if is_known else None,
        n=n,
        has_repeats=has_repeats,
    )


def _summed(within: Within, known: np.ndarray) -> tuple[float, float] | None:
    """Return the sum of variances over the tasks that count, and its degrees of freedom; None if none was measured.

    A task without repeats stands for the average of those that have some.
    """
    variances, df = within.variances[known], within.df[known]
    measured = ~np.isnan(variances)
    total = float(variances[measured].sum())
    if total <= 0:
        return None
    freedom = total**2 / float((variances[measured] ** 2 / df[measured]).sum())
    return total * variances.size / int(measured.sum()), freedom
