"""What missing scores could change at most."""

import numpy as np

from harness.stats.arrays import Floats, Ints


def missing_bounds(scores: Floats, pairs: Ints, low: float | None, high: float | None) -> tuple[Floats, Floats]:
    """Return worst-case and best-case mean difference over all tasks for each pair, shape (P,) each, NaN if unknown.

    A missing score of the candidate could be anything from ``low`` to ``high``, and so could one of the baseline. With
    nothing missing both are the mean difference.

    >>> worst, best = missing_bounds(np.array([[3.0, 4.0], [4.0, np.nan]]), np.array([[1, 0]]), 1, 5)
    >>> worst, best
    (array([-1.]), array([1.]))
    """
    n = scores.shape[1]
    known = ~np.isnan(scores)
    has_gaps = known.sum(axis=1) < n
    incomplete = has_gaps[pairs[:, 0]] | has_gaps[pairs[:, 1]]
    unknown = np.full(len(pairs), np.nan)
    with np.errstate(invalid="ignore"):
        sums = np.where(known, scores, 0.0).sum(axis=1)
        plain = (sums[pairs[:, 0]] - sums[pairs[:, 1]]) / (n or np.nan)
    if low is None or high is None:
        plain = np.where(incomplete, unknown, plain)
        return plain, plain
    least, most = (np.where(known, scores, end).sum(axis=1) for end in (low, high))
    worst = (least[pairs[:, 0]] - most[pairs[:, 1]]) / (n or np.nan)
    best = (most[pairs[:, 0]] - least[pairs[:, 1]]) / (n or np.nan)
    return np.where(incomplete, worst, plain), np.where(incomplete, best, plain)
