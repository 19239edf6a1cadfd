"""From score tables to a leaderboard: every figure that a report shows, computed once, unrounded. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.plan import PlannedJudge
from harness.scores import RowKey, ScoreTable
from harness.stats.intervals import score_interval
from harness.types import Estimate, Generation, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRow:
    """A row's mean over the samples that carry one tag."""

    tag: str
    estimate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRow:
    """One line of a board: a model under a prompt, scored by one judge on one task.

    ``length_stop_rate``: the share of its answers that were cut at the length limit, None if there is no answer.
    ``reasons``: why verdicts are missing, with their number.
    """

    key: RowKey
    estimate: Estimate
    length_stop_rate: float | None
    reasons: Mapping[str, int]
    tags: tuple[TagRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """All rows of one judge on one task, best first. Scores of different judges never meet in one board."""

    task: str
    judge: PlannedJudge
    n_samples: int
    rows: tuple[BoardRow, ...]
    cautions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboard:
    """The boards of a run, with the baseline that candidates are compared with."""

    run: str
    confidence: float
    baseline: str
    boards: tuple[Board, ...]


def build_leaderboard(
    run: str,
    tables: Sequence[ScoreTable],
    length_stops: Mapping[tuple[str, RowKey], float],
    *,
    baseline: str,
    confidence: float = 0.95,
) -> Leaderboard:
    """Return the leaderboard of a run. ``length_stops`` is by task name and row (see `length_stop_rates`)."""
    boards = tuple(_board(table, length_stops, confidence) for table in tables)
    return Leaderboard(run=run, confidence=confidence, baseline=baseline, boards=boards)


def length_stop_rates(
    requests: Iterable[Request], generations: Mapping[str, Generation]
) -> dict[tuple[str, RowKey], float]:
    """Return the share of each row's answers that stopped at the length limit, among those whose end is known."""
    answers: Counter[tuple[str, RowKey]] = Counter()
    cut: Counter[tuple[str, RowKey]] = Counter()
    for request in requests:
        generation = generations.get(request.key)
        if generation is None or generation.text is None or generation.finish_reason is None:
            continue
        place = request.task, RowKey(model=request.model, prompt=request.prompt)
        answers[place] += 1
        cut[place] += generation.finish_reason == "length"
    return {place: cut[place] / count for place, count in answers.items()}


def _board(table: ScoreTable, length_stops: Mapping[tuple[str, RowKey], float], confidence: float) -> Board:
    cautions: dict[str, None] = {}
    rows = []
    for key in table.rows:
        scored = score_interval(
            table.values(key),
            low=table.judge.scale.low,
            high=table.judge.scale.high,
            pass_fail=table.judge.scale.is_pass_fail,
            clusters=table.clusters,
            confidence=confidence,
        )
        cautions.update(dict.fromkeys(scored.cautions))
        rows.append(
            BoardRow(
                key=key,
                estimate=scored.estimate,
                length_stop_rate=length_stops.get((table.task, key)),
                reasons=dict(table.reasons[key].most_common()),
                tags=_tag_rows(table, key, confidence),
            )
        )
    rows.sort(key=_best_first)
    if len(table.versions) > 1:
        cautions[f"the judge answered as several model versions: {', '.join(sorted(table.versions))}"] = None
    return Board(
        task=table.task,
        judge=table.judge,
        n_samples=len(table.samples),
        rows=tuple(rows),
        cautions=tuple(cautions),
    )


def _tag_rows(table: ScoreTable, key: RowKey, confidence: float) -> tuple[TagRow, ...]:
    tags = dict.fromkeys(tag for sample in table.samples for tag in sample.tags)
    values = table.values(key)
    rows = []
    for tag in tags:
        chosen = [tag in sample.tags for sample in table.samples]
        scored = score_interval(
            values[chosen],
            low=table.judge.scale.low,
            high=table.judge.scale.high,
            pass_fail=table.judge.scale.is_pass_fail,
            confidence=confidence,
        )
        rows.append(TagRow(tag=tag, estimate=scored.estimate))
    return tuple(rows)


def _best_first(row: BoardRow) -> tuple[bool, float, RowKey]:
    value = row.estimate.value
    return value is None, -(value or 0.0), RowKey(model=row.key.model, prompt=row.key.prompt or "")
