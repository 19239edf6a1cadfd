"""Verdicts given one after the other on one task set: what each try may spend of the error that all of them share.

Whoever says after each try whether it is better, and takes nothing back, can be wrong on every one of those days. So
the error is spent over the tries (Lan & DeMets 1983 spend it over time, Foster & Stine 2008 over hypotheses as they
come). How much of it is gone is not the sum of what was allowed: tries are compared with one baseline and have much of
their luck in common. It is counted on joint sign flips (Westfall & Young 1993): the share of patterns under which some
try so far would have been called better. What is left goes to those to come, and is never overspent.

No rule finds more at the same part. With normal differences, and gains of the other tries unknown, the best unbiased
test of one try is that of its own difference (Lehmann & Romano 2005, chapter 4): what the others scored, or how hard a
task is, would help only if their means over new tasks were known. More tasks help, and reports say how many.
"""

from collections.abc import Hashable, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from harness.errors import StatisticsError
from harness.locale import tr
from harness.stats.arrays import Floats, Ints, check_confidence, cluster_codes, score_array, t_critical
from harness.stats.cr2 import cr2_variance
from harness.stats.design import Design
from harness.stats.pairs import pair_flips
from harness.stats.signflip import score_grid
from harness.stats.tries import CHUNK, TOGETHER, CorrectedTries, by_cluster, draw_signs, unit_rows

WHOLE = 2.0
"""Some equal try is called better at most this many times as often as the first alone: 5 % at 95 % confidence."""
PLANNED = 30
"""From the second to this one tries that have half of their luck in common have nearly the same chance to be found."""

_TILTS = np.geomspace(0.3, 12.0, 48)


def rate_of_try(k: int) -> float:
    """Return which share of what is left of the error the k-th try (from 2) may spend.

    It grows up to the 30th, because what is left shrinks, and falls by k^-1.5 after it, so that some is always left.

    >>> [round(rate_of_try(k), 3) for k in (2, 10, 30, 100)]
    [0.048, 0.055, 0.086, 0.014]
    """
    planned = min(k, PLANNED)
    return 3 / (65 - planned) * float((planned / k) ** 1.5)


def part_of_try(k: int) -> float:
    """Return what the k-th try (from 1) may spend, as a share of what the first may, if tries have nothing in common.

    The first one share; all after it less than one more together, however many come.

    >>> part_of_try(1), round(part_of_try(2), 3), round(sum(part_of_try(k) for k in range(2, 300)), 3)
    (1.0, 0.048, 0.996)
    """
    if k < 1:
        raise StatisticsError(tr("Tries are counted from 1, not from {k}.", k=k))
    return 1.0 if k == 1 else _left(2, k - 1) * rate_of_try(k)


def _left(first: int, last: int) -> float:
    """Return what is left when tries ``first`` to ``last`` have spent their parts, as a share of what was before."""
    return float(np.prod([1 - rate_of_try(k) for k in range(first, last + 1)]))


def spend_over_tries(
    differences: ArrayLike, design: Design = TOGETHER, *, boards: Sequence[Hashable] | None = None
) -> CorrectedTries:
    """Return each try as its own day saw it, corrected for all that came before it and may come after it.

    ``differences`` (K, n): candidate - baseline per task in the order of the tries, NaN for none. ``boards``: one name
    per try; neighbours with one name were judged together and share their part equally (None: each alone). The first
    board has the whole error of a board of its own, shared equally.

    ``p_values``: the sign-flip mid-p (exact on a grid, by saddlepoint off it) times how many independent comparisons
    the try's part is worth · ``low``, ``high``: t intervals (CR2 over the clusters) at that part. A try's figures do
    not depend on those after it. Among equal tries some is called better at most twice as often as one alone.

    Raises:
        StatisticsError: not a table, infinite values, a confidence outside 0-1, or not one board per try.

    >>> rng = np.random.default_rng(1)
    >>> tries = rng.choice([-1, 0, 1], (6, 100)).astype(float)
    >>> tries[3] += rng.choice([0, 1], 100)
    >>> [int(p <= 0.05) for p in spend_over_tries(tries).p_values]
    [0, 0, 0, 1, 0, 0]
    """
    tails = allowances(differences, design, boards=boards)
    table = score_array(differences, ndim=2, name="differences")
    codes = None if design.clusters is None else cluster_codes(design.clusters, table.shape[1])
    known = ~np.isnan(table)
    counts = known.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = np.where(known, table, 0.0).sum(axis=1) / counts
        residuals, sizes = (_whole(part, codes) for part in (np.where(known, table - means[:, None], 0.0), known * 1.0))
        variance, df = cr2_variance(residuals, sizes)
        usable = (df > 0) & (tails > 0)
        critical = np.full(len(table), np.nan)
        critical[usable] = t_critical(df[usable], 2 * tails[usable])
        own = np.where(counts > 0, own_p_values(table, clusters=design.clusters), np.nan)
        p_values = np.minimum(1.0, own * (1 - design.confidence) / (2 * tails))
        reach = np.where(
            variance > 0, critical * np.sqrt(variance), np.nan
        )  # no spread: what more would say is unknown
    return CorrectedTries(
        p_values=p_values, differences=means, low=means - reach, high=means + reach, critical=critical
    )


