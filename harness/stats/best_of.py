"""The best of several that were tried on the same tasks, and what it is worth: being chosen on them flatters it.

Whoever takes the checkpoint with the highest mean takes luck along with merit, so that its mean on those very tasks is
too high (the optimism of a selected model: Varma & Simon 2006, "Bias in error estimation when using cross-validation
for model selection"). Cross-fitting takes it out: tasks are split into folds, on each fold that candidate counts which
was best on all *other* folds, and no task is ever scored by a choice that it had a say in.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from harness.errors import StatisticsError
from harness.locale import tr
from harness.stats.arrays import Floats, Ints, score_array, shared_clusters, t_critical
from harness.stats.design import PLAIN, Design
from harness.stats.intervals import TOO_FEW_CLUSTERS, cluster_cautions
from harness.stats.tries import TOGETHER, correct_over_tries
from harness.types import Estimate, Scale

FOLDS = 3
"""Two choose by half of the tasks and so choose worse; more than three vary more (`bench/best_of_coverage.py`)."""
PARTITIONS = 20
"""Ways to split the tasks that are averaged, so that no single one decides."""
_FEWEST = 2  # units: one to choose by, one to be scored on


@dataclass(frozen=True, slots=True, kw_only=True)
class BestOf:
    """The candidate with the highest mean, and what it is worth.

    ``place``: its row; of equal ones the first · ``naive``: its mean on the tasks that it was chosen on · ``honest``:
    the cross-fitted mean, with an interval for what the chosen one averages over new tasks · ``agreement``: the share
    of choices on the other folds that fell on it, too · ``n_candidates``, ``n_folds``: how it was made. None where
    nothing can be computed.
    """

    place: int
    naive: float
    honest: Estimate
    agreement: float | None
    n_candidates: int
    n_folds: int
    cautions: tuple[str, ...]


def best_of(
    scores: ArrayLike,
    scale: Scale | None = None,
    design: Design = PLAIN,
    *,
    folds: int = FOLDS,
    partitions: int = PARTITIONS,
) -> BestOf | None:
    """Return the best of ``scores``, shape (candidates, tasks), higher being better, and its value without the luck.

    Pass differences from a baseline for what the best one gains; NaN or None is no score, and a task that any candidate
    lacks is left out and counted. Clusters of the design stay whole. Folds are drawn by the design's seed;
    ``partitions`` of them are averaged. The honest value is never above the naive one.

    The interval is that of the chosen candidate's own mean, reaching down as far as intervals must that hold for all
    candidates at once (max-T by sign flips, see `harness.stats.tries`), and up as far as one alone (t): what is chosen
    for being high errs upwards. The error of the cross-fitted mean itself is no basis: where candidates are nearly
    equal, folds choose unlike ones and its usual interval holds in 69-96 % of cases in place of 95 %. This one held in
    95-99 % of cases, at 1.06 to 1.33 times the width (`bench/best_of_coverage.py`). It is widened where the honest
    value would lie below it, and cut to the ``scale``.

    None without any candidate or any complete task. With one unit (task or cluster) there is nothing to choose by: the
    honest value is None. No interval under 5 clusters, or if the best one's scores are all equal.

    Raises:
        StatisticsError: not a table, infinite or off-scale scores, fewer than 2 folds, no partition.

    >>> rng = np.random.default_rng(8)
    >>> equal = rng.normal(size=(8, 40))  # eight that are worth 0
    >>> best = best_of(equal)
    >>> round(best.naive, 2), round(best.honest.value, 2), best.honest.low < 0 < best.honest.high
    (0.21, -0.01, True)
    """
    table = score_array(scores, scale, ndim=2)
    if folds < _FEWEST or partitions < 1:
        raise StatisticsError(
            tr("Folds: {folds}, ways to split: {partitions}.", folds=folds, partitions=partitions),
            hint=tr("It takes two folds at least, and one way to split the tasks."),
        )
    codes = shared_clusters(design.clusters, table.shape[1])
    whole = ~np.isnan(table).any(axis=0)
    if not len(table) or not whole.any():
        return None
    seen = table[:, whole]
    units = np.arange(seen.shape[1]) if codes is None else np.unique(codes[whole], return_inverse=True)[1]
    means = seen.mean(axis=1)
    place, n_units = int(means.argmax()), int(units.max()) + 1
    cautions = () if codes is None else cluster_cautions(n_units)
    value = agreement = None
    if n_units >= _FEWEST:
        value, agreement = _cross_fitted(
            seen, units, place, folds=min(folds, n_units), partitions=partitions, seed=design.seed
        )
    low, high, method = _interval(seen, None if codes is None else units, place, design)
    if low is not None and high is not None and value is not None:
        low = min(low, value)
        if scale is not None:
            low, high = max(low, scale.low), min(high, scale.high)
    return BestOf(
        place=place,
        naive=float(means[place]),
        honest=Estimate(
            value=value,
            low=low,
            high=high,
            confidence=design.confidence,
            n=int(whole.sum()),
            n_unscored=int((~whole).sum()),
            method=method,
        ),
        agreement=agreement,
        n_candidates=len(table),
        n_folds=min(folds, n_units),
        cautions=cautions,
    )


def _cross_fitted(
    seen: Floats, units: Ints, place: int, *, folds: int, partitions: int, seed: int
) -> tuple[float, float]:
    """Return the cross-fitted mean, and the share of choices that are ``place``."""
    n_units, generator = int(units.max()) + 1, np.random.default_rng(seed)
    by_unit = np.asarray(seen @ (units[:, None] == np.arange(n_units)), dtype=np.float64)
    sizes = np.bincount(units, minlength=n_units)
    total, count = by_unit.sum(axis=1, keepdims=True), int(sizes.sum())
    gained, same = 0.0, 0
    for _ in range(partitions):
        fold = np.empty(n_units, dtype=np.int64)
        fold[generator.permutation(n_units)] = np.arange(n_units) % folds
        inside = fold[:, None] == np.arange(folds)
        held = by_unit @ inside  # sums of each candidate over each fold
        chosen = ((total - held) / (count - sizes @ inside)).argmax(axis=0)
        gained += float(held[chosen, np.arange(folds)].sum())
        same += int((chosen == place).sum())
    return gained / (partitions * count), same / (partitions * folds)


def _interval(seen: Floats, units: Ints | None, place: int, design: Design) -> tuple[float | None, float | None, str]:
    """Return the interval of the chosen candidate's mean, open to the luck of all on its lower side."""
    n_units = seen.shape[1] if units is None else int(units.max()) + 1
    if units is not None and n_units < TOO_FEW_CLUSTERS:
        return None, None, tr("none: under {fewest} clusters of tasks", fewest=TOO_FEW_CLUSTERS)
    clusters = None if units is None else [int(unit) for unit in units]
    joint = correct_over_tries(
        seen, replace(TOGETHER, clusters=clusters, confidence=design.confidence, seed=design.seed)
    )
    mean, low, critical = (float(values[place]) for values in (joint.differences, joint.low, joint.critical))
    if not np.isfinite([low, critical]).all() or critical <= 0:
        return None, None, tr("none: too few tasks, or all scores equal")
    error = (mean - low) / critical
    up = float(t_critical(n_units - 1, 1 - design.confidence)) * error
    return min(low, mean - up), mean + up, tr("max-T over {n} below, t above", n=len(seen))
