"""results.json, schema 1: what scripts and other tools read. Unrounded; what cannot be computed is null, never NaN."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from harness.leaderboard import Board, BoardRow, Comparison, Leaderboard

SCHEMA = 1


def results_document(
    leaderboard: Leaderboard, provenance: Mapping[str, Any], notices: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the document as plain values."""
    return {
        "schema": SCHEMA,
        "run": leaderboard.run,
        "tasks": list(dict.fromkeys(board.task for board in leaderboard.boards)),
        "rows": [_row(board, row) for board in leaderboard.boards for row in board.rows],
        "comparisons": [
            _comparison(board, comparison) for board in leaderboard.boards for comparison in board.comparisons
        ],
        "plans": [_plan(board) for board in leaderboard.boards],
        "notices": list(notices),
        "cautions": [
            {"task": board.task, "judge": board.judge.name, "caution": caution}
            for board in leaderboard.boards
            for caution in board.cautions
        ],
        "provenance": dict(provenance),
    }


def _row(board: Board, row: BoardRow) -> dict[str, Any]:
    estimate = row.estimate
    return {
        "task": board.task,
        "judge": board.judge.name,
        "kind": board.judge.kind,
        "scale": [board.judge.scale.low, board.judge.scale.high],
        "model": row.key.model,
        "prompt": row.key.prompt,
        "mean": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "confidence": estimate.confidence,
        "n": estimate.n,
        "n_unscored": estimate.n_unscored,
        "unscored_reasons": dict(row.reasons),
        "rank_low": None if row.rank is None else row.rank.low,
        "rank_high": None if row.rank is None else row.rank.high,
        "length_stop_rate": row.length_stop_rate,
        "method": estimate.method,
        "tags": [
            {
                "tag": tag.tag,
                "mean": tag.estimate.value,
                "low": tag.estimate.low,
                "high": tag.estimate.high,
                "n": tag.estimate.n,
                "n_unscored": tag.estimate.n_unscored,
            }
            for tag in row.tags
        ],
        "variance_components": None if row.components is None else asdict(row.components),
    }


def _comparison(board: Board, comparison: Comparison) -> dict[str, Any]:
    result = comparison.result
    return {
        "task": board.task,
        "judge": board.judge.name,
        "baseline": {"model": comparison.baseline.model, "prompt": comparison.baseline.prompt},
        "candidate": {"model": comparison.candidate.model, "prompt": comparison.candidate.prompt},
        "difference": result.difference.value,
        "low": result.difference.low,
        "high": result.difference.high,
        "confidence": result.difference.confidence,
        "method": result.difference.method,
        "simultaneous_low": result.simultaneous.low,
        "simultaneous_high": result.simultaneous.high,
        "p_value": result.p_value,
        "p_adjusted": result.p_adjusted,
        "p_method": result.p_method,
        "wins": result.wins,
        "ties": result.ties,
        "losses": result.losses,
        "superiority": result.superiority,
        "n_pairs": result.n_pairs,
        "n_missing": result.n_missing,
        "worst_case": result.worst_case,
        "best_case": result.best_case,
        "differ_at_most": result.differ_at_most,
        "minimum_detectable": result.minimum_detectable,
        "cautions": list(result.cautions),
    }


def _plan(board: Board) -> dict[str, Any]:
    plan = board.plan
    return {
        "task": board.task,
        "judge": board.judge.name,
        "minimum_detectable": plan.minimum_detectable,
        "power": plan.power,
        "n": plan.n,
        "tasks_needed": [{"points": gain.points, "tasks": gain.tasks} for gain in plan.gains],
    }
