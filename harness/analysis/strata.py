"""Boards of several sets of tasks under one name: what is known of each set's share goes into every error. Pure."""

from dataclasses import replace

import numpy as np
from scipy.special import stdtr  # noqa: TID253 - statistics of arrays

from harness.analysis.scores import ScoreTable
from harness.locale import tr
from harness.stats import Design, FamilyComparison, PairedComparison, RankSet, rank_sets_from_pairs, score_interval
from harness.stats.arrays import Ints, number, shared_clusters, t_critical, tail_probability
from harness.stats.intervals import ScoreInterval
from harness.stats.multiplicity import holm
from harness.stats.pairs import all_pairs
from harness.stats.power import detectable_gap
from harness.stats.stratified import Moments, stratified_interval, stratified_moments, stratum_codes
from harness.types import Estimate


def strata_of(table: ScoreTable) -> Ints | None:
    """Return the number of each task's set, or None where the table is of one set.

    Tasks in clusters go by their clusters, which may lie across sets.
    """
    codes = stratum_codes([sample.stratum for sample in table.samples], len(table.samples))
    return None if codes is None or shared_clusters(table.clusters, len(table.samples)) is not None else codes


def row_intervals(table: ScoreTable, design: Design) -> list[ScoreInterval]:
    """Return the mean of each row with its interval, stratified where the tasks are of several sets."""
    scale, codes = table.judge.scale, strata_of(table)
    found = [score_interval(scores, scale, design) for scores in table.scores]
    if codes is None:
        return found
    stratified = [stratified_interval(scores, codes, scale, design) for scores in table.scores]
    return [
        plain if estimate is None else replace(plain, estimate=estimate)
        for plain, estimate in zip(found, stratified, strict=True)
    ]


def stratified_family(table: ScoreTable, compared: FamilyComparison, codes: Ints) -> FamilyComparison:
    """Return a family of comparisons with stratified differences, errors, intervals and p-values (Student's t)."""
    design, pairs = compared.design, np.asarray(compared.pairs, dtype=np.int64).reshape(-1, 2)
    if not len(pairs):
        return compared
    moments = stratified_moments(table.scores[pairs[:, 0]] - table.scores[pairs[:, 1]], codes)
    usable = (moments.se > 0) & (moments.df > 0)
    p_values = np.array([np.nan if one.p_value is None else one.p_value for one in compared.comparisons])
    p_values[usable] = 2 * stdtr(moments.df[usable], -np.abs(moments.mean[usable]) / moments.se[usable])
    known = ~np.isnan(p_values)
    adjusted = np.full(len(pairs), np.nan)
    adjusted[known] = holm(p_values[known])
    n_sets = int(codes.max()) + 1
    return replace(
        compared,
        comparisons=tuple(
            _stratified(table, result, moments, place, design, p=(float(p_values[place]), adjusted[place]), sets=n_sets)
            if usable[place]
            else replace(result, p_adjusted=number(adjusted[place]))
            for place, result in enumerate(compared.comparisons)
        ),
    )


def stratified_ranks(table: ScoreTable, design: Design, codes: Ints) -> tuple[RankSet | None, ...]:
    """Return the rank set of each row: as `harness.stats.rank_sets`, from stratified intervals."""
    scored = np.flatnonzero((~np.isnan(table.scores)).any(axis=1))
    sets: list[RankSet | None] = [None] * len(table.rows)
    pairs = all_pairs(len(scored))
    better: list[tuple[int, int]] = []
    if len(pairs):
        scores = table.scores[scored]
        moments = stratified_moments(scores[pairs[:, 0]] - scores[pairs[:, 1]], codes)
        better = beyond(moments, pairs, tail_probability(design.confidence, len(pairs)))
    for row, ranks in zip(scored, rank_sets_from_pairs(len(scored), better), strict=True):
        sets[row] = ranks
    return tuple(sets)


def beyond(moments: Moments, pairs: Ints, tail: float) -> list[tuple[int, int]]:
    """Return the (winner, loser) pairs whose interval at error probability ``tail`` excludes 0."""
    usable = (moments.se > 0) & (moments.df > 0)
    half = np.full(len(pairs), np.inf)
    half[usable] = t_critical(moments.df[usable], tail) * moments.se[usable]
    won = pairs[moments.mean > half]
    lost = pairs[moments.mean < -half]
    return [(int(i), int(j)) for i, j in won] + [(int(j), int(i)) for i, j in lost]


def _stratified(
    table: ScoreTable,
    result: PairedComparison,
    moments: Moments,
    place: int,
    design: Design,
    *,
    p: tuple[float, float],
    sets: int,
) -> PairedComparison:
    value, se, df = (float(one[place]) for one in (moments.mean, moments.se, moments.df))
    family, span = len(moments.mean), table.judge.scale.high - table.judge.scale.low
    method = tr("paired t, stratified over {n} sets", n=sets)

    def estimate(before: Estimate, tail: float) -> Estimate:
        half = float(t_critical(df, tail)) * se
        return replace(before, value=value, low=max(value - half, -span), high=min(value + half, span), method=method)

    return replace(
        result,
        difference=estimate(result.difference, tail_probability(design.confidence)),
        simultaneous=estimate(result.simultaneous, tail_probability(design.confidence, family)),
        p_value=p[0],
        p_adjusted=number(p[1]),
        p_method=tr("t, stratified over {n} sets", n=sets),
        spread=replace(result.spread, se=se, df=df),
        minimum_detectable=detectable_gap(se, df, result.n_pairs, design, n_comparisons=family),
    )
