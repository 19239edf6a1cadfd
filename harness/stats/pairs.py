"""The numbers behind many paired comparisons at once: moments, counts and intervals for every pair of rows.

Arrays in, arrays out, NaN where there is nothing to compute; `harness.stats.paired` and `harness.stats.ranks` turn them
into results that hold None instead.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from harness.stats.arrays import Bools, Floats, Ints, sure_share, t_critical
from harness.stats.cluster_flips import flip_interval
from harness.stats.cr2 import cr2_variance
from harness.stats.design import DRAWS
from harness.stats.intervals import EQUAL, FEW_CLUSTERS, TOO_FEW_CLUSTERS
from harness.stats.signflip import CHUNK, Grid, exact_mid_p, is_exact_feasible, monte_carlo_p

UNLIKE = 2 / 3
"""Clusters that are worth less than this share of their number are of sizes too unlike for t."""
TABLE_LEVELS = 32
"""Joint tables are used for grids of at most this many levels."""
TABLE_CELLS = 1 << 23
"""Joint tables of all pairs may hold this many cells."""
TABLE_GAIN = 1 << 22
"""From this many (pair, task) combinations on joint tables are faster than differences task by task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairMoments:
    """What the inference on each pair needs; every array has shape (P,).

    ``n`` tasks with both scores · ``units`` independent ones among them (clusters, or n) · ``mean``, ``sd``, ``skew``
    of the differences · ``se`` of the mean with ``df`` degrees of freedom · ``is_equal``: all differences are
    the same, so that ``se`` says nothing · ``sums``, ``sizes`` (P, G): each cluster's differences and how many there
    are; None without clusters.
    """

    n: Ints
    units: Ints
    mean: Floats
    sd: Floats
    se: Floats
    df: Floats
    skew: Floats
    wins: Ints
    losses: Ints
    is_equal: Bools
    sums: Floats | None = None
    sizes: Floats | None = None

    @property
    def is_clustered(self) -> bool:
        """Whether tasks come in clusters."""
        return self.sums is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flips:
    """Sign-flip p-values, shape (P,), whether each is exact, and the sign patterns drawn for those that are not."""

    p_values: Floats
    is_exact: Bools
    draws: int


def all_pairs(n_models: int) -> Ints:
    """Return all (candidate, baseline) index pairs with candidate > baseline, shape (P, 2).

    >>> all_pairs(3).tolist()
    [[1, 0], [2, 0], [2, 1]]
    """
    return np.stack(np.tril_indices(n_models, -1), axis=1).astype(np.int64)


def pair_moments(scores: Floats, pairs: Ints, grid: Grid | None, clusters: Ints | None = None) -> PairMoments:
    """Return the moments of ``scores[candidate] - scores[baseline]`` for each row (candidate, baseline) of ``pairs``.

    ``scores`` (M, n) with NaN for none. With ``grid`` all sums are of whole numbers and exact; a pair's joint table of
    scores is sufficient, and all tables come from one matrix product. With ``clusters`` (n,) the standard error is CR2.
    """
    if grid is not None and clusters is None:
        return _histogram_moments(difference_histograms(grid, pairs), grid.step)
    parts = [_row_moments(d, clusters) for _, d in _difference_rows(scores, pairs)]
    fields = ["n", "units", "mean", "sd", "se", "df", "skew", "wins", "losses", "is_equal"]
    fields += [] if clusters is None else ["sums", "sizes"]
    return PairMoments(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in fields})


def pair_intervals(moments: PairMoments, tail: float | Floats, span: float | None) -> tuple[Floats, Floats]:
    """Return low and high of each mean difference at error probability ``tail``, shape (P,) each, NaN for none.

    ``tail`` is one for all, or one for each pair.

    mean +- t(df) se, cut to +-``span``, the widest difference the scale allows. Where all differences are equal:
    the Clopper-Pearson bound (see `harness.stats.arrays.sure_share`) if ``span`` is known. Under 5 clusters: none.
    Where clusters are of unlike sizes and worth few of one size: what their sign-flip test leaves (`by_sign_flips`).
    """
    low, high = np.full(moments.n.shape, np.nan), np.full(moments.n.shape, np.nan)
    usable = (moments.n > 0) & ~moments.is_equal & (moments.se > 0)
    if moments.is_clustered:
        usable &= moments.units >= TOO_FEW_CLUSTERS
    tails = np.broadcast_to(tail, moments.n.shape)
    half = t_critical(moments.df[usable], tails[usable]) * moments.se[usable]
    low[usable], high[usable] = moments.mean[usable] - half, moments.mean[usable] + half
    if moments.sums is not None and moments.sizes is not None:
        for i in np.flatnonzero(usable & by_sign_flips(moments)):
            ends = flip_interval(moments.sums[i], moments.sizes[i], float(tails[i]))
            low[i], high[i] = ends or (low[i], high[i])
    if span is not None:
        equal = (moments.n > 0) & moments.is_equal
        if moments.is_clustered:
            equal &= moments.units >= TOO_FEW_CLUSTERS
        share = sure_share(moments.units[equal], tails[equal])
        low[equal] = share * moments.mean[equal] - (1 - share) * span
        high[equal] = share * moments.mean[equal] + (1 - share) * span
        low, high = np.maximum(low, -span), np.minimum(high, span)
    return low, high


