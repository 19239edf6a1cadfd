"""Boards with equated scores: the error of equating goes into every interval, p-value and rank that they touch. Pure.

The error is common to all equated scores: it does not average out over tasks. It is found by leaving out one anchor
task after the other, for each row's mean and each difference as a whole, so that what two rows share cancels.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtr  # noqa: TID253 - statistics of arrays

from harness.analysis.scores import ScoreTable, mean_of_present
from harness.analysis.strata import beyond, strata_of
from harness.locale import tr
from harness.stats import Design, FamilyComparison, PairedComparison, RankSet, rank_sets_from_pairs
from harness.stats.arrays import Floats, Ints, bounded_interval, number, shared_clusters, t_critical, tail_probability
from harness.stats.equating import jackknife_variance, with_equating
from harness.stats.intervals import ScoreInterval
from harness.stats.multiplicity import holm
from harness.stats.pairs import all_pairs, pair_moments
from harness.stats.power import detectable_gap
from harness.stats.stratified import Moments, stratified_moments
from harness.types import Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class _Equated:
    """Task scores with each anchor task left out in turn, shape (G, rows, samples), and the degrees of freedom."""

    left_out: Floats
    df: float

    def of_row(self, row: int) -> float:
        """Return the variance that equating adds to a row's mean."""
        known = ~np.isnan(self.left_out[0, row])
        return float(jackknife_variance(self.left_out[:, row, known].mean(axis=1))) if known.any() else 0.0

    def of_pair(self, candidate: int, baseline: int) -> float:
        """Return the variance that equating adds to the mean difference of two rows."""
        gaps = self.left_out[:, candidate] - self.left_out[:, baseline]
        known = ~np.isnan(gaps[0])
        return float(jackknife_variance(gaps[:, known].mean(axis=1))) if known.any() else 0.0


def is_equated(table: ScoreTable) -> bool:
    """Return whether a table holds equated scores."""
    return table.split is not None and table.split.swap is not None


def equated_intervals(table: ScoreTable, found: list[ScoreInterval], design: Design) -> list[ScoreInterval]:
    """Return the intervals of rows with the error of equating in those that hold equated scores."""
    equated = _equated(table)
    if equated is None:
        return found
    moments = _row_moments(table, design)
    made = []
    for row, interval in enumerate(found):
        variance, se, df = equated.of_row(row), float(moments.se[row]), float(moments.df[row])
        if variance <= 0 or interval.estimate.value is None or np.isnan(se) or not df > 0:
            touched = table.split is not None and table.split.n_equated(row)
            made.append(replace(interval, estimate=_labelled(interval.estimate)) if touched else interval)
            continue
        total, pooled = with_equating(se, df, variance, equated.df)
        half = float(t_critical(pooled, tail_probability(design.confidence)) * total)
        low, high = bounded_interval(interval.estimate.value, half, table.judge.scale)
        made.append(replace(interval, estimate=_labelled(replace(interval.estimate, low=low, high=high))))
    return made


def equated_family(table: ScoreTable, compared: FamilyComparison) -> FamilyComparison:
    """Return a family of comparisons with the error of equating; p-values of those that hold it are Student's t."""
    equated = _equated(table)
    if equated is None or not compared.pairs:
        return compared
    results = list(compared.comparisons)
    variances = [equated.of_pair(*pair) for pair in compared.pairs]
    p_values = np.array([np.nan if one.p_value is None else one.p_value for one in results])
    widened: dict[int, tuple[float, float]] = {}
    for place, (one, variance) in enumerate(zip(results, variances, strict=True)):
        if variance > 0 and one.spread.se is not None and one.spread.df and one.difference.value is not None:
            total, pooled = with_equating(one.spread.se, one.spread.df, variance, equated.df)
            widened[place] = float(total), float(pooled)
            p_values[place] = 2 * stdtr(float(pooled), -abs(one.difference.value) / float(total))
    known = ~np.isnan(p_values)
    adjusted = np.full(len(results), np.nan)
    adjusted[known] = holm(p_values[known])
    span = table.judge.scale.high - table.judge.scale.low
    return replace(
        compared,
        comparisons=tuple(
            _widened(one, *widened[place], compared.design, p=(float(p_values[place]), float(adjusted[place])),
                     family=len(results), span=span)
            if place in widened
            else _unmoved(table, one, compared.pairs[place], number(adjusted[place]))
            for place, one in enumerate(results)
        ),
    )  # fmt: skip


