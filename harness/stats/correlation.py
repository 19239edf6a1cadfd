"""How scores go together: ordinal alpha, rank correlation, and their slope on length. Pure functions of arrays.

NaN means "no score"; what cannot be computed is None.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from harness.locale import tr
from harness.stats import krippendorff_alpha
from harness.stats.arrays import cluster_codes
from harness.stats.design import PLAIN, Design
from harness.stats.jackknife import jackknife_slope
from harness.types import Estimate

Floats = npt.NDArray[np.float64]


def ordinal_alpha(scores: npt.ArrayLike) -> float | None:
    """Return Krippendorff's alpha for ordinal scores of shape (raters, items), NaN where there is none.

    None where no item has two scores, or all scores that can be paired are equal: see
    `harness.stats.krippendorff_alpha`.

    >>> round(ordinal_alpha([[1, 2, 3, 3], [1, 2, 3, 4]]), 4), ordinal_alpha([[1, 1], [1, 1]])
    (0.9103, None)
    """
    return krippendorff_alpha(scores, level="ordinal")


def spearman(first: npt.ArrayLike, second: npt.ArrayLike) -> float | None:
    """Return Spearman's rank correlation (ties get their mean rank), or None where it cannot be computed.

    >>> spearman([1, 2, 3, 4], [10, 20, 40, 30]), spearman([1, 1], [1, 2])
    (0.8, None)
    """
    a, b = _ranks(np.asarray(first, dtype=np.float64)), _ranks(np.asarray(second, dtype=np.float64))
    if a.size < 3 or not np.ptp(a) or not np.ptp(b):  # noqa: PLR2004 - two points always lie on a line
        return None
    return round(float(np.corrcoef(a, b)[0, 1]), 12)


def length_slope(values: Floats, lengths: Floats, design: Design = PLAIN) -> Estimate:
    """Return the slope of ``values`` on the binary logarithm of the answer's length: points per doubling.

    Both of shape (rows, samples, repeats); the design's clusters name what each sample belongs to. The slope is
    between answers to the same task (both are centred on the task's mean), so that it is no trace of long tasks being
    hard; with one answer per task, between tasks. Interval: CR3 over tasks or clusters of tasks, as
    `harness.stats.jackknife.jackknife_slope` has it. It shows association: longer answers may also be better ones.
    """
    x = np.log2(1 + lengths)
    known = ~np.isnan(values + x)
    n = int(known.sum())
    within = (known.sum(axis=(0, 2)) > 1).any()
    if within:
        x, y = (_centred(array, known) for array in (x, values))
    else:
        x, y = (array - (array[known].mean() if n else 0.0) for array in (x, values))
    samples = values.shape[1]
    names = np.arange(samples) if design.clusters is None else cluster_codes(design.clusters, samples)
    codes = np.broadcast_to(names[None, :, None], values.shape)[known]
    found = jackknife_slope(x[known], y[known], replace(design, clusters=codes.tolist()))
    if found.value is None:
        method = tr("no lengths to compare")
    elif within:
        method = tr("least squares within tasks, {variance}", variance=found.method)
    else:
        method = tr("least squares between tasks, {variance}", variance=found.method)
    return replace(found, n_unscored=known.size - n, method=method)


def _centred(values: Floats, known: npt.NDArray[np.bool_]) -> Floats:
    """Return values less their task's mean over the known ones."""
    count = np.maximum(1, known.sum(axis=(0, 2), keepdims=True))
    return np.asarray(values - np.where(known, values, 0.0).sum(axis=(0, 2), keepdims=True) / count)


def _ranks(values: Floats) -> Floats:
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[codes])
