"""A leaderboard as flat records for programs: a line for each row and for each comparison, unrounded."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.board import Board
from harness.stats.equivalence import DecisionCode
from harness.types import RowKey


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderboardRow:
    """A model under a prompt, as one judge scored it on one task set; best first within a board.

    ``mean`` with its interval ``low`` to ``high``; None where it cannot be computed. ``rank_low`` to ``rank_high`` are
    the ranks that the data allow. ``n_not_asked``: tasks that a look left out. ``length_stop_rate``: the share of
    answers that were cut at the length limit.
    """

    task: str
    judge: str
    model: str
    prompt: str | None
    mean: float | None
    low: float | None
    high: float | None
    confidence: float
    n: int
    n_unscored: int
    n_not_asked: int
    rank_low: int | None
    rank_high: int | None
    length_stop_rate: float | None
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A candidate against a baseline on the tasks that both have scores for: candidate minus baseline.

    ``p_adjusted`` is Holm's over all comparisons of the judge and task set, ``wins`` the tasks on which the candidate
    is higher, ``minimum_detectable`` the true difference that this many tasks find 80 % of the time. ``verdict`` is
    what it shows against ±``margin``, exploratory unless ``is_primary``; see
    `harness.analysis.verdict.ComparisonVerdict` for it, ``same_sign`` and ``tasks_needed``.
    """

    task: str
    judge: str
    baseline: RowKey
    candidate: RowKey
    difference: float | None
    low: float | None
    high: float | None
    confidence: float
    p_value: float | None
    p_adjusted: float | None
    wins: int
    ties: int
    losses: int
    n_pairs: int
    minimum_detectable: float | None
    verdict: DecisionCode
    margin: float
    same_sign: float | None
    tasks_needed: int | None
    is_primary: bool


def rows_of(boards: Sequence[Board]) -> tuple[LeaderboardRow, ...]:
    """Return the rows of all boards, board by board."""
    return tuple(
        LeaderboardRow(
            task=board.task,
            judge=board.judge.name,
            model=row.key.model,
            prompt=row.key.prompt,
            mean=row.estimate.value,
            low=row.estimate.low,
            high=row.estimate.high,
            confidence=row.estimate.confidence,
            n=row.estimate.n,
            n_unscored=row.estimate.n_unscored,
            n_not_asked=row.n_not_asked,
            rank_low=None if row.rank is None else row.rank.low,
            rank_high=None if row.rank is None else row.rank.high,
            length_stop_rate=row.length_stop_rate,
            method=row.estimate.method,
        )
        for board in boards
        for row in board.rows
    )


def differences_of(boards: Sequence[Board]) -> tuple[Difference, ...]:
    """Return the comparisons of all boards, board by board."""
    return tuple(
        Difference(
            task=board.task,
            judge=board.judge.name,
            baseline=comparison.baseline,
            candidate=comparison.candidate,
            difference=comparison.result.difference.value,
            low=comparison.result.difference.low,
            high=comparison.result.difference.high,
            confidence=comparison.result.difference.confidence,
            p_value=comparison.result.p_value,
            p_adjusted=comparison.result.p_adjusted,
            wins=comparison.result.wins,
            ties=comparison.result.ties,
            losses=comparison.result.losses,
            n_pairs=comparison.result.n_pairs,
            minimum_detectable=comparison.result.minimum_detectable,
            verdict=comparison.verdict.code,
            margin=comparison.verdict.margin,
            same_sign=comparison.verdict.same_sign,
            tasks_needed=comparison.verdict.tasks_needed,
            is_primary=board.is_primary,
        )
        for board in boards
        for comparison in board.comparisons
    )
