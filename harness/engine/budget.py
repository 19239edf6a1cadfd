"""How much a run may spend: a hard stop that is kept even with many calls in flight. Knows no price and no clock."""

import math
import threading
from collections import Counter
from collections.abc import Callable, Collection
from typing import Protocol

from harness.store.spending import Tally

_MARGIN = 2.0  # a call in flight may cost as many times the dearest one before it: thinking and second questions vary


class Account(Protocol):
    """Where money is counted: for one process, or for all that are at work on a run."""

    pause: float | None
    """Seconds after which somebody else may have changed it; None: nobody else does."""

    def reserve(self, kind: str, room: Callable[[Tally], int]) -> tuple[int, Tally]:
        """Take as many calls as ``room`` finds room for, so that nobody else takes the same; return what was found."""

    def settle(self, kind: str, cost: float | None, *, reserved: bool = True) -> None:
        """Count a call as done; one that was not ``reserved`` cost something although it was to cost nothing."""


class Budget:
    """A limit in US dollars on what verdicts and answers cost. Thread-safe; ``limit`` None allows everything.

    Calls are let go if the money that is left covers them and every call in flight, should each cost twice as much as
    the dearest one so far of its kind; a call alone, if it covers that cost once. The first calls of a kind go one at a
    time until one has told its cost; those of a kind in ``free`` cost nothing, and one that cost nothing so far is let
    go while money is left. So the limit is passed only by a last call that is dearer than all before it, or by calls at
    once that cost more than twice as much. With an ``account`` that others share, their money and their calls count.

    >>> budget = Budget(0.05)
    >>> budget.admit("judge"), budget.settle("judge", 0.01)
    (1, None)
    >>> budget.admit("judge", 10), budget.is_spent, budget.spent
    (2, False, 0.01)
    """

    def __init__(
        self, limit: float | None = None, *, free: Collection[str] = (), account: Account | None = None
    ) -> None:
        self.limit = limit
        self.spent = 0.0
        self.is_spent = False
        self._is_closed = False
        self._free = set(free)
        self._account = account or _OwnAccount()
        self._unlimited: Counter[str] = Counter()  # calls in flight that nobody asked the account about
        self._settled = threading.Condition()

    def admit(self, kind: str, most: int = 1) -> int:
        """Return how many calls of this kind may leave, 0 to ``most``, waiting for calls in flight if those decide it.

        For each of them `settle` is called afterwards.
        """
        with self._settled:
            if self.limit is None or kind in self._free:
                self._unlimited[kind] += most
                return most
            while True:
                if self._is_closed:
                    return 0
                count, tally = self._account.reserve(kind, lambda now: self._room(now, kind, most))
                if count or self._is_closed:
                    return count
                if not self._costly_in_flight(tally):  # nothing will change any more
                    self.is_spent = True
                if self.is_spent:
                    return 0
                self._settled.wait(self._account.pause)

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
            reserved = not self._unlimited[kind]
            if not reserved:
                self._unlimited[kind] -= 1
            try:
                if self.limit is not None and (reserved or cost):
                    self._account.settle(kind, cost, reserved=reserved)
            finally:
                self._settled.notify_all()

    def close(self) -> None:
        """End every wait: nothing is let go any more that the limit is for."""
        with self._settled:
            self._is_closed = True
            self._settled.notify_all()

    def _room(self, now: Tally, kind: str, most: int) -> int:
        """Return how many calls of a kind may leave now."""
        if self.limit is None:
            return most
        if self.is_spent or now.spent >= self.limit:
            return 0
        dearest = now.dearest.get(kind)
        if dearest is None:
            return int(now.in_flight[kind] == 0)
        if dearest == 0:  # so far: one that costs something may come
            return most
        reserved = _MARGIN * sum(now.dearest.get(one, 0.0) * count for one, count in now.in_flight.items())
        left = (self.limit - now.spent - reserved) / dearest + 1e-9
        is_alone = not self._costly_in_flight(now)
        return min(most, max(math.floor(left / _MARGIN), int(is_alone and left >= 1), 0))

    def _costly_in_flight(self, now: Tally) -> bool:
        return any(
            count and kind not in self._free and now.dearest.get(kind) != 0 for kind, count in now.in_flight.items()
        )


class _OwnAccount:
    """The money of this process alone; whoever calls holds the budget's lock."""

    pause = None

    def __init__(self) -> None:
        self._now = Tally()

    def reserve(self, kind: str, room: Callable[[Tally], int]) -> tuple[int, Tally]:
        count = room(self._now)
        self._now.in_flight[kind] += count
        return count, self._now

    def settle(self, kind: str, cost: float | None, *, reserved: bool = True) -> None:
        self._now.in_flight[kind] -= reserved
        self._now.add(kind, cost)
