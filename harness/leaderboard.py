"""From score tables to a leaderboard: every figure that a report shows, computed once, unrounded. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.plan import PlannedJudge
from harness.scores import RowKey, ScoreTable
from harness.stats import (
    BoardPlan,
    Family,
    PairedComparison,
    Purchase,
    RankSet,
    RepeatPlan,
    VarianceComponents,
    buy_next,
    compare_family,
    plan_family,
    plan_repeats,
    rank_sets,
    score_interval,
    variance_components,
)
from harness.types import Estimate, Generation, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRow:
    """A row's mean over the samples that carry one tag."""

    tag: str
    estimate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRow:
    """One line of a board: a model under a prompt, scored by one judge on one task.

    ``rank``: the ranks that it may hold, None without a score. ``length_stop_rate``: the share of its answers that were
    cut at the length limit, None if unknown. ``reasons``: why verdicts are missing, with their number. ``components``:
    where its noise comes from, None without repeats.
    """

    key: RowKey
    estimate: Estimate
    rank: RankSet | None
    length_stop_rate: float | None
    reasons: Mapping[str, int]
    tags: tuple[TagRow, ...]
    components: VarianceComponents | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One candidate against one baseline, with every figure of the paired comparison."""

    baseline: RowKey
    candidate: RowKey
    result: PairedComparison


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatAdvice:
    """Where the noise of one comparison (of one row, if ``baseline`` is None) comes from, and what to buy next.

    ``purchases``: ways to spend as much again as the run cost, best first. ``plans``: what given gains need.
    """

    candidate: RowKey
    baseline: RowKey | None
    components: VarianceComponents
    purchases: tuple[Purchase, ...]
    plans: tuple[RepeatPlan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """All rows of one judge on one task, best first. Scores of different judges never meet in one board.

    ``comparisons`` are the declared family, ``family_method`` how it was corrected; ``plan`` is what this many tasks
    can tell apart, given the median spread of the family's differences; ``repeats``: what repeats teach, where there
    are any.
    """

    task: str
    judge: PlannedJudge
    n_samples: int
    rows: tuple[BoardRow, ...]
    comparisons: tuple[Comparison, ...]
    family_method: str
    plan: BoardPlan
    repeats: RepeatAdvice | None
    cautions: tuple[str, ...]

    def against_baseline(self, row: RowKey) -> PairedComparison | None:
        """Return the comparison in which ``row`` is the only candidate, if the family has one."""
        found = [comparison.result for comparison in self.comparisons if comparison.candidate == row]
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboard:
    """The boards of a run, with the baseline that candidates are compared with."""

    run: str
    confidence: float
    baseline: str
    family: Family
    boards: tuple[Board, ...]


def build_leaderboard(
    run: str,
    tables: Sequence[ScoreTable],
    length_stops: Mapping[tuple[str, RowKey], float],
    *,
    baseline: str,
    family: Family = "baseline",
    confidence: float = 0.95,
) -> Leaderboard:
    """Return the leaderboard of a run. ``length_stops`` is by task name and row (see `length_stop_rates`).

    ``baseline`` is a model label: its first row is what every other row of a board is compared with, unless ``family``
    is "all-pairs".
    """
    boards = tuple(_board(table, length_stops, baseline, family, confidence) for table in tables)
    return Leaderboard(run=run, confidence=confidence, baseline=baseline, family=family, boards=boards)


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


def _board(
    table: ScoreTable,
    length_stops: Mapping[tuple[str, RowKey], float],
    baseline: str,
    family: Family,
    confidence: float,
) -> Board:
    scale = table.judge.scale
    intervals = [
        score_interval(
            scores,
            low=scale.low,
            high=scale.high,
            pass_fail=scale.is_pass_fail,
            clusters=table.clusters,
            confidence=confidence,
        )
        for scores in table.scores
    ]
    ranks = rank_sets(
        table.scores,
        low=scale.low,
        high=scale.high,
        step=scale.step or 1.0,
        clusters=table.clusters,
        confidence=confidence,
    )
    rows = [
        BoardRow(
            key=key,
            estimate=interval.estimate,
            rank=rank,
            length_stop_rate=length_stops.get((table.task, key)),
            reasons=dict(table.reasons[key].most_common()),
            tags=_tag_rows(table, key, confidence),
            components=variance_components(cells) if cells.shape[1] * cells.shape[2] > 1 else None,
        )
        for key, interval, rank, cells in zip(table.rows, intervals, ranks, table.cells, strict=True)
    ]
    comparisons, method, plan = _comparisons(table, baseline, family, confidence)
    cautions = dict.fromkeys(caution for interval in intervals for caution in interval.cautions)
    if len(table.versions) > 1:
        cautions[f"the judge answered as several model versions: {', '.join(sorted(table.versions))}"] = None
    return Board(
        task=table.task,
        judge=table.judge,
        n_samples=len(table.samples),
        rows=tuple(sorted(rows, key=_best_first)),
        comparisons=comparisons,
        family_method=method,
        plan=plan,
        repeats=_repeat_advice(table, comparisons, confidence),
        cautions=tuple(cautions),
    )


def _comparisons(
    table: ScoreTable, baseline: str, family: Family, confidence: float
) -> tuple[tuple[Comparison, ...], str, BoardPlan]:
    """Return the family of one board. Without a row of the baseline (it has none here) the first row stands in."""
    place = next((index for index, key in enumerate(table.rows) if key.model == baseline), 0)
    scale = table.judge.scale
    compared = compare_family(
        table.scores,
        family=family,
        baseline=place,
        low=scale.low,
        high=scale.high,
        step=scale.step or 1.0,
        clusters=table.clusters,
        confidence=confidence,
    )
    comparisons = tuple(
        Comparison(baseline=table.rows[against], candidate=table.rows[candidate], result=result)
        for (candidate, against), result in zip(compared.pairs, compared.comparisons, strict=True)
    )
    return comparisons, compared.method, plan_family(compared)


def _repeat_advice(table: ScoreTable, comparisons: Sequence[Comparison], confidence: float) -> RepeatAdvice | None:
    """Return what the repeats of a board teach: of its first comparison's differences, or of its only row."""
    _, _, generations, judgements = table.cells.shape
    if generations * judgements == 1 or not table.rows:
        return None
    if comparisons:
        first = comparisons[0]
        cells = table.cells[table.rows.index(first.candidate)] - table.cells[table.rows.index(first.baseline)]
        candidate, baseline = first.candidate, first.baseline
    else:
        cells, candidate, baseline = table.cells[0], table.rows[0], None
    components = variance_components(cells)
    return RepeatAdvice(
        candidate=candidate,
        baseline=baseline,
        components=components,
        purchases=buy_next(components),
        plans=plan_repeats(components, confidence=confidence),
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
