"""Rows that take the places of those that ended, while the rest of their batch goes on."""

from collections import deque
from collections.abc import Sequence

import torch

from harness.models.hf.batching import Batches, BatchRow

_WIDER = 1.5  # times the places of this batch: one that much wider is worth waiting for the end of this


class Waiting:
    """The rows behind a running batch, longest prompt first, and when which of them enter it.

    The batch keeps within what was planned for it: no more rows at once than it began with, and none that needs more
    tokens than its longest prompt and its longest answer together. ``unanswered``: every row that was begun and has no
    answer yet, by key.
    """

    def __init__(self, batch: Sequence[BatchRow], behind: Batches | None = None) -> None:
        self.unanswered = {row.request.key: row for row in batch}
        self._places = len(batch)
        self._span = max(len(row.ids) for row in batch) + max(row.limit for row in batch)
        self._behind: Batches = deque() if behind is None else behind
        self._idle = 0
        self._is_open = self._any_fits()

    def begun(self) -> list[BatchRow]:
        """Return the rows that were begun and have no answer yet, longest prompt first."""
        return sorted(self.unanswered.values(), key=lambda row: -len(row.ids))

    @property
    def is_open(self) -> bool:
        """Whether there is a row that may enter."""
        return self._is_open

    def due(self, live: int, cost: float) -> list[BatchRow]:
        """Return the rows that enter after this pass, with which ``live`` rows go on; mostly none.

        ``cost``: in passes, what reading prompts costs beside the work for their tokens. Places are filled as soon as
        they have been empty for as much: at a steady rate of endings that is the cheapest moment, and it depends on the
        answers alone, on no clock.
        """
        free = self._places - live
        if not self.is_open or not free:
            return []
        self._idle += free
        if live and self._idle < cost * self._places:
            return []
        self._idle = 0
        taken = self._take(free)
        self.unanswered |= {row.request.key: row for row in taken}
        self._is_open = self._any_fits()
        return taken

    def _take(self, free: int) -> list[BatchRow]:
        taken: list[BatchRow] = []
        kept: list[list[BatchRow]] = []
        while self._behind and len(taken) < free and not self._is_wider(self._behind[0]):
            rest: list[BatchRow] = []
            for row in self._behind.popleft():
                padded = len((taken or [row])[0].ids)
                fits = len(taken) < free and len(row.ids) <= padded and padded + row.limit <= self._span
                (taken if fits else rest).append(row)
            if rest:
                kept.append(rest)
        self._behind.extendleft(reversed(kept))
        return taken

    def _any_fits(self) -> bool:
        for batch in self._behind:
            if self._is_wider(batch):
                return False
            if any(len(row.ids) + row.limit <= self._span for row in batch):
                return True
        return False

    def _is_wider(self, batch: Sequence[BatchRow]) -> bool:
        return len(batch) > _WIDER * self._places


@torch.inference_mode()
def placed(old: torch.Tensor, places: Sequence[int], new: torch.Tensor) -> torch.Tensor:
    """Return rows with new ones at some places of theirs, or behind the last.

    >>> placed(torch.tensor([5, 6, 7]), [1, 3], torch.tensor([8, 9])).tolist()
    [5, 8, 7, 9]
    """
    made = old.new_empty(max(len(old), *(place + 1 for place in places)), *old.shape[1:])
    made[: len(old)] = old
    made[torch.tensor(places, device=old.device)] = new.to(old.dtype)
    return made
