"""A panel: several judges of a run as one declared judge, whose score is the mean of theirs, standardised. Pure.

Standardised means: on each task set, over the answers that every member scored, a member's scores are moved and
stretched to the members' average level and spread. All members then weigh the same, however strict one is and however
much of the scale another uses. An answer that one member left unscored is unscored by the panel: the mean of the others
would depend on who is missing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr  # noqa: TID253

from harness.analysis.scores import ScoreTable
from harness.analysis.strata import beyond, strata_of
from harness.codec import digest
from harness.engine.plan import PlannedJudge, PlannedPanel
from harness.locale import Text, tr
from harness.stats import Design, FamilyComparison, PairedComparison, RankSet, rank_sets_from_pairs
from harness.stats.arrays import number, shared_clusters, t_critical, tail_probability
from harness.stats.multiplicity import holm
from harness.stats.pairs import all_pairs
from harness.stats.pooling import PooledDifferences, pool_pairs
from harness.stats.power import detectable_gap
from harness.stats.stratified import Moments
from harness.types import Estimate, RowKey, Scale
from harness.unscored import Unscored

_DIGITS = 2  # of the ends of a panel's scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A judge in a panel, as it scores one task set.

    ``mean`` and ``sd`` of its scores over the answers that all members scored, on its own scale; None without any.
    """

    judge: str
    mean: float | None
    sd: float | None
    n_unscored: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelTable(ScoreTable):
    """The scores of a panel on one task set.

    ``by_member``: shape (members, rows, samples), standardised, NaN where any member gave none · ``mean`` and ``sd``:
    what every member's scores were standardised to · ``given``: the members' own tables, which it is made of.
    """

    given: tuple[ScoreTable, ...]
    members: tuple[Member, ...]
    by_member: npt.NDArray[np.float64]
    mean: float | None
    sd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelDifference:
    """What a panel adds to one comparison.

    ``by_member``: each member's own difference, standardised · ``between_sd``: how far judges' true differences spread
    · ``low`` to ``high``: what a judge who was not asked would say of the same answers (prediction interval).
    """

    by_member: tuple[float | None, ...]
    between_sd: float | None
    low: float | None
    high: float | None


def panel_tables(tables: Sequence[ScoreTable], panels: Sequence[PlannedPanel]) -> list[PanelTable]:
    """Return the tables of all panels, task by task, from those of their members; ``tables`` may hold others."""
    found = []
    for task in dict.fromkeys(table.task for table in tables):
        own = {table.judge.name: table for table in tables if table.task == task}
        found += [
            panel_table(panel, [own[name] for name in panel.members])
            for panel in panels
            if all(name in own for name in panel.members)
        ]
    return found


def judge_tables(tables: Sequence[ScoreTable]) -> list[ScoreTable]:
    """Return the tables of judges alone: a panel's agreement with its own members says nothing."""
    return [table for table in tables if not isinstance(table, PanelTable)]


def panel_table(panel: PlannedPanel, members: Sequence[ScoreTable]) -> PanelTable:
    """Return one panel's scores on one task set; ``members`` are its judges' tables, in order."""
    judges = [table.judge for table in members]
    raw = np.stack([_mean_of_repeats(table.cells) for table in members])
    whole = ~np.isnan(raw).any(axis=0)
    first = judges[0].scale
    moments = [(float(one[whole].mean()), float(one[whole].std())) if whole.any() else None for one in raw]
    stretches = [(first.high - first.low) / (judge.scale.high - judge.scale.low) for judge in judges]
    usable = [found for found in moments if found is not None and found[1] > 0]
    if len(usable) < len(members):
        return _unusable(panel, members, raw, moments)
    mean = float(np.mean([first.low + (m - judge.scale.low) * k
                          for (m, _), judge, k in zip(usable, judges, stretches, strict=True)]))  # fmt: skip
    sd = float(np.mean([s * k for (_, s), k in zip(usable, stretches, strict=True)]))
    mapped = np.stack([mean + (one - m) * (sd / s) for one, (m, s) in zip(raw, usable, strict=True)])
    ends = np.array([[mean + (end - m) * (sd / s) for end in (judge.scale.low, judge.scale.high)]
                     for (m, s), judge in zip(usable, judges, strict=True)]).mean(axis=0)  # fmt: skip
    digits = 10**_DIGITS
    scale = Scale(low=floor(ends[0] * digits) / digits, high=ceil(ends[1] * digits) / digits)
    mapped[:, ~whole] = np.nan
    return _table(panel, members, mapped, scale=scale, moments=moments, mean=mean, sd=sd)


