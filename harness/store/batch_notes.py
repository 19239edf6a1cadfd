"""Batches handed to servers, in the store: whoever goes on after a crash finds them, and buys none twice."""

import json
import time
from collections.abc import Sequence

from sqlalchemy import delete, inspect, select

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
        with self._store.transaction() as connection:
            if table.name not in inspect(connection).get_table_names():
                return ()
            rows = connection.execute(select(table).where(table.c.quota == quota).order_by(table.c.created)).all()
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
        with self._store.transaction(write=True) as connection:
            schema.metadata.create_all(connection, tables=[table])
            made = insert(connection, table).values(**row, created=time.time())
            connection.execute(made.on_conflict_do_update(index_elements=["name"], set_={"handle": note.handle}))

    def drop(self, name: str) -> None:
        """Forget a batch."""
        with self._store.transaction(write=True) as connection:
            connection.execute(delete(schema.batch_notes).where(schema.batch_notes.c.name == name))
