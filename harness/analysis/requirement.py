"""Is a requirement met? What a pipeline asks of a board before it lets a model through. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.analysis.board import Board, Comparison
from harness.analysis.leaderboard import Leaderboard

Wanted = Literal["better", "no-worse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One comparison of a primary board, and whether it shows what is wanted."""

    board: Board
    comparison: Comparison
    is_met: bool


def check_requirement(leaderboard: Leaderboard, wanted: Wanted, candidate: str) -> tuple[Checked, ...]:
    """Return each comparison of ``candidate`` (a model label) with the baseline on the primary boards.

    The requirement is met if there is one and all show it: ``better`` by the corrected p-value, or ``no-worse`` by the
    margin or more, by a one-sided test (which better is as well).
    """
    return tuple(
        Checked(board=board, comparison=one, is_met=_shows(one, wanted))
        for board in leaderboard.boards
        if board.is_primary
        for one in board.comparisons
        if one.candidate.model == candidate and one.baseline.model != candidate
    )


def candidates_of(leaderboard: Leaderboard) -> Sequence[str]:
    """Return the model labels that primary boards compare with the baseline, in the order of the boards."""
    boards = [board for board in leaderboard.boards if board.is_primary]
    return list(dict.fromkeys(one.candidate.model for board in boards for one in board.comparisons))


def _shows(one: Comparison, wanted: Wanted) -> bool:
    return one.verdict.code == "better" if wanted == "better" else one.verdict.is_no_worse