def panel_family(table: PanelTable, compared: FamilyComparison) -> tuple[FamilyComparison, list[PanelDifference]]:
    """Return a family of comparisons with what the members disagree on in every error, and what it is made of.

    Differences, wins and missing scores stay; standard errors, intervals and p-values become those of a mean over
    judges like these (see `harness.stats.pooling`). Where nothing differs the comparison stays as it is.
    """
    design, pairs = compared.design, compared.pairs
    if not pairs:
        return compared, []
    pooled = pool_pairs(
        table.by_member, pairs, shared_clusters(design.clusters, table.by_member.shape[2]), strata_of(table)
    )
    usable = (pooled.errors > 0) & (pooled.df > 0)
    p_values = np.full(len(pairs), np.nan)
    p_values[usable] = 2 * stdtr(pooled.df[usable], -np.abs(pooled.values[usable]) / pooled.errors[usable])
    known = np.array([result.n_pairs > 0 for result in compared.comparisons])
    final = np.where(usable, p_values, [np.nan if one.p_value is None else one.p_value for one in compared.comparisons])
    adjusted = np.full(len(pairs), np.nan)
    adjusted[known] = holm(final[known])
    span = table.judge.scale.high - table.judge.scale.low
    comparisons = tuple(
        _with_judges(result, pooled, place, design, p=final[place], adjusted=adjusted[place], span=span)
        if usable[place]
        else replace(result, p_adjusted=number(adjusted[place]))
        for place, result in enumerate(compared.comparisons)
    )
    low, high = pooled.next_judge(design.confidence)
    said = [
        PanelDifference(
            by_member=tuple(number(value) for value in pooled.by_judge[:, place]),
            between_sd=number(pooled.between_sd[place]),
            low=number(max(low[place], -span)) if usable[place] else None,
            high=number(min(high[place], span)) if usable[place] else None,
        )
        for place in range(len(pairs))
    ]
    return replace(compared, comparisons=comparisons), said


def panel_ranks(table: PanelTable, design: Design) -> tuple[RankSet | None, ...]:
    """Return the rank set of each row: as `harness.stats.rank_sets`, from intervals that hold the judges' spread."""
    scored = np.flatnonzero((~np.isnan(table.by_member[0])).any(axis=1))
    sets: list[RankSet | None] = [None] * len(table.rows)
    pairs = all_pairs(len(scored))
    better: list[tuple[int, int]] = []
    if len(pairs):
        clusters = shared_clusters(design.clusters, table.by_member.shape[2])
        pooled = pool_pairs(table.by_member[:, scored], pairs, clusters, strata_of(table))
        moments = Moments(mean=pooled.values, se=pooled.errors, df=pooled.df)
        better = beyond(moments, pairs, tail_probability(design.confidence, len(pairs)))
    for row, ranks in zip(scored, rank_sets_from_pairs(len(scored), better), strict=True):
        sets[row] = ranks
    return tuple(sets)


