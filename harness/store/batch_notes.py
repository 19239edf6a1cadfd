"""Batches handed to servers, in the store: whoever goes on after a crash finds them, and buys none twice."""

import json
import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, inspect, select

from harness.protocols import BatchNote
from harness.store import schema
from harness.store.dialects import insert
from harness.store.store import Store


class StoredBatchNotes:
    """`harness.protocols.BatchNotes` in a store; a note is durable once `keep` returns."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def known(self, quota: str) -> Sequence[BatchNote]:
        """Return the batches of a quota, newest last."""
        table = schema.batch_notes

        def read(connection: Connection) -> Sequence[Row[Any]]:
            if table.name not in inspect(connection).get_table_names():
                return ()
            return connection.execute(select(table).where(table.c.quota == quota).order_by(table.c.created)).all()

        rows = self._store.whole(read)
        return tuple(
            BatchNote(name=row.name, quota=row.quota, handle=row.handle, keys=tuple(json.loads(row.keys)))
            for row in rows
        )

    def keep(self, note: BatchNote) -> None:
        """Remember a batch, or the server's name for it.

        Raises:
            StoreError: it could not be written.
        """
        table = schema.batch_notes
        row = {"name": note.name, "quota": note.quota, "handle": note.handle, "keys": json.dumps(note.keys)}

        def write(connection: Connection) -> None:
            schema.metadata.create_all(connection, tables=[table])
            made = insert(connection, table).values(**row, created=time.time())
            connection.execute(made.on_conflict_do_update(index_elements=["name"], set_={"handle": note.handle}))

        self._store.whole(write, write=True)

    def drop(self, name: str) -> None:
        """Forget a batch."""
        gone = delete(schema.batch_notes).where(schema.batch_notes.c.name == name)
        self._store.whole(lambda connection: connection.execute(gone), write=True)
