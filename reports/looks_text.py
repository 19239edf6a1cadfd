"""What is said about a board that was looked at on the way: how often, who was stopped when, what that means."""

from dataclasses import asdict
from typing import Any

from harness.analysis.board import Board
from harness.types import RowKey
from reports.formatting import row_name
from reports.wording import Words


def looks_note(board: Board, say: Words) -> str:
    """Return what a reader has to know of a board's looks, "" where there was only the one at the end. Plain text."""
    looks = board.looks
    if looks is None:
        return ""
    sizes = ", ".join(map(str, looks.sizes))
    said = [say(f"looks.{looks.kind}", sizes=sizes, count=len(looks.sizes))]
    if looks.reached < len(looks.sizes):
        said.append(say("looks.so_far", look=looks.reached, count=len(looks.sizes)))
    by_look: dict[int, list[str]] = {}
    for stop in looks.stops:
        by_look.setdefault(stop.look, []).append(row_name(RowKey(model=stop.model, prompt=stop.prompt)))
    said += [
        say("looks.stopped", look=look, tasks=looks.sizes[look - 1], names=", ".join(names))
        for look, names in sorted(by_look.items())
    ]
    if by_look:
        said.append(say("looks.large" if looks.kind == "looks" else "looks.unlike"))
    return say("space").join(said)


def looks_section(boards: tuple[Board, ...]) -> list[dict[str, Any]]:
    """Return the looks of results.json, one entry for each board that was looked at on the way."""
    return [
        {
            "task": board.task,
            "judge": board.judge.name,
            "kind": board.looks.kind,
            "sizes": list(board.looks.sizes),
            "reached": board.looks.reached,
            "stops": [asdict(stop) for stop in board.looks.stops],
        }
        for board in boards
        if board.looks is not None
    ]