def _with_judges(
    result: PairedComparison, pooled: PooledDifferences, place: int, design: Design, *, p: float, adjusted: float,
    span: float,
) -> PairedComparison:  # fmt: skip
    value, se, df = (float(one[place]) for one in (pooled.values, pooled.errors, pooled.df))
    family = len(pooled.values)
    method: Text = tr("random effects over {n} judges (Hartung-Knapp)", n=pooled.n_judges)

    def estimate(before: Estimate, tail: float) -> Estimate:
        half = float(t_critical(df, tail)) * se
        low, high = max(value - half, -span), min(value + half, span)
        return replace(before, value=value, low=low, high=high, method=method)

    return replace(
        result,
        difference=estimate(result.difference, tail_probability(design.confidence)),
        simultaneous=estimate(result.simultaneous, tail_probability(design.confidence, family)),
        p_value=p,
        p_adjusted=number(adjusted),
        p_method=tr("t of the mean over {n} judges", n=pooled.n_judges),
        spread=replace(result.spread, se=se, df=df),
        minimum_detectable=detectable_gap(se, df, result.n_pairs, design, n_comparisons=family),
    )


def _mean_of_repeats(cells: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Average a judge's verdicts on one answer: shape (rows, samples, repeats)."""
    present = ~np.isnan(cells)
    count = present.sum(axis=-1)
    total = np.where(present, cells, 0.0).sum(axis=-1)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


def _unusable(
    panel: PlannedPanel,
    members: Sequence[ScoreTable],
    raw: npt.NDArray[np.float64],
    moments: Sequence[tuple[float, float] | None],
) -> PanelTable:
    """Return a table without any score: a member whose scores are all the same cannot be standardised."""
    return _table(panel, members, np.full(raw.shape, np.nan), scale=members[0].judge.scale, moments=moments)


def _table(
    panel: PlannedPanel,
    members: Sequence[ScoreTable],
    mapped: npt.NDArray[np.float64],
    *,
    scale: Scale,
    moments: Sequence[tuple[float, float] | None],
    mean: float | None = None,
    sd: float | None = None,
) -> PanelTable:
    first = members[0]
    cells = mapped.mean(axis=0)
    planned = np.ones(cells.shape, dtype=np.bool_)
    if first.planned is not None:
        planned = np.asarray(first.planned[..., 0])
    by_sample = np.stack([_mean_of_repeats(one) for one in mapped])
    kinds, sources = {table.judge.kind for table in members}, {table.judge.scored_by for table in members}
    return PanelTable(
        task=first.task,
        judge=PlannedJudge(
            name=panel.name,
            fingerprint=digest(["panel.v1", [table.judge.fingerprint for table in members]]),
            scale=scale,
            kind=kinds.pop() if len(kinds) == 1 else "quality",
            scored_by=sources.pop() if len(sources) == 1 else None,
        ),
        rows=first.rows,
        samples=first.samples,
        cells=cells[..., np.newaxis],
        reasons=_reasons(members, cells, planned),
        versions=frozenset(),
        planned=planned[..., np.newaxis],
        given=tuple(members),
        members=tuple(
            Member(
                judge=table.judge.name,
                mean=None if found is None else found[0],
                sd=None if found is None else found[1],
                n_unscored=sum(counted.total() for counted in table.reasons.values()),
            )
            for table, found in zip(members, moments, strict=True)
        ),
        by_member=by_sample,
        mean=mean,
        sd=sd,
    )


def _reasons(
    members: Sequence[ScoreTable], cells: npt.NDArray[np.float64], planned: npt.NDArray[np.bool_]
) -> Mapping[RowKey, Counter[Unscored]]:
    """Return why the panel has no score: the members that gave none, or that it could not be standardised."""
    lacking = [np.isnan(_mean_of_repeats(table.cells)) for table in members]
    reasons: dict[RowKey, Counter[Unscored]] = {}
    for place, row in enumerate(members[0].rows):
        counted: Counter[Unscored] = Counter()
        for at in zip(*np.nonzero(np.isnan(cells[place]) & planned[place]), strict=True):
            names = [table.judge.name for table, none in zip(members, lacking, strict=True) if none[place][at]]
            if names:
                lacking_some = tr("not scored by {judges}", judges=", ".join(names))
                counted[Unscored("panel_member_missing", lacking_some)] += 1
            else:
                same = tr("a member of the panel gave all answers the same score")
                counted[Unscored("panel_member_constant", same)] += 1
        reasons[row] = counted
    return reasons
