"""A mean over clusters of unlike sizes: CR2 with Bell-McCaffrey degrees of freedom."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from harness.stats.arrays import Floats, cluster_codes, score_array


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterError:
    """A mean with its standard error, the degrees of freedom of its t, and what both rest on."""

    mean: float
    se: float
    df: float
    n: int
    n_clusters: int


def cr2_variance(sums: Floats, sizes: Floats) -> tuple[Floats, Floats]:
    """Return the CR2 variance of each mean and its degrees of freedom, shape (P,) each; NaN for under two clusters.

    ``sums``, ``sizes`` (P, G): each cluster's sum of residuals and its number of tasks, 0 for a cluster without any.

    For a mean CR2 is closed: each cluster's sum of residuals, squared, over 1 - its share of the tasks, all over n^2
    (Bell & McCaffrey 2002; Pustejovsky & Tipton 2018 for the general case). It is unbiased where tasks are independent,
    whatever the sizes, and is s^2 / n with clusters of one. The degrees of freedom are those of the chi-square with its
    first two moments under independence: G - 1 for G clusters of one size, fewer the more unlike they are.
    """
    n = sizes.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = 1 - sizes / n
        variance = (sums**2 / rest).sum(axis=1) / n[:, 0] ** 2
        # tr(M)^2 / tr(M^2) of the quadratic form: n_g on its diagonal, n_g n_h / n sqrt((1 - h_g)(1 - h_h)) beside it.
        beside = sizes**2 / rest / n
        squares = (sizes**2).sum(axis=1) + beside.sum(axis=1) ** 2 - (beside**2).sum(axis=1)
        df = n[:, 0] ** 2 / squares
    alone = (sizes > 0).sum(axis=1) < 2  # noqa: PLR2004 - one cluster has no spread between clusters
    return np.where(alone, np.nan, variance), np.where(alone, np.nan, df)


def cr2_error(values: ArrayLike, clusters: Sequence[Hashable | None]) -> ClusterError | None:
    """Return the mean of ``values`` (n,) with its CR2 standard error, NaN being a task without a score.

    See `cr2_variance`. ``clusters`` has one name per value; None is a cluster of its own. Under two clusters with
    scores: None.

    Raises:
        StatisticsError: infinite scores, or not one cluster name per value.

    >>> found = cr2_error([1, 2, 2, 4, 3, 5, 4, 4, 2, 3], list("aabbccddee"))
    >>> round(found.se, 4), found.df
    (0.4743, 4.0)
    >>> round(cr2_error([1, 2, 2, 4, 3, 5, 4, 4, 2, 3], list("aaaaaabcde")).df, 2)
    2.08
    """
    scores = score_array(values)
    codes = cluster_codes(clusters, scores.size)
    known = ~np.isnan(scores)
    seen, (_, inside) = scores[known], np.unique(codes[known], return_inverse=True)
    n, n_clusters = seen.size, int(inside.max(initial=-1)) + 1
    if n_clusters < 2:  # noqa: PLR2004 - one cluster has no spread between clusters
        return None
    mean = float(seen.mean())
    sums, counts = np.stack([np.bincount(inside, weights=weights) for weights in (seen - mean, np.ones(n))])[:, None]
    variance, df = cr2_variance(sums, counts)
    return ClusterError(mean=mean, se=sqrt(variance[0]), df=float(df[0]), n=n, n_clusters=n_clusters)
