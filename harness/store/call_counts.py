"""How many calls of a day's quota were made, in the store: whoever shares it shares the quota, today and tomorrow."""

from sqlalchemy import Connection, Select, inspect, select

from harness.store import schema
from harness.store.dialects import insert
from harness.store.store import Store


class StoredCallCounts:
    """`harness.protocols.CallCounts` in a store. Each call is counted before it leaves, in a transaction of its own."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._is_there = False

    def take(self, quota: str, day: str, most: int) -> bool:
        """Count one call, unless ``most`` were made; where a server was lost on the way rather twice than not at all.

        Raises:
            StoreError: it could not be written.
        """
        table = schema.call_counts

        def count(connection: Connection) -> bool:
            if not self._is_there:
                schema.metadata.create_all(connection, tables=[table])
            made = connection.execute(_count(quota, day)).scalar_one_or_none() or 0
            if made >= most:
                return False
            row = insert(connection, table).values(quota=quota, day=day, calls=1)
            row = row.on_conflict_do_update(index_elements=["quota", "day"], set_={"calls": table.c.calls + 1})
            connection.execute(row)
            return True

        taken = self._store.whole(count, write=True)
        self._is_there = True
        return taken

    def used(self, quota: str, day: str) -> int:
        """Return how many calls were counted.

        Raises:
            StoreError: it could not be read.
        """

        def read(connection: Connection) -> int:
            if schema.call_counts.name not in inspect(connection).get_table_names():
                return 0
            return connection.execute(_count(quota, day)).scalar_one_or_none() or 0

        return self._store.whole(read)


def _count(quota: str, day: str) -> Select[int]:
    table = schema.call_counts.c
    return select(table.calls).where(table.quota == quota, table.day == day)
