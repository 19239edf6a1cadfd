"""What the processes at work on one run have spent together, in the store: so that one limit holds for them all.

Each has a row for each kind of call: what it has spent, the dearest call, and how many calls are under way. A call is
taken in the transaction that has seen room for it. Of a process that is gone, what was under way counts as spent: it
may have been paid for. A process that was started after the last one had ended begins anew, as one alone does.
"""

import contextlib
import os
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil
from sqlalchemy import Connection, case, delete, select, update

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


class StoredSpending:
    """`harness.engine.budget.Account` for all who are at work on what ``purse`` names, each with its own leases.

    Nothing is written before the first call that may cost something.
    """

    pause: float | None = 0.5

    def __init__(self, store: Store, leases: Leases, purse: str) -> None:
        self._store, self._leases, self._purse = store, leases, purse
        self._process = f"{_PROCESS} {os.getpid()}"
        self._is_there = False
        self._lock = threading.Lock()

    def reserve(self, kind: str, room: Callable[[Tally], int]) -> tuple[int, Tally]:
        """Take as many calls as there is room for; without room nothing is written, and nobody is kept from writing.

        Raises:
            StoreError: it could not be written.
        """
        self._join()
        with self._store.transaction() as connection:
            tally = self._tally(connection)
        if room(tally) == 0:
            return 0, tally
        with self._store.transaction(write=True) as connection:
            tally = self._tally(connection)
            if count := room(tally):
                self._change(connection, kind, in_flight=count)
        return count, tally

    def settle(self, kind: str, cost: float | None, *, reserved: bool = True) -> None:
        """Count a call as done.

        Raises:
            StoreError: it could not be written.
        """
        self._join()
        with self._store.transaction(write=True) as connection:
            self._change(connection, kind, in_flight=-int(reserved), cost=cost)

    def close(self) -> None:
        """Be at work no more, from this moment on."""
        _at_work.discard(self._leases.owner)
        if not self._is_there:
            return
        with contextlib.suppress(StoreError), self._store.transaction(write=True) as connection:
            mine = (_TABLE.c.purse == self._purse) & (_TABLE.c.owner == self._leases.owner)
            connection.execute(update(_TABLE).where(mine).values(seen=now(connection)))

    def _join(self) -> None:
        with self._lock:
            if self._is_there:
                return
            self._leases.register()
            with self._store.transaction(write=True) as connection:
                schema.metadata.create_all(connection, tables=[_TABLE])
                here = _TABLE.c.purse == self._purse
                known = {row.owner: row.seen for row in connection.execute(select(_TABLE).where(here))}
                started = now(connection) - (time.time() - psutil.Process().create_time())
                if known and known.keys() == gone_owners(connection, known.keys()) and max(known.values()) < started:
                    connection.execute(delete(_TABLE).where(here))
            _at_work.add(self._leases.owner)
            self._is_there = True

    def _tally(self, connection: Connection) -> Tally:
        """Return what all have spent; what this process spent before this job is in its limit already."""
        rows = connection.execute(select(_TABLE).where(_TABLE.c.purse == self._purse)).all()
        under_way = {row.owner for row in rows if row.in_flight and row.owner != self._leases.owner}
        gone = gone_owners(connection, under_way) if under_way else set()
        tally = Tally()
        for row in rows:
            if row.dearest is not None:
                tally.dearest[row.kind] = max(row.dearest, tally.dearest.get(row.kind, 0.0))
        for row in rows:
            if row.process == self._process and row.owner not in _at_work:
                continue
            tally.spent += row.spent
            if row.owner in gone:
                tally.spent += row.in_flight * tally.dearest.get(row.kind, 0.0)
            else:
                tally.in_flight[row.kind] += row.in_flight
        return tally

    def _change(self, connection: Connection, kind: str, *, in_flight: int, cost: float | None = None) -> None:
        here = _TABLE.c
        row = insert(connection, _TABLE).values(
            purse=self._purse,
            owner=self._leases.owner,
            kind=kind,
            process=self._process,
            seen=(at := now(connection)),
            spent=cost or 0.0,
            in_flight=max(in_flight, 0),
            dearest=cost,
        )
        new = {"spent": here.spent + (cost or 0.0), "in_flight": here.in_flight + in_flight, "seen": at}
        if cost is not None:
            new["dearest"] = case((here.dearest > cost, here.dearest), else_=cost)
        connection.execute(row.on_conflict_do_update(index_elements=["purse", "owner", "kind"], set_=new))
