"""From verdicts to score tables: one table per task and judge, one row per model and prompt, one column per sample."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor

import numpy as np
import numpy.typing as npt

from harness.analysis.judge_versions import Swap, VersionSplit
from harness.engine.plan import JudgementItem, PlannedJudge, verdict_on
from harness.engine.versions import held_apart, shown_versions, version_of, versions_given
from harness.types import PlannedTask, RowKey, Sample, Scale, Verdict
from harness.unscored import Unscored, as_unscored


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTable:
    """The scores of one judge on one task.

    ``cells``: float array of shape (rows, samples, repeats, judge repeats); NaN where there is no score. NaN never
    leaves this module's users: every figure made of it is None where it cannot be computed. ``reasons``: why scores are
    missing, without the places in files that they come from. ``planned``: which cells were asked for (rows may have
    unlike numbers of repeats); None: all. ``split``: what was made of scores of several versions of the judge, None
    where there is one; the scale of a table with equated scores reaches as far as they do.
    """

    task: str
    judge: PlannedJudge
    rows: tuple[RowKey, ...]
    samples: tuple[Sample, ...]
    cells: npt.NDArray[np.float64]
    reasons: Mapping[RowKey, Counter[Unscored]]
    versions: frozenset[str]
    planned: npt.NDArray[np.bool_] | None = None
    split: VersionSplit | None = None

    @property
    def scores(self) -> npt.NDArray[np.float64]:
        """Shape (rows, samples): each task's score, its repeats averaged first, since the task is the unit."""
        return mean_of_present(mean_of_present(self.cells))

    @property
    def ends(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """The least and the most that `scores` could be were every missing verdict known, shape (rows, samples) each.

        Equal to the score where no repeat is missing; the ends of the scale where all are, or none was asked for.
        """
        missing = np.isnan(self.cells) & (True if self.planned is None else self.planned)
        least, most = (
            mean_of_present(mean_of_present(np.where(missing, end, self.cells)))
            for end in (self.judge.scale.low, self.judge.scale.high)
        )
        unknown = np.isnan(least)
        return np.where(unknown, self.judge.scale.low, least), np.where(unknown, self.judge.scale.high, most)

    def values(self, row: RowKey) -> npt.NDArray[np.float64]:
        """Return one row's scores, shape (samples,)."""
        return np.asarray(self.scores[self.rows.index(row)])

    @property
    def clusters(self) -> tuple[str | None, ...] | None:
        """The cluster of each sample, or None if no sample names one."""
        clusters = tuple(sample.cluster for sample in self.samples)
        return None if all(cluster is None for cluster in clusters) else clusters


def score_tables(
    tasks: Sequence[PlannedTask],
    judges: Sequence[PlannedJudge],
    items: Iterable[JudgementItem],
    verdicts: Mapping[str, Verdict],
    swaps: Mapping[str, Sequence[Swap]] | None = None,
) -> list[ScoreTable]:
    """Return the score tables of a run, by task and then by judge; rows in plan order.

    ``verdicts`` are by judgement key. Where several versions of a judge gave scores, those of one alone are in its
    tables, and with them what ``swaps`` (by judge) can put on its scale.
    """
    grouped: dict[tuple[str, str], list[JudgementItem]] = {}
    for item in items:
        grouped.setdefault((item.request.task, item.judge), []).append(item)
    every = [item for own in grouped.values() for item in own]
    olds = {judge: [swap.old for swap in own] for judge, own in (swaps or {}).items()}
    shown = shown_versions(versions_given(every, verdicts), olds)
    by_new = {judge: {swap.new: swap for swap in own} for judge, own in (swaps or {}).items()}
    return [
        _table(
            task,
            judge,
            grouped[task.name, judge.name],
            verdicts,
            shown=shown.get(judge.name),
            swaps=by_new.get(judge.name, {}),
        )
        for task in tasks
        for judge in judges
        if (task.name, judge.name) in grouped
    ]


def _table(
    task: PlannedTask,
    judge: PlannedJudge,
    items: Sequence[JudgementItem],
    verdicts: Mapping[str, Verdict],
    *,
    shown: str | None,
    swaps: Mapping[str, Swap],
) -> ScoreTable:
    rows = {RowKey(model=item.request.model, prompt=item.request.prompt): 0 for item in items}
    rows = {key: index for index, key in enumerate(rows)}
    columns = {sample.id: index for index, sample in enumerate(task.samples)}
    repeats = 1 + max(item.request.repeat for item in items)
    judge_repeats = 1 + max(item.judge_repeat for item in items)
    cells = np.full((len(rows), len(columns), repeats, judge_repeats), np.nan)
    planned = np.zeros(cells.shape, dtype=np.bool_)
    reasons: dict[RowKey, Counter[Unscored]] = {key: Counter() for key in rows}
    versions: set[str] = set()
    apart: dict[tuple[int, int, int, int], tuple[RowKey, str]] = {}  # cells that another version gave
    counts: Counter[str] = Counter()
    for item in items:
        key = RowKey(model=item.request.model, prompt=item.request.prompt)
        verdict = verdict_on(item, verdicts)
        if verdict.version:
            versions.add(verdict.version)
        place = (rows[key], columns[item.request.sample_id], item.request.repeat, item.judge_repeat)
        planned[place] = True
        if verdict.score is None:
            reasons[key][as_unscored(verdict.reason or "").general] += 1
        else:
            cells[place] = verdict.score
            if shown is not None and (version := version_of(verdict)) is not None:
                counts[version] += 1
                if version != shown:
                    apart[place] = key, version
    made = ScoreTable(
        task=task.name,
        judge=judge,
        rows=tuple(rows),
        samples=task.samples,
        cells=cells,
        reasons=reasons,
        versions=frozenset(versions),
        planned=planned,
    )
    return made if shown is None else _split(made, shown, counts, apart, swaps)


def _split(
    table: ScoreTable,
    shown: str,
    counts: Mapping[str, int],
    apart: Mapping[tuple[int, int, int, int], tuple[RowKey, str]],
    swaps: Mapping[str, Swap],
) -> ScoreTable:
    """Return a table with the scores of one version, what is equated to them, and without all others."""
    cells, equated = table.cells.copy(), np.zeros(table.cells.shape, dtype=np.bool_)
    reasons = {key: Counter(counted) for key, counted in table.reasons.items()}
    held: Counter[RowKey] = Counter()
    used: Swap | None = None
    for place, (key, version) in apart.items():
        swap = swaps.get(version)
        if swap is not None and swap.old == shown and used in (None, swap):
            used, equated[place] = swap, True
        else:
            cells[place] = np.nan
            held[key] += 1
            reasons[key][held_apart(version)] += 1
    judge = table.judge
    if used is not None:
        cells[equated] = used.equating.apply(cells[equated])
        judge = replace(judge, scale=_reaching(judge.scale, cells[equated]))
    split = VersionSplit(
        shown=shown,
        counts=dict(sorted(counts.items(), key=lambda one: (-one[1], one[0]))),
        held=dict(held),
        scale=table.judge.scale,
        equated=None if used is None else equated,
        given=None if used is None else table.cells,
        swap=used,
    )
    return replace(table, judge=judge, cells=cells, reasons=reasons, split=split)


def _reaching(scale: Scale, scores: npt.NDArray[np.float64]) -> Scale:
    """Return a scale without steps that reaches as far as equated scores do, to two digits."""
    low, high = floor(100 * float(scores.min())) / 100, ceil(100 * float(scores.max())) / 100
    return Scale(low=min(scale.low, low), high=max(scale.high, high))


def mean_of_present(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Average the last axis over what is not NaN; NaN where nothing is."""
    present = ~np.isnan(values)
    count = present.sum(axis=-1)
    total = np.where(present, values, 0.0).sum(axis=-1)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))
