"""What the processes at work on one run have spent together, in the store: so that one limit holds for them all.

Each has a row for each kind of call: what it has spent, the dearest call, and how many calls are under way. It writes
its own rows whole, as it knows them, so that a transaction may be done twice where a server was lost on the way. A call
is taken in the transaction that has seen room for it. Of a process that is gone, what was under way counts as spent: it
may have been paid for. A process that was started after the last one had ended begins anew, as one alone does.
"""

import contextlib
import os
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import psutil
from sqlalchemy import Connection, delete, select, update

from harness.errors import StoreError
from harness.store import schema
from harness.store.dialects import insert, now
from harness.store.leases import Leases, gone_owners
from harness.store.store import Store

_TABLE = schema.spending
_PROCESS = uuid.uuid4().hex
_at_work: set[str] = set()
"""The owners of leases that this process has spent for and that are still at work."""


@dataclass(slots=True)
class Tally:
    """What was spent in US dollars, the dearest call of each kind so far, and how many of each are under way."""

    spent: float = 0.0
    dearest: dict[str, float] = field(default_factory=dict)
    in_flight: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, cost: float | None) -> None:
        """Count what a call cost; None tells nothing."""
        if cost is not None:
            self.spent += cost
            self.dearest[kind] = max(cost, self.dearest.get(kind, 0.0))


@dataclass(frozen=True, slots=True)
class _Row:
    """One's own row for a kind of call."""

    spent: float = 0.0
    in_flight: int = 0
    dearest: float | None = None

    def settled(self, cost: float | None, *, reserved: bool) -> "_Row":
        if cost is None:
            return replace(self, in_flight=self.in_flight - reserved)
        dearest = cost if self.dearest is None else max(cost, self.dearest)
        return _Row(self.spent + cost, self.in_flight - reserved, dearest)


class StoredSpending:
    """`harness.engine.budget.Account` for all who are at work on what ``purse`` names, each with its own leases.

    Nothing is written before the first call that may cost something.
    """

    pause: float | None = 0.5

    def __init__(self, store: Store, leases: Leases, purse: str) -> None:
        self._store, self._leases, self._purse = store, leases, purse
        self._process = f"{_PROCESS} {os.getpid()}"
        self._is_there = False
        self._rows: dict[str, _Row] = {}
        self._lock = threading.RLock()

    def reserve(self, kind: str, room: Callable[[Tally], int]) -> tuple[int, Tally]:
        """Take as many calls as there is room for; without room nothing is written, and nobody is kept from writing.

        Raises:
            StoreError: it could not be written.
        """
        self._join()

        def take(connection: Connection) -> tuple[int, Tally]:
            tally = self._tally(connection)
            if count := room(tally):
                self._write(connection, kind, replace(mine, in_flight=mine.in_flight + count))
            return count, tally

        with self._lock:
            mine = self._rows.get(kind, _Row())
            tally = self._store.whole(self._tally)
            if room(tally) == 0:
                return 0, tally
            count, tally = self._store.whole(take, write=True)
            self._rows[kind] = replace(mine, in_flight=mine.in_flight + count)
        return count, tally

    def settle(self, kind: str, cost: float | None, *, reserved: bool = True) -> None:
        """Count a call as done.

        Raises:
            StoreError: it could not be written.
        """
        self._join()
        with self._lock:
            row = self._rows.get(kind, _Row()).settled(cost, reserved=reserved)
            self._store.whole(lambda connection: self._write(connection, kind, row), write=True)
            self._rows[kind] = row

    def close(self) -> None:
        """Be at work no more, from this moment on."""
        _at_work.discard(self._leases.owner)
        if not self._is_there:
            return
        with contextlib.suppress(StoreError), self._store.transaction(write=True, patient=False) as connection:
            mine = (_TABLE.c.purse == self._purse) & (_TABLE.c.owner == self._leases.owner)
            connection.execute(update(_TABLE).where(mine).values(seen=now(connection)))

    def _join(self) -> None:
        with self._lock:
            if self._is_there:
                return
            self._leases.register()
            self._store.whole(self._begin_anew, write=True)
            _at_work.add(self._leases.owner)
            self._is_there = True

    def _begin_anew(self, connection: Connection) -> None:
        """Forget what was spent if all who spent it were gone before this process began."""
        schema.metadata.create_all(connection, tables=[_TABLE])
        here = _TABLE.c.purse == self._purse
        known = {row.owner: row.seen for row in connection.execute(select(_TABLE).where(here))}
        started = now(connection) - (time.time() - psutil.Process().create_time())
        if known and known.keys() == gone_owners(connection, known.keys()) and max(known.values()) < started:
            connection.execute(delete(_TABLE).where(here))

    def _tally(self, connection: Connection) -> Tally:
        """Return what all have spent; what this process spent before this job is in its limit already."""
        others = (_TABLE.c.purse == self._purse) & (_TABLE.c.owner != self._leases.owner)
        rows = connection.execute(select(_TABLE).where(others)).all()
        under_way = {row.owner for row in rows if row.in_flight}
        gone = gone_owners(connection, under_way) if under_way else set()
        tally = Tally()
        dearest = [(row.kind, row.dearest) for row in rows]
        dearest += [(kind, mine.dearest) for kind, mine in self._rows.items()]
        for kind, cost in dearest:
            if cost is not None:
                tally.dearest[kind] = max(cost, tally.dearest.get(kind, 0.0))
        for kind, mine in self._rows.items():
            tally.spent += mine.spent
            tally.in_flight[kind] += mine.in_flight
        for row in rows:
            if row.process == self._process and row.owner not in _at_work:
                continue
            tally.spent += row.spent
            if row.owner in gone:
                tally.spent += row.in_flight * tally.dearest.get(row.kind, 0.0)
            else:
                tally.in_flight[row.kind] += row.in_flight
        return tally

    def _write(self, connection: Connection, kind: str, row: _Row) -> None:
        values = {"seen": now(connection), "spent": row.spent, "in_flight": row.in_flight, "dearest": row.dearest}
        new = insert(connection, _TABLE).values(
            purse=self._purse, owner=self._leases.owner, kind=kind, process=self._process, **values
        )
        connection.execute(new.on_conflict_do_update(index_elements=["purse", "owner", "kind"], set_=values))
