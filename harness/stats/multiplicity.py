"""Many comparisons at once: Holm and Benjamini-Hochberg p-values, Sidak-t critical values."""

import numpy as np
from numpy.typing import ArrayLike

from harness.errors import StatisticsError
from harness.locale import tr
from harness.stats.arrays import Floats, Ints, t_critical, tail_probability


def holm(p_values: ArrayLike) -> Floats:
    """Return Holm's step-down adjusted p-values in the order given, shape (m,).

    They control the chance of one false positive or more in the family, whatever the dependence (Holm 1979). An empty
    family gives an empty array.

    Raises:
        StatisticsError: a p-value outside 0-1, or NaN: leave out what could not be tested.

    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    p, order = _sorted(p_values)
    adjusted = np.maximum.accumulate(p * np.arange(p.size, 0, -1))
    return _unsorted(adjusted, order)


def benjamini_hochberg(p_values: ArrayLike) -> Floats:
    """Return Benjamini-Hochberg step-up adjusted p-values in the order given, shape (m,).

    They control the expected share of false positives among the rejected (Benjamini & Hochberg 1995): for exploratory
    grids, not for claims. An empty family gives an empty array.

    Raises:
        StatisticsError: a p-value outside 0-1, or NaN.

    >>> benjamini_hochberg([0.01, 0.04, 0.03])
    array([0.03, 0.04, 0.04])
    """
    p, order = _sorted(p_values)
    scaled = p * p.size / np.arange(1, p.size + 1)
    adjusted = np.minimum.accumulate(scaled[::-1])[::-1]
    return _unsorted(adjusted, order)


def sidak_t_critical(n_comparisons: int, df: float, *, confidence: float = 0.95) -> float:
    """Return the critical t of one of ``n_comparisons`` intervals that hold together with ``confidence``.

    Student's t with ``df`` degrees of freedom at 1 - (1 - confidence^(1/m)) / 2 (Sidak 1967).

    Raises:
        StatisticsError: fewer than one comparison, ``df`` not positive, a confidence outside 0-1.

    >>> round(sidak_t_critical(28, 99), 4)
    3.2029
    """
    if not df > 0:
        raise StatisticsError(tr("{df:g} degrees of freedom: t needs more than 0.", df=df))
    return float(t_critical(df, tail_probability(confidence, n_comparisons)))


def _sorted(p_values: ArrayLike) -> tuple[Floats, Ints]:
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1:
        raise StatisticsError(tr("A family is a list of p-values: the shape is {shape}.", shape=p.shape))
    if not ((p >= 0) & (p <= 1)).all():
        worst = p[~((p >= 0) & (p <= 1))][0]
        raise StatisticsError(tr("{worst:g} is not a p-value: it must lie between 0 and 1.", worst=worst))
    order = np.argsort(p, kind="stable")
    return p[order], order


def _unsorted(adjusted: Floats, order: Ints) -> Floats:
    result = np.empty_like(adjusted)
    result[order] = np.minimum(adjusted, 1.0)
    return result
