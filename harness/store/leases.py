"""Leases: which process is at work on which answer or verdict, so that several on one store pay for none twice.

A process claims keys before it asks for them. A claim ends in the very transaction that writes the row, and what has a
row cannot be claimed, so that no lease is left on what nobody is going to ask for again. Claims of a process that is
gone are taken over: at once where the process ran on this machine, and elsewhere when its lease has not been renewed
for a while.
"""

import contextlib
import logging
import os
import platform
import threading
import time
import uuid
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Self

import psutil
from sqlalchemy import Connection, delete, select, update

from harness.errors import StoreError
from harness.store import schema
from harness.store.dialects import insert, now
from harness.store.store import Store, chunks

log = logging.getLogger(__name__)

LASTS = 60.0
"""Seconds after which a lease that was not renewed may be taken over, from another machine or a process that hangs."""

_RENEWALS = 6  # in the time that a lease lasts
_SAME_START = 5.0  # seconds: the start of a process is known no better where the clock is set meanwhile


class Leases:
    """The keys that one run of the engine has claimed. Thread-safe; leaving the ``with`` block gives all back.

    Nothing is written before the first claim, so that a run with nothing to do needs no place that can be written.
    """

    def __init__(self, store: Store, *, lasts: float = LASTS) -> None:
        self._store = store
        self._lasts = lasts
        self.owner = uuid.uuid4().hex[:16]
        self._held: set[str] = set()
        self._renewed: float | None = None
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="leases", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        if self._renewed is None:
            return
        self._thread.join()
        with contextlib.suppress(StoreError), self._store.transaction(write=True, patient=False) as connection:
            _forget_owners(connection, [self.owner])  # else the others find that this process is gone

    def claim(self, keys: Sequence[str]) -> frozenset[str]:
        """Return the keys among ``keys`` that are this run's now.

        The others belong to runs that are at work on them, or have been answered or scored since the caller looked:
        look again.

        Raises:
            StoreError: the claim could not be written.
        """
        if not keys or (self._renewed is not None and not self._free(keys)):
            return frozenset()
        self.register()
        mine = self._store.whole(lambda connection: self._claim(connection, keys), write=True)
        with self._lock:
            self._held |= mine
        return frozenset(mine)

    def _claim(self, connection: Connection, keys: Sequence[str]) -> set[str]:
        mine: set[str] = set()
        for chunk in chunks(keys):
            busy = self._busy(connection, chunk, take_over=True)
            mine |= set(chunk) - busy - _finished(connection, chunk)  # after the leases, which end with the rows
        if mine:
            rows = [{"key": key, "owner": self.owner} for key in mine]
            connection.execute(insert(connection, schema.leases).on_conflict_do_nothing(), rows)
        return mine

    def holds(self, key: str) -> bool:
        """Return whether a key is still this run's: one that was stopped for longer than a lease lasts has lost it."""
        with self._lock:
            if self._renewed is not None and time.time() - self._renewed > self._lasts:
                self._store.outages.outlast(self._renew)
            return key in self._held

    def rows(self, keys: Iterable[str]) -> list[dict[str, str]]:
        """Return the leases on those of ``keys`` that are this run's, as `Store.write` ends them."""
        with self._lock:
            return [{"held": key, "by": self.owner} for key in keys if key in self._held]

    def forget(self, keys: Iterable[str]) -> None:
        """Know that leases have ended."""
        with self._lock:
            self._held.difference_update(keys)

    def _free(self, keys: Sequence[str]) -> bool:
        """Return whether any key can be claimed. Reads alone: whoever waits must not keep the others from writing."""

        def free(connection: Connection) -> bool:
            return any(len(self._busy(connection, chunk)) < len(chunk) for chunk in chunks(keys))

        return self._store.whole(free)

    def _busy(self, connection: Connection, keys: Sequence[str], *, take_over: bool = False) -> set[str]:
        """Return the keys that other runs are at work on; with ``take_over`` the claims of those that are gone end."""
        lease = schema.leases.c
        query = select(lease.key, lease.owner).where(lease.key.in_(keys), lease.owner != self.owner)
        claimed = {row.key: row.owner for row in connection.execute(query)}
        gone = gone_owners(connection, set(claimed.values())) if claimed else set()
        if gone and take_over:
            _forget_owners(connection, gone)
        return {key for key, owner in claimed.items() if owner not in gone}

    def register(self) -> None:
        """Be known as at work from now on.

        Raises:
            StoreError: it could not be written.
        """
        with self._lock:
            if self._renewed is not None:
                return

            def introduce(connection: Connection) -> None:
                schema.metadata.create_all(connection, tables=[schema.leases, schema.lease_owners])
                self._introduce(connection)

            self._store.whole(introduce, write=True)
            self._renewed = time.time()
            self._thread.start()

    def _introduce(self, connection: Connection) -> None:
        row = {
            "owner": self.owner,
            "machine": _machine(),
            "pid": os.getpid(),
            "started": psutil.Process().create_time(),
        }
        expires = now(connection) + self._lasts
        known = insert(connection, schema.lease_owners).on_conflict_do_nothing()
        connection.execute(known, [row | {"expires": expires}])

    def _keep(self) -> None:
        while not self._closed.wait(self._lasts / _RENEWALS):
            try:
                self._store.outages.once(self._renew)
            except StoreError as error:  # whoever writes rows says so; until the lease has run out, nothing is lost
                log.info("the leases could not be renewed: %s", error)

    def _renew(self) -> None:
        with self._lock:
            begun = time.time()
            with self._store.transaction(write=True, patient=False) as connection:
                mine = schema.lease_owners.c.owner == self.owner
                renewed = update(schema.lease_owners).where(mine).values(expires=now(connection) + self._lasts)
                if connection.execute(renewed).rowcount == 0:  # another run took everything over
                    self._held.clear()
                    self._introduce(connection)
            self._renewed = begun


def _finished(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Return the keys, of at most one of `chunks`, under which there is an answer or a score."""
    answer, verdict = schema.generations.c.request_key, schema.judgements.c.key
    queries = (
        select(answer).where(answer.in_(keys), schema.answered),
        select(verdict).where(verdict.in_(keys), schema.scored),
    )
    return {key for query in queries for key in connection.scalars(query)}


def _forget_owners(connection: Connection, owners: Collection[str]) -> None:
    connection.execute(delete(schema.leases).where(schema.leases.c.owner.in_(owners)))
    connection.execute(delete(schema.lease_owners).where(schema.lease_owners.c.owner.in_(owners)))


def gone_owners(connection: Connection, owners: Collection[str]) -> set[str]:
    """Return those of ``owners`` that are at work no more."""
    query = select(schema.lease_owners).where(schema.lease_owners.c.owner.in_(owners))
    known = {row.owner: row for row in connection.execute(query)}
    at, here = now(connection), _machine()
    return {
        owner
        for owner in owners
        if (row := known.get(owner)) is None
        or row.expires < at
        or (row.machine == here and not _runs(row.pid, row.started))
    }


def _runs(pid: int, started: float) -> bool:
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - started) < _SAME_START
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True  # it is there, and may not be looked at


def _machine() -> str:
    """Return what processes have in common that know each other by number: the machine, and the container in it.

    Two machines may have the same name, and every one has the same number for what is in no container: what tells them
    apart is drawn anew whenever a Linux starts, and elsewhere the address of the network card.
    """
    try:
        start = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        space = Path("/proc/self/ns/pid").stat().st_ino
    except (OSError, ValueError):
        start, space = f"{uuid.getnode():x}", 0
    return f"{platform.node()} {start} {space}"
