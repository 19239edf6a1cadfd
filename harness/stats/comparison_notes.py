"""How a paired comparison was made and what to beware of in it, in words."""

import numpy as np

from harness.locale import tr, trn
from harness.notices import Notice
from harness.stats.arrays import Floats
from harness.stats.cluster_flips import flip_interval
from harness.stats.intervals import cluster_cautions
from harness.stats.pairs import Flips, PairMoments, by_sign_flips

FEW_DISCORDANT = 10
"""Under this many tasks that differ, the t interval leans on too few of them: a caution."""
COCHRAN = 25
"""Cochran's rule: the normal approximation of a mean wants more than 25 * skewness^2 units (1977, section 2.15)."""


def family_note(n_comparisons: int, *, own: bool = True) -> str:
    """Return how a family was corrected; ``own`` is false where its comparisons are a part of a larger one.

    >>> family_note(3)
    'Holm and Sidak-t over 3 comparisons'
    """
    if not n_comparisons:
        return tr("no comparison")
    if not own:
        return trn(
            "Bonferroni and Sidak-t over {n} comparison", "Bonferroni and Sidak-t over {n} comparisons", n_comparisons
        )
    return trn("Holm and Sidak-t over {n} comparison", "Holm and Sidak-t over {n} comparisons", n_comparisons)


def method_of(moments: PairMoments, low: Floats, i: int, tail: float) -> str:
    """Return how the interval of comparison ``i`` was made at ``tail``; ``low`` (P,): lower ends, NaN for none."""
    n = int(moments.n[i])
    if n == 0:
        return tr("no task has both scores")
    if moments.wins[i] + moments.losses[i] == 0:
        return tr("0 of {n} differ", n=n)
    if np.isnan(low[i]):
        return tr("none: one pair") if n == 1 else tr("none: the differences have no spread")
    if moments.is_equal[i]:
        if n == 1:
            return tr("Clopper-Pearson bound (one pair)")
        return tr("Clopper-Pearson bound (all {n} differences equal)", n=n)
    return _spread_method(moments, i, tail)


def _spread_method(moments: PairMoments, i: int, tail: float) -> str:
    if not moments.is_clustered:
        return tr("paired t")
    if is_inverted(moments, tail, i):
        return tr("sign flips of {units} clusters", units=int(moments.units[i]))
    return tr("paired t, CR2 over {units} clusters", units=int(moments.units[i]))


def is_inverted(moments: PairMoments, tail: float, i: int) -> bool:
    """Return whether the interval of comparison ``i`` at error probability ``tail`` is what sign flips leave."""
    if moments.sums is None or moments.sizes is None or not by_sign_flips(moments)[i]:
        return False
    return flip_interval(moments.sums[i], moments.sizes[i], tail) is not None


def p_method_of(moments: PairMoments, flips: Flips, i: int, *, seed: int) -> str:
    """Return how the p-value of comparison ``i`` was made."""
    if moments.n[i] == 0:
        return tr("no task has both scores")
    if flips.is_exact[i]:
        return tr("exact sign-flip by cluster mid-p") if moments.is_clustered else tr("exact sign-flip mid-p")
    drawn = {"draws": f"{flips.draws:,}", "seed": seed}
    if moments.is_clustered:
        return tr("sign-flip by cluster Monte Carlo, {draws} draws, seed {seed}", **drawn)
    return tr("sign-flip Monte Carlo, {draws} draws, seed {seed}", **drawn)


def cautions_on(moments: PairMoments, i: int, tail: float) -> tuple[Notice, ...]:
    """Return what to beware of in comparison ``i`` with an interval at ``tail``, missing scores aside."""
    n, differ = int(moments.n[i]), int(moments.wins[i] + moments.losses[i])
    cautions: list[Notice] = []
    skew = float(moments.skew[i])
    if n == 0:
        return (Notice("pair_no_common_task", tr("no task has both scores")),)
    if moments.is_clustered:
        df = None if is_inverted(moments, tail, i) else float(moments.df[i])  # flips hold with unlike sizes
        cautions.extend(cluster_cautions(int(moments.units[i]), df))
    if differ == 0:
        cautions.append(Notice("pair_all_equal", trn("0 of {n} task differs", "0 of {n} tasks differ", n)))
    elif differ < FEW_DISCORDANT:
        said = trn(
            "only {differ} of {n} task differs: trust the sign-flip p-value before the interval",
            "only {differ} of {n} tasks differ: trust the sign-flip p-value before the interval",
            n,
            differ=differ,
        )
        cautions.append(Notice("pair_few_differ", said))
    elif COCHRAN * skew**2 > moments.units[i]:
        said = tr("the differences are strongly skewed ({skew:+.1f}): the interval may be off", skew=skew)
        cautions.append(Notice("pair_skewed", said))
    return tuple(cautions)
