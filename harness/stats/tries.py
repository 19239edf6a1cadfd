"""Many tries on one task set: p-values and intervals that hold for the best of them, and gains without winner's curse.

Whoever tries thirty adapters on the same tasks and looks at the best finds a "better" one by luck. The sign-flip test
carries over: if no try changes anything, each task's differences could all have had the other sign, for every try at
once. The largest statistic of all tries under such joint flips is what a true gain has to beat (Westfall & Young 1993;
step-down: Romano & Wolf 2005). Tries that are alike cost little, unlike with Holm.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr

from harness.errors import StatisticsError
from harness.locale import tr
from harness.stats.arrays import Floats, check_confidence, cluster_codes, score_array
from harness.stats.design import Design
from harness.stats.signflip import ROUNDING

DRAWS = 9_999
"""Joint sign patterns drawn: the smallest p-value is 1 in 10,000."""
TOGETHER = Design(draws=DRAWS)
LUCK = Design(draws=999)
"""A median needs fewer patterns than a tail."""

CHUNK = 1 << 18  # statistics at once: what stays in a processor's cache


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedTries:
    """Every try against one baseline, corrected over all of them; arrays of shape (K,), NaN where nothing is known.

    ``p_values``: max-T step-down adjusted, two-sided · ``low``, ``high``: intervals that hold for all tries at
    once (single-step max-T), infinite on too few tasks, NaN without any spread · ``critical``: how many standard
    errors they reach.
    """

    p_values: Floats
    differences: Floats
    low: Floats
    high: Floats
    critical: Floats


def correct_over_tries(differences: ArrayLike, design: Design = TOGETHER) -> CorrectedTries:
    """Return tries corrected over all of them. ``differences`` (K, n): candidate - baseline per task, NaN for none.

    This speaks once of all tries together; what is said of each on its own day is `harness.stats.spending`'s.

    A missing difference counts as none in the flips. Clusters are flipped whole. The statistic is the sum of the
    differences over the root of their sum of squares, which a flip leaves as it is (of cluster sums, with clusters).
    A try without any difference has p = 1. The order of the tries does not matter.

    Raises:
        StatisticsError: not a table, infinite values, or a confidence outside 0-1.

    >>> rng = np.random.default_rng(1)
    >>> tries = rng.choice([-1, 0, 1], (6, 100)).astype(float)
    >>> tries[3] += rng.choice([0, 1], 100)
    >>> [int(p <= 0.05) for p in correct_over_tries(tries).p_values]
    [0, 0, 0, 1, 0, 0]
    """
    table = score_array(differences, ndim=2, name="differences")
    check_confidence(design.confidence)
    if design.draws < 1:
        raise StatisticsError(
            tr("{draws} sign patterns give no p-value.", draws=design.draws), hint=tr("Try {draws}.", draws=DRAWS)
        )
    n_tries, n_tasks = table.shape
    known = ~np.isnan(table)
    counts = known.sum(axis=1)
    with np.errstate(invalid="ignore"):
        means = np.where(counts > 0, np.nansum(table, axis=1) / np.maximum(counts, 1), np.nan)
    raw, centred = np.where(known, table, 0.0), np.where(known, table - means[:, None], 0.0)
    units = np.maximum(counts, 2)
    if design.clusters is not None:
        codes = cluster_codes(design.clusters, n_tasks)
        raw, centred = by_cluster(raw, codes), by_cluster(centred, codes)
        units = np.maximum((by_cluster(known.astype(np.float64), codes) > 0).sum(axis=1), 2)
    size = np.sqrt((raw**2).sum(axis=1))
    observed = np.divide(np.abs(raw.sum(axis=1)), size, out=np.zeros(n_tries), where=size > 0)
    p_values, critical = np.ones(n_tries), np.full(n_tries, np.nan)
    if n_tries and raw.any():
        signs = draw_signs(design.draws, raw.shape[1], design.seed)
        p_values = _step_down(raw, observed, signs)
        critical = _critical(centred, units, signs, design.confidence)
    p_values[counts == 0] = np.nan
    errors = np.sqrt((centred**2).sum(axis=1) * units / (units - 1)) / np.maximum(counts, 1)
    reach = np.full(n_tries, np.nan)
    np.multiply(critical, errors, out=reach, where=errors > 0)  # no spread tells nothing of what more tasks would say
    return CorrectedTries(
        p_values=p_values,
        differences=means,
        low=means - reach,
        high=means + reach,
        critical=critical,
    )


def by_cluster(table: Floats, codes: NDArray[np.int64]) -> Floats:
    """Return sums over the tasks of each cluster."""
    return np.asarray(table @ (codes[:, None] == np.arange(codes.max(initial=-1) + 1)), dtype=np.float64)


def draw_signs(draws: int, n: int, seed: int) -> NDArray[np.float32]:
    """Return that many sign patterns of n units, shape (draws, n)."""
    bits = np.random.default_rng(seed).integers(0, 256, (draws, -(-n // 8)), dtype=np.uint8)
    return np.float32(2) * np.unpackbits(bits, axis=1, count=n).astype(np.float32) - np.float32(1)


def unit_rows(table: Floats) -> NDArray[np.float32]:
    """Return rows of length one, zeros where a try has no difference: their flipped sums are the statistic."""
    size = np.sqrt((table**2).sum(axis=1))
    unit = np.divide(table, size[:, None], out=np.zeros_like(table), where=size[:, None] > 0)
    return np.asarray(unit, dtype=np.float32)


def _flipped(unit: NDArray[np.float32], signs: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """Yield the statistic's size of every try (rows) under some of the patterns (columns) after the other."""
    at_once = max(1, CHUNK // max(1, len(unit)))
    for start in range(0, len(signs), at_once):
        found = unit @ signs[start : start + at_once].T
        yield np.abs(found, out=found)


def _step_down(table: Floats, observed: Floats, signs: NDArray[np.float32]) -> Floats:
    """Return max-T step-down p-values: each try against the largest of itself and all that are less extreme."""
    order = np.argsort(observed, kind="stable")  # the least extreme first
    reached = np.zeros(len(observed), dtype=np.int64)
    # float32 sums of unit vectors are right to about 1e-6: what differs by less is a tie, and ties count.
    target = (observed[order] * (1 - ROUNDING) - 1e-5).astype(np.float32)
    for found in _flipped(unit_rows(table)[order], signs):
        np.maximum.accumulate(found, axis=0, out=found)
        reached += np.count_nonzero(found >= target[:, None], axis=1)
    p_values = np.empty(len(observed))
    p_values[order] = np.maximum.accumulate(((1 + reached) / (1 + len(signs)))[::-1])[::-1]
    p_values[observed == 0] = 1.0
    return p_values


def _critical(centred: Floats, units: NDArray[np.int64], signs: NDArray[np.float32], confidence: float) -> Floats:
    """Return, for each try, how many standard errors an interval reaches that holds for all tries at once.

    The quantile is that of the largest statistic, which varies as much for a try on few tasks as for one on many; each
    try then has the t that its own number of units makes of it. Infinite where there are too few.
    """
    largest = np.concatenate([found.max(axis=0) for found in _flipped(unit_rows(centred), signs)])
    square = float(np.quantile(largest, confidence, method="higher")) ** 2
    # From z = sum / root of squares to Student's t of the same flipped sample: t^2 = z^2 (u - 1) / (u - z^2).
    with np.errstate(divide="ignore"):
        return np.asarray(
            np.sqrt(np.where(units > square, square * (units - 1) / np.maximum(units - square, 0), np.inf))
        )


def comparisons_worth(critical: float, df: float, confidence: float) -> int:
    """Return how many independent comparisons an interval of ``critical`` standard errors allows for, at least 1.

    By Bonferroni: alike tries are worth fewer than there are.

    >>> comparisons_worth(1.984, 99, 0.95), comparisons_worth(2.626, 99, 0.95)
    (1, 5)
    """
    return max(1, round((1 - confidence) / (2 * float(stdtr(df, -critical)))))


def luck_of_the_best(differences: ArrayLike, design: Design = LUCK) -> float | None:
    """Return by how much the best of these tries would seem to gain if none of them changed anything, in points.

    The median, over joint sign flips of the differences around their means, of the largest mean difference.
    Arguments as of `correct_over_tries`; None without any difference.

    >>> rng = np.random.default_rng(1)
    >>> [round(luck_of_the_best(rng.choice([-1, 0, 1], (k, 100)).astype(float)), 2) for k in (2, 30)]
    [0.04, 0.16]
    """
    table = score_array(differences, ndim=2, name="differences")
    known = ~np.isnan(table)
    counts = known.sum(axis=1)
    table, known, counts = table[counts > 0], known[counts > 0], counts[counts > 0]
    if not len(table):
        return None
    means = np.nansum(table, axis=1) / counts
    centred = np.where(known, table - means[:, None], 0.0)
    if design.clusters is not None:
        centred = by_cluster(centred, cluster_codes(design.clusters, table.shape[1]))
    signs = draw_signs(design.draws, centred.shape[1], design.seed)
    return float(np.median(((centred / counts[:, None]).astype(np.float32) @ signs.T).max(axis=0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ShrunkenGains:
    """Gains drawn together by how much of their spread is luck; arrays of shape (K,).

    ``gains``: what each try is worth on average, given the others · ``between_sd``: how far true gains spread.
    """

    gains: Floats
    centre: float
    between_sd: float


def shrink_gains(differences: ArrayLike, errors: ArrayLike) -> ShrunkenGains | None:
    """Return the empirical-Bayes gains of three tries or more (Efron & Morris 1975), or None of fewer.

    ``differences`` and their standard ``errors`` (> 0), both (K,). True gains are taken as normal around their weighted
    mean with a spread by Paule & Mandel (1982). A lone outlier among equals is drawn in too far: a shrunken gain stands
    beside the raw one, never in its place.

    Raises:
        StatisticsError: unlike lengths, or an error that is not positive.

    >>> shrunken = shrink_gains([0.5, 0.1, -0.1, 0.0, 0.05], [0.15] * 5)
    >>> shrunken.gains.round(2).tolist(), round(shrunken.between_sd, 2)
    ([0.33, 0.1, -0.01, 0.05, 0.08], 0.17)
    """
    gains, ses = score_array(differences, name="differences"), score_array(errors, name="errors")
    if gains.shape != ses.shape or not (ses > 0).all():
        raise StatisticsError(tr("Every gain needs a standard error above 0."))
    if gains.size < 3:  # noqa: PLR2004 - two points have no spread to learn from
        return None
    variance = paule_mandel(gains, ses**2)
    weights = 1 / (variance + ses**2)
    centre = float(weights @ gains / weights.sum())
    kept = variance / (variance + ses**2)
    return ShrunkenGains(gains=centre + kept * (gains - centre), centre=centre, between_sd=float(np.sqrt(variance)))


def paule_mandel(values: Floats, variances: Floats) -> float:
    """Return the variance between true values by Paule & Mandel (1982): what makes Cochran's Q equal its df, or 0.

    >>> round(paule_mandel(np.array([0.1, 0.5, 0.9]), np.array([0.04, 0.04, 0.04])), 6)
    0.12
    """

    def excess(between: float) -> float:
        weights = 1 / (between + variances)
        centre = weights @ values / weights.sum()
        return float(weights @ (values - centre) ** 2) - (values.size - 1)

    low, high = 0.0, float(np.var(values) * values.size + variances.max())
    if excess(0.0) <= 0:
        return 0.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return (low + high) / 2
