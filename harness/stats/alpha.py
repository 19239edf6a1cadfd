"""Krippendorff's alpha: how far several raters agree beyond chance, whatever scores are missing."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from harness.errors import StatisticsError
from harness.locale import tr
from harness.stats.arrays import Floats, Ints, score_array

AlphaLevel = Literal["nominal", "ordinal", "interval"]


def krippendorff_alpha(scores: ArrayLike, *, level: AlphaLevel = "ordinal") -> float | None:
    """Return alpha of ``scores``, shape (raters, items), NaN where a rater gave none.

    1 is perfect agreement, 0 what chance alone gives, under 0 systematic disagreement. alpha = 1 - Do / De: Do is the
    mean squared distance of two scores of one item, an item with m scores weighing m; De that of any two scores that
    can be paired (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability"). Distances: ``nominal`` 0 if equal,
    else 1; ``interval`` the difference; ``ordinal`` the difference of mean ranks among all scores that can be paired,
    which is the paper's sum of frequencies between two values less half of each end.

    Items with fewer than two scores count for nothing. None where no two scores can be paired, or all are equal.

    Raises:
        StatisticsError: not a matrix of numbers, infinite scores, or an unknown ``level``.

    >>> round(krippendorff_alpha([[1, 2, 3, 3], [1, 2, 3, 4]]), 4), krippendorff_alpha([[1, 1], [1, 1]])
    (0.9103, None)
    >>> round(krippendorff_alpha([[1, 2, 3, None], [1, 2, 4, 4]], level="nominal"), 4)
    0.6154
    """
    matrix = score_array(scores, ndim=2)
    known = ~np.isnan(matrix)
    known &= known.sum(axis=0) > 1
    items, _ = np.nonzero(known.T)
    values = matrix.T[known.T]
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    if counts.size < 2:  # noqa: PLR2004 - one value says nothing
        return None
    _, items, sizes = np.unique(items, return_inverse=True, return_counts=True)
    if level == "nominal":
        return _nominal(items, codes, sizes, counts)
    if level == "ordinal":
        values = (np.cumsum(counts) - counts / 2)[codes]
    elif level != "interval":
        raise StatisticsError(
            tr("Alpha has no level {level!r}.", level=level), hint=tr("Choose nominal, ordinal or interval.")
        )
    return _squared(values, items, sizes)


def _nominal(items: Ints, codes: Ints, sizes: Ints, counts: Ints) -> float:
    """Count the ordered pairs of unequal scores: within items (weight 1 / (m - 1)) and among all scores."""
    (item, _), same = np.unique(np.stack([items, codes]), axis=1, return_counts=True)
    unlike = sizes**2 - np.bincount(item, weights=same**2)
    n = int(counts.sum())
    return float(1 - (n - 1) * (unlike / (sizes - 1)).sum() / (n**2 - (counts**2).sum()))


def _squared(values: Floats, items: Ints, sizes: Ints) -> float | None:
    """Use that (x - y)^2 over all ordered pairs of m values adds up to 2 m times their sum of squares."""
    n = values.size
    means = np.bincount(items, weights=values) / sizes
    within = np.bincount(items, weights=(values - means[items]) ** 2)
    total = float(((values - values.mean()) ** 2).sum())
    return float(1 - (n - 1) / n * (sizes / (sizes - 1) * within).sum() / total) if total > 0 else None