def equated_ranks(table: ScoreTable, design: Design) -> tuple[RankSet | None, ...]:
    """Return the rank set of each row: as `harness.stats.rank_sets`, from intervals that hold the error of equating."""
    equated = _equated(table)
    assert equated is not None
    scored = np.flatnonzero((~np.isnan(table.scores)).any(axis=1))
    sets: list[RankSet | None] = [None] * len(table.rows)
    pairs = all_pairs(len(scored))
    better: list[tuple[int, int]] = []
    if len(pairs):
        found = _pair_moments(table, scored[pairs], design)
        variances = np.array([equated.of_pair(int(i), int(j)) for i, j in scored[pairs]])
        se, df = with_equating(found.se, found.df, variances, equated.df)
        better = beyond(Moments(mean=found.mean, se=se, df=df), pairs, tail_probability(design.confidence, len(pairs)))
    for row, ranks in zip(scored, rank_sets_from_pairs(len(scored), better), strict=True):
        sets[row] = ranks
    return tuple(sets)


def _equated(table: ScoreTable) -> _Equated | None:
    split = table.split
    if split is None or split.swap is None or split.equated is None or split.given is None:
        return None
    equating = split.swap.equating
    cells = np.where(split.equated, equating.apply_left_out(split.given), table.cells)
    return _Equated(left_out=mean_of_present(mean_of_present(cells)), df=equating.df)


def _row_moments(table: ScoreTable, design: Design) -> Moments:
    """Return each row's mean with its error, as of a comparison with nothing."""
    n_rows = len(table.rows)
    scores = np.vstack([table.scores, np.zeros((1, len(table.samples)))])
    pairs = np.array([(row, n_rows) for row in range(n_rows)], dtype=np.int64)
    return _moments(table, scores, pairs, design)


def _pair_moments(table: ScoreTable, pairs: Ints, design: Design) -> Moments:
    return _moments(table, table.scores, pairs, design)


def _moments(table: ScoreTable, scores: Floats, pairs: Ints, design: Design) -> Moments:
    if (sets := strata_of(table)) is not None:
        return stratified_moments(scores[pairs[:, 0]] - scores[pairs[:, 1]], sets)
    found = pair_moments(scores, pairs, None, shared_clusters(design.clusters, scores.shape[1]))
    return Moments(mean=found.mean, se=found.se, df=found.df)


def _widened(
    result: PairedComparison, se: float, df: float, design: Design, *, p: tuple[float, float], family: int, span: float
) -> PairedComparison:
    value = result.difference.value
    assert value is not None

    def estimate(before: Estimate, tail: float) -> Estimate:
        half = float(t_critical(df, tail)) * se
        return _labelled(replace(before, low=max(value - half, -span), high=min(value + half, span)))

    return replace(
        result,
        difference=estimate(result.difference, tail_probability(design.confidence)),
        simultaneous=estimate(result.simultaneous, tail_probability(design.confidence, family)),
        p_value=p[0],
        p_adjusted=number(p[1]),
        p_method=tr("t with the error of equating"),
        spread=replace(result.spread, se=se, df=df),
        minimum_detectable=detectable_gap(se, df, result.n_pairs, design, n_comparisons=family),
    )


def _unmoved(
    table: ScoreTable, result: PairedComparison, pair: tuple[int, int], adjusted: float | None
) -> PairedComparison:
    """Return a comparison that equating adds no error to; if it holds equated scores it says so."""
    made = replace(result, p_adjusted=adjusted)
    if table.split is None or not any(table.split.n_equated(row) for row in pair):
        return made
    return replace(made, difference=_labelled(made.difference), simultaneous=_labelled(made.simultaneous))


def _labelled(estimate: Estimate) -> Estimate:
    return replace(estimate, method=tr("{method}, equated", method=estimate.method))
