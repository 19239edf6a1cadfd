"""From verdicts to score tables: one table per task and judge, one row per model and prompt, one column per sample."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.engine.plan import JudgementItem, PlannedJudge, verdict_on
from harness.types import PlannedTask, RowKey, Sample, Verdict
from harness.unscored import Unscored, as_unscored


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTable:
    """The scores of one judge on one task.

    ``cells``: float array of shape (rows, samples, repeats, judge repeats); NaN where there is no score. NaN never
    leaves this module's users: every figure made of it is None where it cannot be computed. ``reasons``: why scores are
    missing, without the places in files that they come from. ``planned``: which cells were asked for (rows may have
    unlike numbers of repeats); None: all.
    """

    task: str
    judge: PlannedJudge
    rows: tuple[RowKey, ...]
    samples: tuple[Sample, ...]
    cells: npt.NDArray[np.float64]
    reasons: Mapping[RowKey, Counter[Unscored]]
    versions: frozenset[str]
    planned: npt.NDArray[np.bool_] | None = None

    @property
    def scores(self) -> npt.NDArray[np.float64]:
        """Shape (rows, samples): each task's score, its repeats averaged first, since the task is the unit."""
        return _mean_of_present(_mean_of_present(self.cells))

    @property
    def ends(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """The least and the most that `scores` could be were every missing verdict known, shape (rows, samples) each.

        Equal to the score where no repeat is missing; the ends of the scale where all are, or none was asked for.
        """
        missing = np.isnan(self.cells) & (True if self.planned is None else self.planned)
        least, most = (
            _mean_of_present(_mean_of_present(np.where(missing, end, self.cells)))
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
) -> list[ScoreTable]:
    """Return the score tables of a run, by task and then by judge; rows in plan order.

    ``verdicts`` are by judgement key.
    """
    grouped: dict[tuple[str, str], list[JudgementItem]] = {}
    for item in items:
        grouped.setdefault((item.request.task, item.judge), []).append(item)
    return [
        _table(task, judge, grouped[task.name, judge.name], verdicts)
        for task in tasks
        for judge in judges
        if (task.name, judge.name) in grouped
    ]


def _table(
    task: PlannedTask,
    judge: PlannedJudge,
    items: Sequence[JudgementItem],
    verdicts: Mapping[str, Verdict],
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
    return ScoreTable(
        task=task.name,
        judge=judge,
        rows=tuple(rows),
        samples=task.samples,
        cells=cells,
        reasons=reasons,
        versions=frozenset(versions),
        planned=planned,
    )


def _mean_of_present(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Average the last axis over what is not NaN; NaN where nothing is."""
    present = ~np.isnan(values)
    count = present.sum(axis=-1)
    total = np.where(present, values, 0.0).sum(axis=-1)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))
