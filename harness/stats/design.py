"""How scores were sampled and what is asked of them: the one record that every statistic of arrays takes."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

DRAWS = 99_999
"""Sign patterns drawn where the differences lie on no grid: the smallest p-value is 1 in 100,000."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What statistics need to know beside scores and their scale.

    ``clusters``: a name for each task, the same for tasks that belong together (None: it stands alone; no names at all:
    every task does) · ``confidence`` of intervals · ``power`` of plans · ``draws`` sign patterns from ``seed``, where a
    p-value has to be drawn.
    """

    clusters: Sequence[Hashable | None] | None = None
    confidence: float = 0.95
    power: float = 0.8
    draws: int = DRAWS
    seed: int = 0


PLAIN = Design()
"""Independent tasks, 95 % confidence, 80 % power."""
