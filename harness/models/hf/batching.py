"""Which requests are generated together: longest prompt first, within a budget of rows and bytes."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.locale import tr
from harness.notices import Notice
from harness.types import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRow:
    """One request, encoded. ``limit`` is how many tokens it may generate, at least 1."""

    request: Request
    ids: Sequence[int]
    limit: int


Batches = deque[list[BatchRow]]
"""What is still to be done, the next batch first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimits:
    """What the user allows a batch, None where the machine decides."""

    rows: int | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchBudget:
    """What one batch may hold: at most ``rows`` rows, ``tokens`` padded tokens (None: any) and ``memory`` bytes.

    ``row_bytes(prompt, new)`` is what one row of so many tokens needs.
    """

    rows: int
    memory: int
    row_bytes: Callable[[int, int], int]
    tokens: int | None = None

    def allows(self, rows: int, prompt_tokens: int, new_tokens: int) -> bool:
        """Return whether so many rows, padded to these lengths, fit; a single row always does."""
        if rows == 1:
            return True
        within_tokens = self.tokens is None or rows * (prompt_tokens + new_tokens) <= self.tokens
        return rows <= self.rows and within_tokens and rows * self.row_bytes(prompt_tokens, new_tokens) <= self.memory


def plan_batches(rows: Sequence[BatchRow], budget: BatchBudget) -> list[list[BatchRow]]:
    """Return the batches, longest prompt first; equal input gives equal batches.

    Longest first shows at once whether memory suffices, and neighbours of like length waste little on padding.
    """
    batches: list[list[BatchRow]] = []
    new_tokens = 0
    for row in sorted(rows, key=lambda row: (-len(row.ids), row.request.key)):
        new_tokens = max(new_tokens, row.limit)
        if batches and budget.allows(len(batches[-1]) + 1, len(batches[-1][0].ids), new_tokens):
            batches[-1].append(row)
        else:
            batches.append([row])
            new_tokens = row.limit
    return batches


def halves(rows: list[BatchRow]) -> list[list[BatchRow]]:
    """Return a batch as two, order kept; a single row stays one.

    >>> [len(half) for half in halves([None] * 5)], halves([None])
    ([3, 2], [[None]])
    """
    middle = (len(rows) + 1) // 2
    return [half for half in (rows[:middle], rows[middle:]) if half]


def describe(batches: Sequence[Sequence[BatchRow]]) -> Notice:
    """Return the batch plan in words, as it is recorded: rows × padded prompt tokens of each batch, in order."""
    shapes = [f"{len(batch)}×{len(batch[0].ids)}" for batch in batches]
    return Notice(
        "batch_plan", tr("batch plan (rows × prompt tokens, longest first): {names}", names=", ".join(shapes))
    )
