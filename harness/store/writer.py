"""The thread that writes finished rows, so that each is durable within moments and nobody waits for the disk."""

import queue
import threading
from typing import Self

from harness.errors import HarnessError
from harness.locale import tr, trn
from harness.store.leases import Leases
from harness.store.store import Store
from harness.types import Generation, Judgement

_BATCH = 512  # rows in one transaction at most
_LOOK = 1.0  # seconds between looks whether the thread is still there
_BACKLOG = 8192  # rows that may wait before producers are held up

_Row = Generation | Judgement | str


class Writer:
    """Writes rows in the background, as many in one transaction as have gathered meanwhile.

    Leaving the ``with`` block waits until every row is written. An error of the store stops the writing and is raised
    by the next `add` or on leaving; where another exception is on its way, that gets a note of how many rows were lost.
    A row's lease, if ``leases`` has one, ends in the transaction that writes the row.
    """

    def __init__(self, store: Store, leases: Leases | None = None) -> None:
        self._store = store
        self._leases = leases
        self._rows: queue.Queue[_Row | threading.Event | None] = queue.Queue(maxsize=_BACKLOG)
        self._ended = threading.Event()
        self._error: Exception | None = None
        self._lost = 0
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, _kind: object, other: BaseException | None, _traceback: object) -> None:
        self._rows.put(None)
        try:
            self._ended.wait()  # a join that Ctrl-C has broken off takes the thread for ended
        except KeyboardInterrupt as interrupt:  # while the last rows are written
            self._store.outages.hurry()
            self._ended.wait()
            self._note_loss(interrupt)
            raise
        if self._error is None or other is self._error:
            return
        if other is None:
            raise self._error
        self._note_loss(other)

    def _note_loss(self, other: BaseException) -> None:
        if self._lost and self._error is not None:
            other.add_note(
                tr(
                    "{rows} could not be stored, and would have to be made again: {error}",
                    rows=trn("{n} answer or verdict", "{n} answers and verdicts", self._lost),
                    error=self._error.message if isinstance(self._error, HarnessError) else str(self._error),
                )
            )

    def add(self, row: _Row) -> None:
        """Hand a row over, or the key of one that is not going to come, whose lease ends.

        Raises:
            StoreError: an earlier row could not be written.
        """
        self.check()
        self._rows.put(row)

    def check(self) -> None:
        """Raise what an earlier row could not be written for.

        Raises:
            StoreError: one could not be written.
        """
        if self._error is not None:
            raise self._error

    def wait(self) -> None:
        """Return when every row that was handed over so far is durable, or cannot be written.

        Whoever pays for rows waits, so that a killed process loses no more of them than are asked for at once.
        """
        written = threading.Event()
        self._rows.put(written)
        while not written.wait(_LOOK) and self._thread.is_alive():
            pass

    def _run(self) -> None:
        try:
            self._write_all()
        finally:
            self._ended.set()

    def _write_all(self) -> None:
        rows: list[_Row] = []
        waiting: list[threading.Event] = []
        open_ = True
        while open_:
            row = self._rows.get()
            while row is not None:
                if isinstance(row, threading.Event):
                    waiting.append(row)
                else:
                    rows.append(row)
                if len(rows) >= _BATCH or self._rows.empty():
                    break
                row = self._rows.get()
            open_ = row is not None
            self._flush(rows)
            rows.clear()
            for written in waiting:
                written.set()
            waiting.clear()

    def _flush(self, rows: list[_Row]) -> None:
        if self._error is not None:
            self._lost += sum(not isinstance(row, str) for row in rows)
        if not rows or self._error is not None:
            return  # after an error the queue is still drained, so that no producer hangs on a full one
        try:
            keys = [_key(row) for row in rows]
            self._store.write(
                generations=[row for row in rows if isinstance(row, Generation)],
                judgements=[row for row in rows if isinstance(row, Judgement)],
                released=self._leases.rows(keys) if self._leases else (),
            )
            if self._leases:
                self._leases.forget(keys)
        except Exception as error:  # noqa: BLE001 - handed to the thread that owns the run
            self._error = error
            self._lost += sum(not isinstance(row, str) for row in rows)


def _key(row: _Row) -> str:
    return row if isinstance(row, str) else row.key if isinstance(row, Judgement) else row.request_key
