"""How much a run may spend: a hard stop that is kept even with many calls in flight. Knows no price and no clock."""

import math
import threading
from collections import Counter
from collections.abc import Collection

_MARGIN = 2.0  # a call in flight may cost as many times the dearest one before it: thinking and second questions vary


class Budget:
    """A limit in US dollars on what verdicts and answers cost. Thread-safe; ``limit`` None allows everything.

    Calls are let go if the money that is left covers them and every call in flight, should each cost twice as much as
    the dearest one so far of its kind; a call alone, if it covers that cost once. The first calls of a kind go one at a
    time until one has told its cost; those of a kind in ``free`` cost nothing, and one that cost nothing so far is let
    go while money is left. So the limit is passed only by a last call that is dearer than all before it, or by calls at
    once that cost more than twice as much.

    >>> budget = Budget(0.05)
    >>> budget.admit("judge"), budget.settle("judge", 0.01)
    (1, None)
    >>> budget.admit("judge", 10), budget.is_spent, budget.spent
    (2, False, 0.01)
    """

    def __init__(self, limit: float | None = None, *, free: Collection[str] = ()) -> None:
        self.limit = limit
        self.spent = 0.0
        self.is_spent = False
        self._is_closed = False
        self._free = set(free)
        self._dearest: dict[str, float] = {}
        self._in_flight: Counter[str] = Counter()
        self._settled = threading.Condition()

    def admit(self, kind: str, most: int = 1) -> int:
        """Return how many calls of this kind may leave, 0 to ``most``, waiting for calls in flight if those decide it.

        For each of them `settle` is called afterwards.
        """
        with self._settled:
            while (count := self._room(kind, most)) == 0 and not self._is_closed:
                if not self._costly_in_flight():  # nothing will change any more
                    self.is_spent = True
                if self.is_spent:
                    return 0
                self._settled.wait()
            self._in_flight[kind] += count
            return count

    def settle(self, kind: str, cost: float | None, *, is_free: bool = False, otherwise: float | None = None) -> None:
        """Count one call as done. ``cost`` None tells nothing, unless ``is_free`` says that this kind costs nothing.

        ``otherwise`` is counted where a call was answered and its cost is not known, or is none (below 0, not finite):
        a server that does not tell, or lies, ends no limit.
        """
        if cost is None or not 0 <= cost < math.inf:
            cost = otherwise
        with self._settled:
            self.spent += cost or 0.0
            if cost:
                self._free.discard(kind)
            elif is_free:
                self._free.add(kind)
            if cost is not None:
                self._dearest[kind] = max(cost, self._dearest.get(kind, 0.0))
            self._in_flight[kind] -= 1
            self._settled.notify_all()

    def close(self) -> None:
        """End every wait: nothing is let go any more that would have to wait."""
        with self._settled:
            self._is_closed = True
            self._settled.notify_all()

    def _room(self, kind: str, most: int) -> int:
        """Return how many calls of a kind may leave now."""
        if self.limit is None:
            return most
        if kind in self._free:
            return most
        if self.is_spent or self.spent >= self.limit:
            return 0
        dearest = self._dearest.get(kind)
        if dearest is None:
            return int(self._in_flight[kind] == 0)
        if dearest == 0:  # so far: one that costs something may come
            return most
        reserved = _MARGIN * sum(self._dearest.get(one, 0.0) * count for one, count in self._in_flight.items())
        left = (self.limit - self.spent - reserved) / dearest + 1e-9
        is_alone = not self._costly_in_flight()
        return min(most, max(math.floor(left / _MARGIN), int(is_alone and left >= 1), 0))

    def _costly_in_flight(self) -> bool:
        return any(
            count and kind not in self._free and self._dearest.get(kind) != 0 for kind, count in self._in_flight.items()
        )
