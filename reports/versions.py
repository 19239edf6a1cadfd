"""What a board says where several versions of its judge gave scores: what is held apart, and what is equated. Pure."""

import numpy as np

from harness.analysis.board import Board
from harness.engine.versions import shown_version
from reports.formatting import number, row_name, signed
from reports.wording import Words

_NAMED = 5  # rows that are named


def version_cautions(board: Board, say: Words) -> list[str]:
    """Return what to know of a board whose judge changed; nothing where one version gave all scores."""
    split = board.split
    if split is None:
        return []
    said: list[str] = []
    if split.n_held:
        names = ", ".join(f"{_named(version, say)} {count}" for version, count in split.counts.items())
        rows = [row_name(row.key) for row in board.rows if split.held.get(row.key)]
        said.append(
            say(
                "versions.held",
                versions=names,
                shown=_named(split.shown, say),
                count=split.n_held,
                rows=say.several(rows, _NAMED),
            )
        )
    if (swap := split.swap) is not None:
        equating = swap.equating
        middle = (split.scale.low + split.scale.high) / 2
        place = int(np.argmin(np.abs(equating.levels - middle)))
        said.append(
            say(
                "versions.equated",
                count=0 if split.equated is None else int(split.equated.sum()),
                new=_named(swap.new, say),
                old=_named(swap.old, say),
                anchors=equating.n,
                tasks=equating.n_clusters,
                method=say(f"versions.{equating.method}"),
                score=f"{equating.levels[place]:g}",
                value=number(float(equating.values[place])),
                shift=signed(float(equating.values[place] - equating.levels[place])),
                error=number(float(equating.errors[place])),
            )
        )
    return said


def _named(version: str, say: Words) -> str:
    return say.sentence(shown_version(version))
