"""A mean over clusters of unlike sizes: CR2 with Bell-McCaffrey degrees of freedom. Not on any board yet."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from harness.stats.arrays import cluster_codes, score_array


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterError:
    """A mean with its standard error, the degrees of freedom of its t, and what both rest on."""

    mean: float
    se: float
    df: float
    n: int
    n_clusters: int


def cr2_error(values: ArrayLike, clusters: Sequence[Hashable | None]) -> ClusterError | None:
    """Return the mean of ``values`` (n,) with its CR2 standard error, NaN being a task without a score.

    For a mean CR2 is closed: each cluster's sum of residuals, squared, over 1 - its share of the tasks, all over n^2
    (Bell & McCaffrey 2002; Pustejovsky & Tipton 2018 for the general case). It is unbiased where tasks are independent,
    whatever the sizes, and is s^2 / n with clusters of one. The degrees of freedom are those of the chi-square with its
    first two moments under independence: G - 1 for G clusters of one size, fewer the more unlike they are.
    ``clusters`` has one name per value; None is a cluster of its own. Under two clusters with scores: None.

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
    seen, (_, inside, sizes) = scores[known], np.unique(codes[known], return_inverse=True, return_counts=True)
    n, n_clusters = seen.size, sizes.size
    if n_clusters < 2:  # noqa: PLR2004 - one cluster has no spread between clusters
        return None
    mean = float(seen.mean())
    sums, share = np.bincount(inside, weights=seen - mean), sizes / n
    variance = float((sums**2 / (1 - share)).sum()) / n**2
    # tr(M)^2 / tr(M^2) of the quadratic form: n_g on its diagonal, n_g n_h / n sqrt((1 - h_g)(1 - h_h)) beside it.
    beside = sizes**2 / (1 - share) / n
    squares = float((sizes**2).sum() + beside.sum() ** 2 - (beside**2).sum())
    return ClusterError(mean=mean, se=sqrt(variance), df=n**2 / squares, n=n, n_clusters=n_clusters)
