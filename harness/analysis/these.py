"""Boards about exactly these tasks, where that was declared: what varies is another answer or verdict. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.analysis.board import Board, BoardRow
from harness.analysis.equating import is_equated
from harness.analysis.finite_set import FiniteSet
from harness.analysis.leaderboard import Leaderboard
from harness.analysis.panel import PanelTable
from harness.analysis.scores import ScoreTable
from harness.analysis.verdict import comparison_verdict
from harness.locale import tr
from harness.notices import Notice
from harness.stats import Design, RankSet, rank_sets_from_pairs
from harness.stats.finite import FiniteMean, Within, within_tasks
from harness.types import RowKey


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSize:
    """How many tasks a set has, of which a run may have seen a part; ``is_fixed``: nobody can add to them."""

    size: int
    is_fixed: bool


def about_sets(leaderboard: Leaderboard, tables: Sequence[ScoreTable], sets: Mapping[str, SetSize]) -> Leaderboard:
    """Return a leaderboard that knows what its task sets are; about exactly these tasks if that was declared.

    ``tables`` are in the order of the boards. A panel's errors, which hold how judges differ, stay as they are.
    """
    boards = []
    for board, table in zip(leaderboard.boards, tables, strict=True):
        known = sets.get(board.task, SetSize(size=board.n_samples, is_fixed=False))
        marked = replace(board, is_fixed=known.is_fixed)
        is_asked = leaderboard.declared.estimand == "these"
        if is_asked and isinstance(table, PanelTable):
            said = Notice(
                "these_panel", tr("the intervals of a panel hold how judges differ, and are about new tasks like these")
            )
            marked = replace(marked, cautions=(*marked.cautions, said))
        elif is_asked and is_equated(table):
            said = Notice(
                "these_equated", tr("the intervals of equated scores are about new tasks like these, and new anchors")
            )
            marked = replace(marked, cautions=(*marked.cautions, said))
        elif is_asked:
            within = {row: within_tasks(cells) for row, cells in zip(table.rows, table.cells, strict=True)}
            tasks = FiniteSet(
                size=known.size,
                n=board.n_samples,
                scale=table.judge.scale,
                confidence=leaderboard.confidence,
                looks=1 if board.looks is None else len(board.looks.sizes),
            )
            marked = _These(board=marked, table=table, within=within, tasks=tasks).board_about_these()
        boards.append(marked)
    return replace(leaderboard, boards=tuple(boards))


@dataclass(frozen=True, slots=True, kw_only=True)
class _These:
    board: Board
    table: ScoreTable
    within: Mapping[RowKey, Within]
    tasks: FiniteSet

    def board_about_these(self) -> Board:
        """Return the board with every interval, p-value and rank about exactly these tasks."""
        board, tasks = self.board, self.tasks
        means = {row.key: tasks.mean_of(self.table.values(row.key), [self.within[row.key]]) for row in board.rows}
        errors = [self.difference_of(one.candidate, one.baseline) for one in board.comparisons]
        found = tasks.compared([one.result for one in board.comparisons], errors)
        design, comparisons = Design(confidence=tasks.confidence), []
        for one, (result, joint) in zip(board.comparisons, found, strict=True):
            verdict = comparison_verdict(
                result, design, margin=board.margin, n_comparisons=len(board.comparisons), joint=joint
            )
            comparisons.append(replace(one, result=result, verdict=replace(verdict, same_sign=None, tasks_needed=None)))
        _, _, answers, verdicts = self.table.cells.shape
        said = tasks.cautions(errors or list(means.values()), answers=answers, verdicts=verdicts)
        return replace(
            board,
            rows=tuple(self.row(row, means[row.key], rank) for row, rank in zip(board.rows, self.ranks(), strict=True)),
            comparisons=tuple(comparisons),
            plan=tasks.plan(board.plan, [result for result, _ in found]),
            cautions=(*board.cautions, *said),
            is_about_these=True,
        )

    def difference_of(self, candidate: RowKey, baseline: RowKey) -> FiniteMean:
        rows = (candidate, baseline)
        first, second = (self.table.values(row) for row in rows)
        return self.tasks.mean_of(first - second, [self.within[row] for row in rows])

    def row(self, row: BoardRow, error: FiniteMean, rank: RankSet | None) -> BoardRow:
        tags = tuple(
            replace(tag, estimate=replace(tag.estimate, low=None, high=None, method=self.tasks.method(None)))
            for tag in row.tags
        )
        return replace(row, estimate=self.tasks.estimate(row.estimate, error), rank=rank, tags=tags)

    def ranks(self) -> list[RankSet | None]:
        """Return the ranks that rows may hold, by all pairs' intervals at once; unmeasured pairs leave all open."""
        rows = [row.key for row in self.board.rows if row.estimate.n]
        pairs = [(i, k) for i in range(len(rows)) for k in range(i)]
        better: list[tuple[int, int]] = []
        for i, k in pairs:
            low, high = self.tasks.interval(self.difference_of(rows[i], rows[k]), max(1, len(pairs)))
            if low is not None and high is not None and (low > 0 or high < 0):
                better.append((i, k) if low > 0 else (k, i))
        ranks = iter(rank_sets_from_pairs(len(rows), better))
        return [next(ranks) if row.estimate.n else None for row in self.board.rows]
