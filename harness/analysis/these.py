"""Boards about exactly these tasks, where that was declared: what varies is another answer or verdict. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
from scipy.special import stdtr  # noqa: TID253 - statistics of arrays

from harness.analysis.agreement import agreeing
from harness.analysis.equating import is_equated
from harness.analysis.leaderboard import Board, BoardRow, Comparison, Leaderboard
from harness.analysis.panel import PanelTable
from harness.analysis.scores import ScoreTable
from harness.analysis.verdict import comparison_verdict
from harness.locale import Text, tr
from harness.stats import Design, PairedComparison, RankSet, holm, rank_sets_from_pairs
from harness.stats.arrays import bounded_interval, number, t_critical, tail_probability
from harness.stats.finite import FiniteMean, Within, finite_mean, within_tasks
from harness.stats.power import detectable_gap
from harness.types import Estimate, RowKey


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSet:
    """How many tasks a set has, of which a run may have seen a part; ``is_fixed``: nobody can add to them."""

    size: int
    is_fixed: bool


def about_sets(leaderboard: Leaderboard, tables: Sequence[ScoreTable], sets: Mapping[str, TaskSet]) -> Leaderboard:
    """Return a leaderboard that knows what its task sets are; about exactly these tasks if that was declared.

    ``tables`` are in the order of the boards. A panel's errors, which hold how judges differ, stay as they are.
    """
    boards = []
    for board, table in zip(leaderboard.boards, tables, strict=True):
        known = sets.get(board.task, TaskSet(size=board.n_samples, is_fixed=False))
        marked = replace(board, is_fixed=known.is_fixed)
        is_asked = leaderboard.declared.estimand == "these"
        if is_asked and isinstance(table, PanelTable):
            said = tr("the intervals of a panel hold how judges differ, and are about new tasks like these")
            marked = replace(marked, cautions=(*marked.cautions, said))
        elif is_asked and is_equated(table):
            said = tr("the intervals of equated scores are about new tasks like these, and new anchors")
            marked = replace(marked, cautions=(*marked.cautions, said))
        elif is_asked:
            within = {row: within_tasks(cells) for row, cells in zip(table.rows, table.cells, strict=True)}
            made = _These(board=marked, table=table, within=within, size=known.size, confidence=leaderboard.confidence)
            marked = made.board_about_these()
        boards.append(marked)
    return replace(leaderboard, boards=tuple(boards))


@dataclass(frozen=True, slots=True, kw_only=True)
class _These:
    board: Board
    table: ScoreTable
    within: Mapping[RowKey, Within]
    size: int
    confidence: float

    def board_about_these(self) -> Board:
        """Return the board with every interval, p-value and rank about exactly these tasks."""
        board = self.board
        means = {row.key: self.mean_of(row.key) for row in board.rows}
        pairs = [(one.candidate, one.baseline) for one in board.comparisons]
        found = [self.difference_of(*pair) for pair in pairs]
        p_values = [None if one.se is None else _p(one) for one in found]
        known = [p for p in p_values if p is not None]
        adjusted = iter(holm(known).tolist())
        comparisons = tuple(
            self.compared(one, error, p, None if p is None else next(adjusted))
            for one, error, p in zip(board.comparisons, found, p_values, strict=True)
        )
        gaps = [one.result.minimum_detectable for one in comparisons if one.result.minimum_detectable is not None]
        return replace(
            board,
            rows=tuple(self.row(row, means[row.key], rank) for row, rank in zip(board.rows, self.ranks(), strict=True)),
            comparisons=comparisons,
            plan=replace(board.plan, minimum_detectable=median(gaps) if gaps else None, gains=()),
            cautions=(*board.cautions, *self.cautions(found or list(means.values()))),
            is_about_these=True,
        )

    def mean_of(self, row: RowKey) -> FiniteMean:
        scores = self.table.values(row)
        return finite_mean(scores, [self.within[row]], share=self.share(~np.isnan(scores)))

    def difference_of(self, candidate: RowKey, baseline: RowKey) -> FiniteMean:
        rows = (candidate, baseline)
        first, second = (self.table.values(row) for row in rows)
        within = [self.within[row] for row in rows]
        return finite_mean(first - second, within, share=self.share(~np.isnan(first - second)))

    def share(self, known: np.ndarray) -> float:
        return min(1.0, int(known.sum()) / max(1, self.size))

    def row(self, row: BoardRow, error: FiniteMean, rank: RankSet | None) -> BoardRow:
        estimate, scale = row.estimate, self.table.judge.scale
        low = high = None
        if error.se is not None and error.df is not None and error.mean is not None:
            half = float(t_critical(error.df, tail_probability(self.confidence))) * error.se
            low, high = bounded_interval(error.mean, half, scale)
        tags = tuple(
            replace(tag, estimate=replace(tag.estimate, low=None, high=None, method=self.method(None)))
            for tag in row.tags
        )
        shown = replace(estimate, low=low, high=high, method=self.method(error))
        return replace(row, estimate=shown, rank=rank, tags=tags)

    def ranks(self) -> list[RankSet | None]:
        """Return the ranks that rows may hold, by all pairs' intervals at once; unmeasured pairs leave all open."""
        rows = [row.key for row in self.board.rows if row.estimate.n]
        pairs = [(i, k) for i in range(len(rows)) for k in range(i)]
        tail = tail_probability(self.confidence, max(1, len(pairs)))
        better: list[tuple[int, int]] = []
        for i, k in pairs:
            low, high = self.interval(self.difference_of(rows[i], rows[k]), tail)
            if low is not None and high is not None and (low > 0 or high < 0):
                better.append((i, k) if low > 0 else (k, i))
        ranks = iter(rank_sets_from_pairs(len(rows), better))
        return [next(ranks) if row.estimate.n else None for row in self.board.rows]

    def interval(self, error: FiniteMean, tail: float) -> tuple[float | None, float | None]:
        if error.se is None or error.df is None or error.mean is None:
            return None, None
        half = float(t_critical(error.df, tail)) * error.se
        span = self.table.judge.scale.high - self.table.judge.scale.low
        return max(-span, error.mean - half), min(span, error.mean + half)

    def compared(self, one: Comparison, error: FiniteMean, p_value: float | None, adjusted: float | None) -> Comparison:
        result, family = one.result, len(self.board.comparisons)
        design = Design(confidence=self.confidence)
        gap = None
        if error.se is not None and error.df is not None:
            gap = detectable_gap(error.se, error.df, error.n, design, n_comparisons=family)

        def estimate(before: Estimate, m: int) -> Estimate:
            low, high = self.interval(error, tail_probability(self.confidence, m))
            return replace(before, low=low, high=high, method=self.method(error))

        made: PairedComparison = replace(
            result,
            difference=estimate(result.difference, 1),
            simultaneous=estimate(result.simultaneous, family),
            p_value=p_value,
            p_adjusted=None if adjusted is None else number(adjusted),
            p_method=self.method(error),
            spread=replace(result.spread, se=error.se, df=error.df),
            minimum_detectable=gap,
        )
        shown = agreeing(made, self.confidence)
        verdict = comparison_verdict(shown, design, margin=self.board.margin, n_comparisons=family)
        return replace(one, result=shown, verdict=replace(verdict, same_sign=None, tasks_needed=None))

    def method(self, error: FiniteMean | None) -> Text:
        n = self.board.n_samples
        if error is None or error.se is None:
            return tr("none: nothing that varies on these tasks was measured")
        if n >= self.size:
            return tr("t over repeats, these tasks")
        if error.has_repeats:
            return tr("t over {n} of {size} tasks and repeats, finite set", n=n, size=self.size)
        return tr("t over {n} of {size} tasks, finite set", n=n, size=self.size)

    def cautions(self, found: Sequence[FiniteMean]) -> list[Text]:
        """Return what the intervals of this board do not hold."""
        n, (_, _, answers, verdicts) = self.board.n_samples, self.table.cells.shape
        said: list[Text] = []
        if not all(one.has_repeats for one in found):
            if n >= self.size:
                said.append(
                    tr(
                        "about exactly these tasks nothing varies but answers and verdicts, and no repeats measured "
                        "how much: there is no interval (--repeats, --judge-repeats)"
                    )
                )
            else:
                said.append(tr("no repeats measured how answers and verdicts vary: it is not in the intervals"))
        elif answers == 1 and verdicts > 1:
            said.append(tr("each task was answered once: intervals hold how verdicts vary, and not how answers do"))
        if n < self.size:
            said.append(tr("{n} of {size} tasks are taken for a random draw from their set", n=n, size=self.size))
        return said


def _p(error: FiniteMean) -> float:
    assert error.se is not None
    assert error.df is not None
    assert error.mean is not None
    return float(2 * stdtr(error.df, -abs(error.mean) / error.se))