def allowances(
    differences: ArrayLike, design: Design = TOGETHER, *, boards: Sequence[Hashable] | None = None
) -> Floats:
    """Return the one-sided error probability that each try may spend, shape (K,); arguments as of `spend_over_tries`.

    What a try has scored itself changes nothing of its own part, only of those after it.

    >>> rng = np.random.default_rng(1)
    >>> allowances(rng.normal(size=(3, 100))).round(4)
    array([0.025 , 0.0012, 0.0012])
    """
    table = np.nan_to_num(score_array(differences, ndim=2, name="differences"))
    check_confidence(design.confidence)
    names = list(range(len(table))) if boards is None else list(boards)
    if len(names) != len(table):
        raise StatisticsError(tr("There are {boards} boards for {n} tries.", boards=len(names), n=len(table)))
    sums = _whole(table, None if design.clusters is None else cluster_codes(design.clusters, table.shape[1]))
    signs = draw_signs(max(1, design.draws), sums.shape[1], design.seed)
    return _tails(unit_rows(sums), names, signs, (1 - design.confidence) / 2)


def own_p_values(differences: ArrayLike, *, clusters: Sequence[Hashable | None] | None = None) -> Floats:
    """Return the two-sided sign-flip mid-p of each try alone, shape (K,): exact on a grid, by saddlepoint off it.

    >>> own_p_values([[1.0] * 8, [0.0] * 8]).round(8).tolist()
    [0.00390625, 1.0]
    """
    table = score_array(differences, ndim=2, name="differences")
    codes = None if clusters is None else cluster_codes(clusters, table.shape[1])
    rows = np.vstack([np.zeros(table.shape[1]), table])
    pairs = np.array([(place, 0) for place in range(1, len(rows))], dtype=np.int64).reshape(-1, 2)
    grid = score_grid(rows)
    if grid is not None or not len(pairs):
        flips = pair_flips(rows, pairs, grid, codes, draws=1)
        if flips.is_exact.all():
            return flips.p_values
    unit = unit_rows(_whole(np.nan_to_num(table), codes))
    reached, logs = _saddlepoint(unit)
    observed = np.abs(unit.sum(axis=1))
    found = [np.interp(one, r, log) if one > r[0] else 0.0 for one, r, log in zip(observed, reached, logs, strict=True)]
    return np.asarray(np.minimum(1.0, 2 * np.exp(np.array(found))), dtype=np.float64)


def _whole(table: Floats, codes: Ints | None) -> Floats:
    return table if codes is None else by_cluster(table, codes)


def _tails(unit: NDArray[np.float32], boards: Sequence[Hashable], signs: NDArray[np.float32], alone: float) -> Floats:
    """Return the one-sided error probability that each try may spend; ``alone``: of a first board."""
    allowed, spent = np.full(len(unit), alone), 0.0
    up, down = (np.zeros(len(signs), dtype=np.bool_) for _ in range(2))
    reached, logs = _saddlepoint(unit)
    at_once = max(1, CHUNK // len(signs))
    for _, group in groupby(range(len(unit)), key=lambda place: boards[place]):
        places = list(group)
        first, last = places[0], places[-1]
        # of two sides the error is spent on "better" alone: as often some try is called worse
        part = alone if first == 0 else (WHOLE * alone - spent) * (1 - _left(first + 1, last + 1))
        allowed[places] = max(part, 0.0) / len(places)
        limits = [_limit(reached[place], logs[place], allowed[place]) for place in places]
        for start in range(0, len(places), at_once):
            flips = unit[places[start : start + at_once]] @ signs.T
            bars = np.array(limits[start : start + at_once], dtype=np.float32)[:, None]
            up |= (flips >= bars).any(axis=0)
            down |= (flips <= -bars).any(axis=0)
        counted = float(np.count_nonzero(up) + np.count_nonzero(down)) / (2 * len(signs))
        spent = min(counted, float(allowed[: last + 1].sum()))  # never more than the sum, whatever patterns were drawn
    return allowed


def _limit(reached: Floats, logs: Floats, tail: float) -> float:
    """Return how large the flipped sum of a try must be to have that tail; infinite where none is so rare."""
    if not tail > 0 or np.log(tail) < logs[-1]:
        return np.inf
    return float(np.interp(-np.log(tail), -logs, reached))


def _saddlepoint(unit: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """Return sums of each row under flips and the logarithm of their upper tail, shape (K, tilts) each, both in order.

    Lugannani & Rice 1980 for the sum of signs times values, whose cumulant function is the sum of log cosh; on a
    lattice it is near the mid-p.
    """
    reached, logs = (np.empty((len(unit), _TILTS.size)) for _ in range(2))
    for column, tilt in enumerate(_TILTS):
        x = tilt * unit.astype(np.float64)
        bent = np.tanh(x)
        mean = (unit * bent).sum(axis=1)
        cumulant = (np.abs(x) + np.log1p(np.exp(-2 * np.abs(x))) - np.log(2)).sum(axis=1)
        spread = np.sqrt((unit**2 * (1 - bent**2)).sum(axis=1))
        with np.errstate(divide="ignore", invalid="ignore"):
            w = np.sqrt(np.maximum(2 * (tilt * mean - cumulant), 0.0))
            tail = ndtr(-w) + np.exp(-(w**2) / 2) / np.sqrt(2 * np.pi) * (1 / (tilt * spread) - 1 / w)
            logs[:, column] = np.log(np.where((tail > 0) & (tail < 1), tail, np.nan))
        reached[:, column] = mean
    logs = np.minimum.accumulate(np.where(np.isnan(logs), 0.0, logs), axis=1)
    return reached, logs
