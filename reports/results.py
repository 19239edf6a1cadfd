"""results.json, schema 1: what scripts and other tools read. Unrounded; what cannot be computed is null, never NaN."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.leaderboard import Board, BoardRow, Leaderboard

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
        "comparisons": [],
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
        "rank_low": None,
        "rank_high": None,
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
    }
