"""Which checkpoint of a training is best on a board, and what that is worth: being chosen here flatters it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.analysis.board import BestCheckpoint, Board
from harness.analysis.leaderboard import Leaderboard
from harness.analysis.scores import ScoreTable
from harness.stats.best_of import best_of
from harness.stats.design import Design
from harness.types import RowKey, Scale

_FEWEST = 2  # checkpoints: of one there is nothing to choose


def with_best_checkpoints(
    leaderboard: Leaderboard, tables: Sequence[ScoreTable], trainings: Mapping[str, Sequence[str]]
) -> Leaderboard:
    """Return a leaderboard whose boards know the best checkpoint of each training.

    ``tables`` are in the order of the boards; ``trainings``: the labels of each one's checkpoints, earliest first. A
    board about exactly these tasks has none: there is no luck with tasks in it.
    """
    if not trainings:
        return leaderboard
    boards = [
        replace(board, best=_best_on(board, table, trainings, leaderboard.confidence))
        for board, table in zip(leaderboard.boards, tables, strict=True)
    ]
    return replace(leaderboard, boards=tuple(boards))


def _best_on(
    board: Board, table: ScoreTable, trainings: Mapping[str, Sequence[str]], confidence: float
) -> tuple[BestCheckpoint, ...]:
    if board.is_about_these:
        return ()
    prompts = dict.fromkeys(key.prompt for key in table.rows)
    of_prompts = ((name, labels, prompt) for name, labels in trainings.items() for prompt in prompts)
    found = (_best(board, table, *one, confidence=confidence) for one in of_prompts)
    return tuple(one for one in found if one is not None)


def _best(
    board: Board,
    table: ScoreTable,
    training: str,
    labels: Sequence[str],
    prompt: str | None,
    *,
    confidence: float,
) -> BestCheckpoint | None:
    keys = [key for label in labels if (key := RowKey(model=label, prompt=prompt)) in table.rows]
    if len(keys) < _FEWEST:
        return None
    over = next((one.baseline for one in board.comparisons if one.baseline not in keys), None)
    scores, scale = table.scores, table.judge.scale
    chosen = scores[[table.rows.index(key) for key in keys]]
    if over is not None:
        span = scale.high - scale.low
        chosen, scale = chosen - scores[table.rows.index(over)], Scale(low=-span, high=span)
    best = best_of(chosen, scale, Design(clusters=table.clusters, confidence=confidence))
    return None if best is None else BestCheckpoint(training=training, row=keys[best.place], over=over, best=best)
