"""How much a run may spend: a hard stop that is kept even with many calls in flight. Knows no price and no clock."""

import math
import threading
from collections import Counter

_MARGIN = 2.0  # a call in flight may cost as many times the dearest one before it: thinking and second questions vary


class Budget:
    """A limit in US dollars on what verdicts and answers cost. Thread-safe; ``limit`` None allows everything.

    A call is let go if the money that is left covers it and every call in flight, should each cost twice as much as
    the dearest one so far of its kind; a call alone, if it covers that cost once. The first calls of a kind go one at a
    time until one has told its cost. So the limit is passed only by a last call that is dearer than all before it, or
    by calls at once that cost more than twice as much.

    >>> budget = Budget(0.05)
    >>> budget.admits("judge"), budget.settle("judge", 0.03)
    (True, None)
    >>> budget.admits("judge"), budget.is_spent, budget.spent
    (False, True, 0.03)
    """

    def __init__(self, limit: float | None = None) -> None:
        self.limit = limit
        self.spent = 0.0
        self.is_spent = False
        self._dearest: dict[str, float] = {}
        self._in_flight: Counter[str] = Counter()
        self._settled = threading.Condition()

    def admits(self, kind: str) -> bool:
        """Return whether one call of this kind may leave, waiting for calls in flight if that decides it.

        Whoever got True calls `settle` afterwards.
        """
        if self.limit is None:
            return True
        with self._settled:
            while not self._covers(kind):
                if self._in_flight.total() == 0:  # nothing will change any more
                    self.is_spent = True
                if self.is_spent:
                    return False
                self._settled.wait()
            self._in_flight[kind] += 1
            return True

    def settle(self, kind: str, cost: float | None, *, is_free: bool = False, otherwise: float | None = None) -> None:
        """Count one call as done. ``cost`` None tells nothing, unless ``is_free`` says that this kind costs nothing.

        ``otherwise`` is counted where a call was answered and its cost is not known, or is none (below 0, not finite):
        a server that does not tell, or lies, ends no limit.
        """
        if cost is None or not 0 <= cost < math.inf:
            cost = otherwise
        with self._settled:
            self.spent += cost or 0.0
            if cost is not None or is_free:
                self._dearest[kind] = max(cost or 0.0, self._dearest.get(kind, 0.0))
            self._in_flight[kind] -= 1
            self._settled.notify_all()

    def count(self, kind: str, cost: float | None, *, otherwise: float | None = None) -> None:
        """Count one call that was made without asking `admits`."""
        with self._settled:
            self._in_flight[kind] += 1
        self.settle(kind, cost, otherwise=otherwise)

    def affords(self, kind: str) -> int | None:
        """Return how many calls of this kind may be made at once, None without end; 1 while their cost is unknown."""
        with self._settled:
            dearest = self._dearest.get(kind)
            if self.limit is None or dearest == 0:
                return None
            if dearest is None:
                number = int(self.spent < self.limit)
            else:
                left = (self.limit - self.spent - self._reserved()) / dearest + 1e-9
                number = max(math.floor(left / _MARGIN), int(left >= 1))
            self.is_spent = self.is_spent or number < 1
            return max(0, number)

    def _covers(self, kind: str) -> bool:
        if self.limit is None:
            return True
        dearest = self._dearest.get(kind)
        if dearest is None:
            return self._in_flight[kind] == 0 and not self.is_spent and self.spent < self.limit
        reserved = self._reserved() + (_MARGIN * dearest if self._in_flight.total() else dearest)
        return dearest == 0 or (not self.is_spent and self.spent + reserved <= self.limit + 1e-9)

    def _reserved(self) -> float:
        return _MARGIN * sum(self._dearest.get(kind, 0.0) * count for kind, count in self._in_flight.items())
