"""From score tables to a leaderboard: every figure that a report shows, computed once, unrounded. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.analysis.agreement import agreeing
from harness.analysis.board import Board, BoardRow, Comparison, RepeatAdvice
from harness.analysis.comparing import compare_rows, ranks_of
from harness.analysis.equating import equated_intervals
from harness.analysis.looks import asked_cells, board_looks
from harness.analysis.panel import PanelDifference, PanelTable
from harness.analysis.primary import Primary, primary_of
from harness.analysis.row_gaps import baseline_place, row_gaps, tag_rows
from harness.analysis.rows import Difference, LeaderboardRow, differences_of, rows_of
from harness.analysis.scores import ScoreTable
from harness.analysis.strata import row_intervals
from harness.analysis.verdict import ComparisonVerdict, comparison_verdict, margin_on
from harness.engine.looks import Looks
from harness.stats import (
    BoardPlan,
    Design,
    Family,
    PairedComparison,
    next_design,
    plan_repeats,
    variance_components,
)
from harness.types import Declaration, Generation, Request, RowKey


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Leaderboard:
    """The boards of a run, with the baseline that candidates are compared with, and which boards are primary.

    ``declared``: what was said before looking.
    """

    run: str
    confidence: float
    baseline: str
    family: Family
    boards: tuple[Board, ...]
    primary: Primary | None
    declared: Declaration

    def __repr__(self) -> str:
        """Return the run and what each primary board shows, one comparison a line."""
        lines = [
            f"{one.candidate.model}: {one.verdict.code} ({one.result.difference.value:+.2f}, {board.judge.name})"
            for board in self.boards
            for one in board.comparisons
            if board.is_primary and one.result.difference.value is not None
        ]
        return "\n  ".join([f"<Leaderboard {self.run!r} against {self.baseline!r}>", *lines])

    @property
    def rows(self) -> tuple[LeaderboardRow, ...]:
        """The rows of all boards, best first in each, as flat records."""
        return rows_of(self.boards)

    @property
    def differences(self) -> tuple[Difference, ...]:
        """The comparisons of all boards as flat records."""
        return differences_of(self.boards)


def build_leaderboard(
    run: str,
    tables: Sequence[ScoreTable],
    length_stops: Mapping[tuple[str, RowKey], float],
    *,
    baseline: str,
    family: Family = "baseline",
    confidence: float = 0.95,
    declared: Declaration | None = None,
    primary: Primary | None = None,
    looks: Looks | None = None,
) -> Leaderboard:
    """Return the leaderboard of a run. ``length_stops`` is by task name and row (see `length_stop_rates`).

    ``baseline`` is a model label: its first row is what every other row of a board is compared with, unless ``family``
    is "all-pairs". ``declared``: what was said before looking; a margin is in points of the primary judge's scale.
    ``primary``: which boards verdicts come from (None: `primary_of` what the tables have). ``looks``: how often
    the boards were looked at on the way.
    """
    declared = declared or Declaration()
    if primary is None:
        judges = {table.judge.name: table.judge for table in tables}
        primary = primary_of(declared, list(judges.values()), list(dict.fromkeys(table.task for table in tables)))
    scale = next((table.judge.scale for table in tables if primary and table.judge.name == primary.judge), None)
    boards = []
    for table in tables:
        asked = _Asked(
            length_stops=length_stops,
            baseline=baseline,
            family=family,
            margin=margin_on(table.judge.scale, declared.margin, scale),
            is_primary=primary is not None and primary.holds(table.task, table.judge.name),
            looks=looks,
        )
        boards.append(_board(table, asked, Design(clusters=table.clusters, confidence=confidence)))
    return Leaderboard(
        run=run,
        confidence=confidence,
        baseline=baseline,
        family=family,
        boards=tuple(boards),
        primary=primary,
        declared=declared,
    )


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What is asked of one board."""

    length_stops: Mapping[tuple[str, RowKey], float]
    baseline: str
    family: Family
    margin: float
    is_primary: bool
    looks: Looks | None


def _board(table: ScoreTable, asked: _Asked, design: Design) -> Board:
    intervals, ranks = equated_intervals(table, row_intervals(table, design), design), ranks_of(table, design)
    seen = asked_cells(table, asked.looks)
    gaps = row_gaps(table, asked.baseline, design, seen)
    left_out = (~seen).sum(axis=1).tolist()
    rows = [
        BoardRow(
            key=key,
            estimate=replace(interval.estimate, n_unscored=interval.estimate.n_unscored - left_out[place]),
            rank=rank,
            length_stop_rate=asked.length_stops.get((table.task, key)),
            reasons=dict(table.reasons[key].most_common()),
            tags=tags,
            components=variance_components(cells) if cells.shape[1] * cells.shape[2] > 1 else None,
            comparable=gaps.comparable[place],
            n_partly=gaps.n_partly[place],
            worst_case=gaps.worst_cases[place],
            has_gaps=gaps.matter and bool(gaps.shares[place].any()),
            n_not_asked=left_out[place],
        )
        for place, (key, interval, rank, cells, tags) in enumerate(
            zip(table.rows, intervals, ranks, table.cells, tag_rows(table, asked.baseline, design, seen), strict=True)
        )
    ]
    comparisons, method, plan = _comparisons(table, asked, design)
    cautions = dict.fromkeys(caution for interval in intervals for caution in interval.cautions)
    return Board(
        task=table.task,
        judge=table.judge,
        n_samples=len(table.samples),
        rows=tuple(rows[place] for place in gaps.order),
        comparisons=comparisons,
        family_method=method,
        plan=plan,
        repeats=_repeat_advice(table, comparisons, design.confidence),
        unlike_gaps=gaps.unlike,
        cautions=tuple(cautions),
        margin=asked.margin,
        is_primary=asked.is_primary,
        members=table.members if isinstance(table, PanelTable) else (),
        looks=board_looks(table, asked.looks),
        split=table.split,
    )


def _comparisons(table: ScoreTable, asked: _Asked, design: Design) -> tuple[tuple[Comparison, ...], str, BoardPlan]:
    """Return the family of one board. Without a row of the baseline (it has none here) the first row stands in."""
    compared = compare_rows(
        table, design, family=asked.family, baseline=baseline_place(table, asked.baseline), looks=asked.looks
    )
    pairs = compared.family.pairs
    comparisons = tuple(
        Comparison(
            baseline=table.rows[against],
            candidate=table.rows[candidate],
            result=agreeing(result, design.confidence),
            verdict=_verdict(result, panel, design, asked.margin, len(pairs)),
            panel=panel,
        )
        for (candidate, against), result, panel in zip(pairs, compared.family.comparisons, compared.panel, strict=True)
    )
    return comparisons, compared.family.method, compared.plan


def _verdict(
    result: PairedComparison, panel: PanelDifference | None, design: Design, margin: float, n_comparisons: int
) -> ComparisonVerdict:
    """Return the verdict on one comparison; of a panel's, more tasks alone need not decide it."""
    shown, joint = agreeing(result, design.confidence), result.simultaneous
    found = comparison_verdict(shown, design, margin=margin, n_comparisons=n_comparisons, joint=joint)
    return found if panel is None else replace(found, tasks_needed=None)


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
        purchases=next_design(components),
        plans=plan_repeats(components, confidence=confidence),
    )
