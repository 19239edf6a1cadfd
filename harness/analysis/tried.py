"""What a board owes to the ledger, as a run keeps it: how many were tried on its tasks, and figures corrected over all.

These records are written into a run's manifest when the run is finished, and stay as they were then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.types import RowKey

Part = Literal["all", "open", "sealed"]

MANY = 5
"""Tries after which the order matters: each built on the best before it, luck adds up and no correction covers it.

Of five such steps without any gain one is "better" in 3.5 % of cases after correction, of ten in 8 %, of thirty in
27 %.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedRow:
    """One candidate of a board: it is the ``place``-th that was tried on these tasks.

    ``p_value``, ``low``, ``high``: of its difference to the baseline, corrected over every try; None where the board
    holds every try itself, so that its own correction is that, or where nothing can be computed · ``shrunken``: the
    difference drawn in by how much of the spread between tries is luck.
    """

    model: str
    prompt: str | None
    place: int
    p_value: float | None = None
    low: float | None = None
    high: float | None = None
    shrunken: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardLedger:
    """One board as of ``date``: ``tries`` on its tasks, of which ``earlier`` are not on the board.

    ``taskset``: its tasks by content · ``part``: all of a set, the open or the sealed part · ``sealed``: tasks that are
    sealed, ``openings``: candidates they were judged for · ``luck``: by how much the best of so many equal tries would
    seem to gain · ``baseline``: what it was, by content · ``content``: equal as long as nothing of the board changed ·
    ``is_merged``: from several runs, each as of its own date.
    """

    task: str
    judge: str
    date: str
    taskset: str
    baseline: str
    tries: int
    earlier: int
    part: Part = "all"
    sealed: int = 0
    openings: int = 0
    luck: float | None = None
    content: str = ""
    is_merged: bool = False
    rows: tuple[TriedRow, ...] = ()

    def row(self, key: RowKey) -> TriedRow | None:
        """Return a candidate of the board, None if it is not on record."""
        return next((row for row in self.rows if (row.model, row.prompt) == (key.model, key.prompt)), None)

    def p_value(
        self, key: RowKey, *, p_value: float | None, p_adjusted: float | None, at_least_own: bool = False
    ) -> float | None:
        """Return a candidate's p-value over every try, given those of its board: uncorrected, and corrected over it.

        The first board of all is its own correction. A merged board, and one whose own correction holds more than the
        signs of differences show (``at_least_own``), take the larger of the two.
        """
        row = self.row(key)
        if row is None or p_value is None or p_adjusted is None:
            return None
        if row.p_value is None:
            return p_adjusted if self.earlier == 0 else None
        return max(row.p_value, p_adjusted if self.is_merged or at_least_own else p_value)


def merged_boards(
    runs: Sequence[tuple[str, Sequence[BoardLedger]]], labels: Mapping[tuple[str, RowKey], str]
) -> tuple[BoardLedger, ...]:
    """Return what the boards of several runs on one owe to the ledger; ``labels``: new ones, by run and row.

    A candidate keeps the figures of its own run where all were compared with the same baseline on the same tasks. Else
    none has any, and only their number is known.
    """
    found: dict[tuple[str, str], list[tuple[str, BoardLedger]]] = {}
    for run, boards in runs:
        for board in boards:
            found.setdefault((board.task, board.judge), []).append((run, board))
    return tuple(_merged(parts, labels) for parts in found.values())


def _merged(parts: Sequence[tuple[str, BoardLedger]], labels: Mapping[tuple[str, RowKey], str]) -> BoardLedger:
    last = max((board for _, board in parts), key=lambda board: (board.date, board.tries))
    rows: dict[tuple[str, str | None], TriedRow] = {}
    if len({(board.taskset, board.baseline) for _, board in parts}) == 1:
        for run, board in parts:
            for row in board.rows:
                label = labels.get((run, RowKey(model=row.model, prompt=row.prompt)), row.model)
                # nothing came before the first board of all: its own correction counts, which a 0 leaves as it is
                own = row.p_value if board.earlier or row.p_value is not None else 0.0
                rows.setdefault((label, row.prompt), replace(row, model=label, p_value=own))
    tries = max(board.tries for _, board in parts)
    here = len({row.place for row in rows.values()}) if rows else 0
    return replace(
        last, tries=tries, earlier=max(0, tries - here), content="", is_merged=True, rows=tuple(rows.values())
    )
