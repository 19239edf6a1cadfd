"""The interval that the sign-flip test of clusters leaves: for few clusters of unlike sizes, where t is too narrow.

A mean difference is tested by giving all differences of a cluster the other sign. The values that this test does not
reject are an interval, and it is closed: with the clusters parted in two in every way, its ends are quantiles of the
greater and of the smaller of the two parts' means (Hartigan 1969, typical values). It holds its confidence however
unlike clusters are in size, and however much tasks of one have in common, as long as a cluster's error is as likely up
as down (Canay, Romano & Shaikh 2017 for when that is nearly so). Degrees of freedom do not: Bell and McCaffrey's
suppose independent tasks, Imbens and Kolesar's (2016), with the correlation estimated, made intervals twice as wide.
"""

from functools import cache

import numpy as np

from harness.stats.arrays import Bools, Floats

EXACT_CLUSTERS = 15
"""Up to this many clusters every parting is counted; of more, 16,383 are drawn."""


def flip_interval(sums: Floats, sizes: Floats, tail: float) -> tuple[float, float] | None:
    """Return the ends of the mean of clusters with these ``sums`` (G,) and ``sizes`` (G,), 0 for one without a task.

    ``tail``: the error probability, two-sided. None where there are so few clusters that nothing is ever rejected:
    under 6 at .05, under 9 at .005.

    >>> low, high = flip_interval(np.array([30.0, 4, 8, 2, 6, 3]), np.array([30.0, 4, 4, 4, 4, 4]), 0.05)
    >>> round(low, 3), round(high, 3)
    (0.5, 2.0)
    >>> flip_interval(np.array([30.0, 4, 8]), np.array([30.0, 4, 4]), 0.05) is None
    True
    """
    here = sizes > 0
    total, n = float(sums[here].sum()), float(sizes[here].sum())
    parts = _partings(int(here.sum()))
    rank = int(tail * (len(parts) + 1) * (1 + 1e-12))  # the clusters as they are count as one parting
    if rank < 1:
        return None
    inside, tasks = parts @ sums[here], parts @ sizes[here]
    one, other = inside / tasks, (total - inside) / (n - tasks)
    low = np.partition(np.minimum(one, other), rank - 1)[rank - 1]
    high = np.partition(np.maximum(one, other), len(parts) - rank)[len(parts) - rank]
    return float(low), float(high)


@cache
def _partings(n_clusters: int) -> Bools:
    """Return ways to part clusters in two, neither empty: shape (ways, G), whether each is in the first part."""
    if n_clusters <= EXACT_CLUSTERS:
        numbers = np.arange(1, 1 << max(0, n_clusters - 1))
        return np.asarray((numbers[:, None] >> np.arange(n_clusters)) & 1, dtype=np.bool_)
    drawn = np.random.default_rng(n_clusters).random(((1 << (EXACT_CLUSTERS - 1)) - 1, n_clusters)) < 0.5  # noqa: PLR2004 - a fair coin
    drawn[:, -1] = False
    drawn[~drawn.any(axis=1), 0] = True
    return np.asarray(drawn, dtype=np.bool_)