def by_sign_flips(moments: PairMoments) -> Bools:
    """Return for which pairs clusters are too unlike for t: their intervals are those of the sign-flip test.

    They are worth fewer than 12 of one size, and less than two thirds of their number. Where there are so few that the
    test rejects nothing at all, t has to do.
    """
    worth = moments.df + 1
    return np.asarray((worth < FEW_CLUSTERS - EQUAL) & (worth < UNLIKE * moments.units) & moments.is_clustered)


def pair_flips(
    scores: Floats, pairs: Ints, grid: Grid | None, clusters: Ints | None = None, *, draws: int = DRAWS, seed: int = 0
) -> Flips:
    """Return the sign-flip p of each pair: exact on the grid, Monte Carlo off it; clusters flip as wholes."""
    n_units = scores.shape[1] if clusters is None else int(clusters.max(initial=0)) + 1
    # A billion signs take some seconds: with very many tasks fewer patterns have to do.
    draws = min(draws, max(999, 10**9 // max(1, n_units)))
    p_values, is_exact = np.ones(len(pairs)), np.zeros(len(pairs), dtype=np.bool_)
    if grid is not None and clusters is None:
        histograms = difference_histograms(grid, pairs)
        middle = histograms.shape[1] // 2
        counts = histograms[:, middle + 1 :] + histograms[:, :middle][:, ::-1]
        is_exact = is_exact_feasible(counts)
        p_values[is_exact] = exact_mid_p(counts[is_exact], (histograms @ _steps(histograms))[is_exact])
    elif grid is not None and clusters is not None:
        for where, differences in _difference_rows(scores, pairs):
            steps = np.rint(_cluster_sums(np.nan_to_num(differences), clusters) / grid.step).astype(np.int64)
            sizes = np.abs(steps)
            counts = _row_counts(sizes, int(sizes.max(initial=1)) + 1)[:, 1:]
            feasible = is_exact_feasible(counts)
            is_exact[where] = feasible
            p_values[where][feasible] = exact_mid_p(counts[feasible], steps.sum(axis=1)[feasible])
    drawn = np.flatnonzero(~is_exact)
    for where, differences in _difference_rows(scores, pairs[drawn]):
        rows = np.nan_to_num(differences)
        if clusters is not None:
            rows = _cluster_sums(rows, clusters)
        p_values[drawn[where]] = monte_carlo_p(np.abs(rows), rows.sum(axis=1), draws=draws, seed=seed)
    return Flips(p_values=p_values, is_exact=is_exact, draws=draws)


def difference_histograms(grid: Grid, pairs: Ints) -> Ints:
    """Return how many tasks differ by -W ... W steps for each pair, shape (P, 2W + 1); the grid has W + 1 levels."""
    n_models, n = grid.codes.shape
    cells = (n_models * grid.n_levels) ** 2
    if grid.n_levels <= TABLE_LEVELS and cells <= TABLE_CELLS and len(pairs) * n >= TABLE_GAIN:
        return _histograms_from_tables(grid, pairs)
    widest = grid.n_levels - 1
    histograms = np.zeros((len(pairs), 2 * widest + 1), dtype=np.int64)
    for where in _chunks(len(pairs), n + 2 * widest + 1):
        first, second = grid.codes[pairs[where, 0]], grid.codes[pairs[where, 1]]
        # A task without both scores falls into an extra cell, which is cut off.
        steps = np.where((first >= 0) & (second >= 0), first - second + widest, 2 * widest + 1)
        histograms[where] = _row_counts(steps, 2 * widest + 2)[:, :-1]
    return histograms


def _histograms_from_tables(grid: Grid, pairs: Ints) -> Ints:
    n_models, n = grid.codes.shape
    levels = np.arange(grid.n_levels, dtype=np.int16)
    tables = np.zeros((n_models * grid.n_levels,) * 2)
    for where in _chunks(n, n_models * grid.n_levels):
        # One row per model and level; float32 counts up to 2^24 exactly, and a chunk is shorter.
        hot = (grid.codes[:, None, where] == levels[:, None]).reshape(n_models * grid.n_levels, -1).astype(np.float32)
        tables += hot @ hot.T
    joint = tables.reshape(n_models, grid.n_levels, n_models, grid.n_levels)[pairs[:, 0], :, pairs[:, 1], :]
    diagonal = levels[:, None].astype(np.int64) - levels + grid.n_levels - 1
    histograms = np.zeros((len(pairs), 2 * grid.n_levels - 1), dtype=np.int64)
    for steps in range(2 * grid.n_levels - 1):
        histograms[:, steps] = joint[:, diagonal == steps].sum(axis=1)
    return histograms


def _histogram_moments(histograms: Ints, step: float) -> PairMoments:
    steps = _steps(histograms)
    n = histograms.sum(axis=1)
    total, square = histograms @ steps, histograms @ steps**2
    middle = len(steps) // 2
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / n
        # n * square - total^2 is a whole number: zero exactly where all differences are equal.
        spread = n * square - total**2
        sd = np.sqrt(spread / (n * (n - 1.0)))
        third = np.einsum("pk,pk->p", histograms, (steps - mean[:, None]) ** 3) / n
        skew = third / (spread / (n * n * 1.0)) ** 1.5
        se = sd / np.sqrt(n)
    return PairMoments(
        n=n,
        units=n,
        mean=mean * step,
        sd=sd * step,
        se=se * step,
        df=n - 1.0,
        skew=skew,
        wins=histograms[:, middle + 1 :].sum(axis=1),
        losses=histograms[:, :middle].sum(axis=1),
        is_equal=spread == 0,
    )


def _row_moments(differences: Floats, clusters: Ints | None) -> PairMoments:
    known = ~np.isnan(differences)
    n = known.sum(axis=1)
    filled = np.where(known, differences, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = filled.sum(axis=1) / n
        residuals = np.where(known, differences - mean[:, None], 0.0)
        square = np.einsum("pn,pn->p", residuals, residuals)
        size = np.abs(filled).max(axis=1, initial=0.0)
        is_equal = np.abs(residuals).max(axis=1, initial=0.0) <= 1e-9 * size
        square[is_equal] = 0.0
        sd = np.sqrt(square / (n - 1.0))
        skew = (np.einsum("pn,pn,pn->p", residuals, residuals, residuals) / n) / (square / n) ** 1.5
        units, se, df, sums, sizes = n, sd / np.sqrt(n), n - 1.0, None, None
        if clusters is not None:
            sums, sizes = _cluster_sums(filled, clusters), _cluster_sums(known.astype(np.float64), clusters)
            units = (sizes > 0).sum(axis=1)
            variance, df = cr2_variance(_cluster_sums(residuals, clusters), sizes)
            se = np.sqrt(variance)
            se[se <= 1e-12 * size] = 0.0
    return PairMoments(
        n=n,
        units=units,
        mean=mean,
        sd=sd,
        se=se,
        df=df,
        skew=skew,
        wins=(filled > 0).sum(axis=1),
        losses=(filled < 0).sum(axis=1),
        is_equal=is_equal,
        sums=sums,
        sizes=sizes,
    )


def _difference_rows(scores: Floats, pairs: Ints) -> Iterator[tuple[slice, Floats]]:
    for where in _chunks(len(pairs), scores.shape[1]):
        first, second = scores[pairs[where, 0]], scores[pairs[where, 1]]
        differences = first - second
        # Averages that differ by rounding alone are equal.
        differences[np.abs(differences) <= 1e-12 * np.abs(first)] = 0.0
        yield where, differences


def _cluster_sums(rows: Floats, clusters: Ints) -> Floats:
    membership = np.zeros((rows.shape[1], int(clusters.max(initial=-1)) + 1))
    membership[np.arange(rows.shape[1]), clusters] = 1.0
    return rows @ membership


def _row_counts(values: Ints, n_values: int) -> Ints:
    offsets = np.arange(len(values))[:, None] * n_values
    return np.bincount((values + offsets).ravel(), minlength=len(values) * n_values).reshape(len(values), n_values)


def _steps(histograms: Ints) -> Ints:
    middle = histograms.shape[1] // 2
    return np.arange(-middle, middle + 1)


def _chunks(length: int, width: int) -> Iterator[slice]:
    at_once = max(1, CHUNK // max(1, width))
    for start in range(0, length, at_once):
        yield slice(start, start + at_once)
