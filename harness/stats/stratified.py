"""Means over several sets of tasks that are joined by design: each set is a stratum with its fixed share.

The sets are what they are, and new tasks would come from each in the same share. So what differs between sets (one is
harder than another) is no sampling error: a stratified sample's mean is the shares' sum of the sets' means, its
variance the shares' squares times theirs (Cochran 1977, Sampling Techniques, section 5.3-5.4), and its degrees of
freedom are Satterthwaite's (there, formula 5.16).
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from harness.locale import tr
from harness.stats.arrays import Floats, Ints, bounded_interval, number, score_array, t_critical, tail_probability
from harness.stats.design import PLAIN, Design
from harness.stats.pairs import pair_moments
from harness.types import Estimate, Scale

FEWEST = 2
"""A stratum needs so many scores: one has no spread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Means with their standard errors and degrees of freedom, shape (P,) each; NaN where they cannot be computed."""

    mean: Floats
    se: Floats
    df: Floats


def stratum_codes(strata: Sequence[Hashable | None] | None, n: int) -> Ints | None:
    """Return the number of each task's stratum, or None where there are not two: tasks that name none are one.

    A stratum of a single task is no stratum, and leaves no strata at all.

    >>> stratum_codes(["a", "b", "a", "b"], 4).tolist(), stratum_codes(["a"] * 4, 4), stratum_codes(["a", "a", "b"], 3)
    ([0, 1, 0, 1], None, None)
    """
    if strata is None or n == 0:
        return None
    seen: dict[Hashable | None, int] = {}
    codes = np.array([seen.setdefault(name, len(seen)) for name in strata], dtype=np.int64)
    return codes if len(seen) > 1 and np.bincount(codes).min() >= FEWEST else None


def stratified_moments(rows: ArrayLike, codes: Ints) -> Moments:
    """Return the stratified mean of each row of ``rows`` (P, n), NaN for no score; ``codes`` (n,) name the strata.

    A stratum weighs as many tasks as it has, scored or not, so that scores missing in one set do not shift the others'
    share. NaN where a stratum has no score at all; with a single one there is a mean and no error.

    >>> found = stratified_moments([[1, 2, 3, 5, 5, 7]], np.array([0, 0, 0, 1, 1, 1]))
    >>> found.mean.round(3).tolist(), found.se.round(3).tolist(), found.df.round(2).tolist()
    ([3.833], [0.441], [3.92])
    """
    values = score_array(rows, ndim=2)
    known = ~np.isnan(values)
    shape = (len(values), int(codes.max()) + 1)
    mean, variance, own = np.zeros(len(values)), np.zeros(shape), np.zeros(shape)
    for code in range(shape[1]):
        here = codes == code
        share = here.mean()
        count = known[:, here].sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            centre = np.where(known[:, here], values[:, here], 0.0).sum(axis=1) / count
            residuals = np.where(known[:, here], values[:, here] - centre[:, None], 0.0)
            variance[:, code] = share**2 * (residuals**2).sum(axis=1) / (count - 1.0) / count
        variance[count < FEWEST, code] = np.nan
        mean += share * centre
        own[:, code] = np.maximum(count - 1.0, 1.0)
    total = variance.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        df = total**2 / (variance**2 / own).sum(axis=1)
    return Moments(mean=mean, se=np.sqrt(total), df=df)


def moments_of(scores: Floats, pairs: Ints, clusters: Ints | None, strata: Ints | None) -> Moments:
    """Return the moments of ``scores[candidate] - scores[baseline]`` for each row (candidate, baseline) of ``pairs``.

    ``scores`` (M, n). Stratified where there are strata and no clusters; clusters may lie across strata.

    >>> scores = np.array([[1.0, 2, 3, 4], [2, 2, 4, 6]])
    >>> moments_of(scores, np.array([[1, 0]]), None, np.array([0, 0, 1, 1])).se.round(3).tolist()
    [0.354]
    """
    if strata is not None and clusters is None:
        return stratified_moments(scores[pairs[:, 0]] - scores[pairs[:, 1]], strata)
    found = pair_moments(scores, pairs, None, clusters)
    return Moments(mean=found.mean, se=found.se, df=found.df)


def stratified_interval(
    values: ArrayLike, codes: Ints, scale: Scale | None = None, design: Design = PLAIN
) -> Estimate | None:
    """Return the stratified mean of ``values`` (n,) with its interval, on the logit scale if the scale is bounded.

    None where there is no standard error: a stratum with fewer than two scores, or no spread in any. What suits tasks
    that are one set then has to do (`harness.stats.score_interval`).

    Raises:
        StatisticsError: off-scale or infinite scores, a confidence outside 0-1.

    >>> e = stratified_interval([1, 2, 3, 5, 5, 4], np.array([0, 0, 0, 1, 1, 1]), Scale(low=1, high=5))
    >>> round(e.value, 3), round(e.low, 3), round(e.high, 3), e.method
    (3.333, 2.312, 4.202, 'logit-t, stratified over 2 sets')
    """
    scores = score_array(values, scale)
    found = stratified_moments(scores[None, :], codes)
    value, se, df = (number(float(one[0])) for one in (found.mean, found.se, found.df))
    if value is None or not se or df is None:
        return None
    half = float(t_critical(df, tail_probability(design.confidence))) * se
    low, high = bounded_interval(value, half, scale)
    n, n_sets = int((~np.isnan(scores)).sum()), int(codes.max()) + 1
    return Estimate(
        value=value,
        low=low,
        high=high,
        confidence=design.confidence,
        n=n,
        n_unscored=scores.size - n,
        method=tr("t, stratified over {n} sets", n=n_sets)
        if scale is None
        else tr("logit-t, stratified over {n} sets", n=n_sets),
    )
