"""Means that can be compared although rows lack scores on different tasks: the two-way additive fit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from harness.stats.arrays import Bools, Floats, Ints, score_array

_ROUNDING = 12  # digits of a fitted mean; what lies beyond depends on the order of additions


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparableMeans:
    """``values`` (M,): each row's mean over the tasks of its group, NaN without a score.

    ``groups`` (M,): rows of one number are linked by common tasks, directly or through others, so that their values may
    be compared; -1 without a score. Group 0 has the most rows, then the most scores.
    """

    values: Floats
    groups: Ints


def comparable_means(scores: ArrayLike) -> ComparableMeans:
    """Return what each row of ``scores`` (M rows, n tasks, NaN for none) would average over all tasks.

    Least squares on score = row + task over the scores that there are (the two-way analysis of variance of unbalanced
    data, Yates 1934; as fixed effects of workers and firms, Abowd, Kramarz & Margolis 1999). A row's value is its
    effect plus the mean effect of all tasks that its group has scores on. So a row is measured on every task against
    those that have a score there too, and hard tasks that it lacks lift it no more than easy ones. A row that lacks
    none has its plain mean, exactly; of two rows alone the values differ by the mean paired difference, exactly.

    It takes what is missing to be no worse and no better for the row than the model says. Where scores are missing
    because they are low no estimate helps: `worst_case_mean` says what they could do.

    Raises:
        StatisticsError: not a matrix of numbers, or infinite scores.

    >>> hard_ones_missing = [[1, 2, 4, 5], [None, None, 3, 4]]
    >>> comparable_means(hard_ones_missing).values.tolist()  # not 3.0 and 3.5
    [3.0, 2.0]
    >>> comparable_means([[1, 2, None], [None, None, 5], [None, None, None]]).groups.tolist()
    [0, 1, -1]
    """
    matrix = score_array(scores, ndim=2)
    known = ~np.isnan(matrix)
    groups = _groups(known)
    values = np.full(len(matrix), np.nan)
    for group in range(int(groups.max(initial=-1)) + 1):
        rows = np.flatnonzero(groups == group)
        tasks = np.flatnonzero(known[rows].any(axis=0))
        values[rows] = _additive(matrix[np.ix_(rows, tasks)], known[np.ix_(rows, tasks)])
    return ComparableMeans(values=values, groups=groups)


def _additive(scores: Floats, known: Bools) -> Floats:
    """Return the fitted means of linked rows. The task effects are eliminated, which leaves one equation per row."""
    whole = known.all(axis=1)
    if whole.all():
        return np.asarray(scores.mean(axis=1))
    present = known.astype(np.float64)
    per_task = present.sum(axis=0)
    task_means = np.where(known, scores, 0.0).sum(axis=0) / per_task
    normal = np.diag(present.sum(axis=1)) - (present / per_task) @ present.T
    right = np.where(known, scores - task_means, 0.0).sum(axis=1)
    rows = np.linalg.lstsq(normal, right, rcond=None)[0]
    tasks = task_means - (present * rows[:, None]).sum(axis=0) / per_task
    fitted = np.round(rows + tasks.mean(), _ROUNDING)
    # A row without gaps has its plain mean but for rounding; NaN of the others never shows.
    return np.asarray(np.where(whole, scores.mean(axis=1), fitted), dtype=np.float64)


def _groups(known: Bools) -> Ints:
    """Return which rows are linked, numbered by their number of rows, then of scores, then by their first row."""
    codes = np.full(len(known), -1, dtype=np.int64)
    found: list[Ints] = []
    for start in np.flatnonzero(known.any(axis=1)):
        if codes[start] >= 0:
            continue
        inside: Bools = np.zeros(len(known), dtype=np.bool_)
        inside[start] = True
        while True:
            tasks = np.asarray(known[inside].any(axis=0))
            reached = np.asarray(known[:, tasks].any(axis=1))
            if (reached == inside).all():
                break
            inside = reached
        codes[inside] = len(found)
        found.append(np.flatnonzero(inside))
    order = sorted(found, key=lambda rows: (-len(rows), -int(known[rows].sum()), int(rows[0])))
    for number, rows in enumerate(order):
        codes[rows] = number
    return codes
