"""From score tables to a leaderboard: every figure that a report shows, computed once, unrounded. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.analysis.agreement import agreeing
from harness.analysis.comparing import compare_rows, ranks_of
from harness.analysis.equating import equated_intervals
from harness.analysis.judge_versions import VersionSplit
from harness.analysis.looks import BoardLooks, asked_cells, board_looks
from harness.analysis.panel import Member, PanelDifference, PanelTable
from harness.analysis.primary import Primary, primary_of
from harness.analysis.row_gaps import TagRow, baseline_place, row_gaps, tag_rows
from harness.analysis.rows import Difference, Row, differences_of, rows_of
from harness.analysis.scores import ScoreTable
from harness.analysis.strata import row_intervals
from harness.analysis.tried import BoardLedger, TriedRow
from harness.analysis.verdict import ComparisonVerdict, comparison_verdict, margin_on
from harness.engine.looks import Looks
from harness.engine.plan import PlannedJudge
from harness.locale import tr
from harness.stats import (
    BoardPlan,
    Design,
    DesignOption,
    Family,
    PairedComparison,
    RankSet,
    RepeatPlan,
    VarianceComponents,
    WorstCase,
    next_design,
    plan_repeats,
    variance_components,
)
from harness.types import Declaration, Estimate, Generation, Request, RowKey
from harness.unscored import Unscored


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRow:
    """One line of a board: a model under a prompt, scored by one judge on one task.

    ``rank``: the ranks that it may hold, None without a score. ``length_stop_rate``: the share of its answers that were
    cut at the length limit, None if unknown. ``reasons``: why verdicts are missing, with their number. ``components``:
    where its noise comes from, None without repeats.

    ``comparable``: what it would average over all tasks, going by the tasks that rows have in common (see
    `harness.stats.comparable_means`); its mean if it lacks no score, None if no task links it to the baseline's row.
    Rows are ordered by it. ``n_partly``: tasks that lack some of their repeats. ``worst_case``: what its mean over all
    tasks could be. ``has_gaps``: it lacks scores, and that matters on this board. ``n_not_asked``: tasks that it was
    not asked since a look had settled its comparison; they are no gaps, and nothing above counts them.
    """

    key: RowKey
    estimate: Estimate
    rank: RankSet | None
    length_stop_rate: float | None
    reasons: Mapping[Unscored, int]
    tags: tuple[TagRow, ...]
    components: VarianceComponents | None
    comparable: float | None
    n_partly: int
    worst_case: WorstCase
    has_gaps: bool
    n_not_asked: int = 0

    @property
    def not_asked(self) -> Mapping[Unscored, int]:
        """Why it was not asked some tasks, with their number: apart from ``reasons``, for nothing is missing there."""
        said = Unscored("not_asked", tr("not asked: a look had settled the comparison"))
        return {said: self.n_not_asked} if self.n_not_asked else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One candidate against one baseline: every figure of the paired comparison, and what it shows.

    ``panel``: what its members say, where the judge is a panel · ``tried``: the candidate in the ledger ·
    ``p_ledger``: its p-value over every try on these tasks · ``corrected``: the result with figures over every try,
    None where there were no earlier ones.
    """

    baseline: RowKey
    candidate: RowKey
    result: PairedComparison
    verdict: ComparisonVerdict
    panel: PanelDifference | None = None
    tried: TriedRow | None = None
    p_ledger: float | None = None
    corrected: PairedComparison | None = None

    @property
    def is_over_tries(self) -> bool:
        """Whether earlier tries are corrected for."""
        return self.corrected is not None

    @property
    def shown(self) -> PairedComparison:
        """The comparison as it is shown: p_adjusted and simultaneous over every try, if there were earlier ones."""
        return self.corrected or self.result


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatAdvice:
    """Where the noise of one comparison (of one row, if ``baseline`` is None) comes from, and what to buy next.

    ``purchases``: ways to spend as much again as the run cost, best first. ``plans``: what given gains need.
    """

    candidate: RowKey
    baseline: RowKey | None
    components: VarianceComponents
    purchases: tuple[DesignOption, ...]
    plans: tuple[RepeatPlan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """All rows of one judge on one task, best first. Scores of different judges never meet in one board.

    ``comparisons`` are the declared family, ``family_method`` how it was corrected; ``plan`` is what this many tasks
    can tell apart, given the median spread of the family's differences; ``repeats``: what repeats teach, where there
    are any. ``unlike_gaps``: rows lack scores on unlike tasks, so that their own means are not comparable.
    ``is_primary``: verdicts come from this board; what others say is exploratory. ``members``: the judges of a panel.
    ``ledger``: what was tried on its tasks, None if that is not on record. ``looks``: how often it was looked at on the
    way. ``split``: what was made of scores of several versions of the judge, None where there is one.
    """

    task: str
    judge: PlannedJudge
    n_samples: int
    rows: tuple[BoardRow, ...]
    comparisons: tuple[Comparison, ...]
    family_method: str
    plan: BoardPlan
    repeats: RepeatAdvice | None
    unlike_gaps: bool
    cautions: tuple[str, ...]
    margin: float
    is_primary: bool
    is_fixed: bool = False
    is_about_these: bool = False
    members: tuple[Member, ...] = ()
    ledger: BoardLedger | None = None
    looks: BoardLooks | None = None
    split: VersionSplit | None = None

    @property
    def has_gaps(self) -> bool:
        """Whether any row lacks scores in a way that matters."""
        return any(row.has_gaps for row in self.rows)

    @property
    def has_stops(self) -> bool:
        """Whether a look stopped any row, so that rows have means of unlike tasks."""
        return any(row.n_not_asked for row in self.rows)

    def comparison_of(self, row: RowKey) -> Comparison | None:
        """Return the comparison in which ``row`` is the only candidate, if the family has one."""
        found = [comparison for comparison in self.comparisons if comparison.candidate == row]
        return found[0] if len(found) == 1 else None

    def against_baseline(self, row: RowKey) -> PairedComparison | None:
        """Return the figures of `comparison_of` a row, as they are shown."""
        found = self.comparison_of(row)
        return None if found is None else found.shown


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
    def rows(self) -> tuple[Row, ...]:
        """The rows of all boards, best first in each, as flat records."""
        return rows_of(self)

    @property
    def differences(self) -> tuple[Difference, ...]:
        """The comparisons of all boards as flat records."""
        return differences_of(self)


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
