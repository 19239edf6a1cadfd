"""Where the two databases differ."""

import time

import pytest
from sqlalchemy import Connection

from harness.store import schema
from harness.store.dialects import insert, is_server, now
from harness.store.store import Store


def test_an_insert_may_meet_a_row(store: Store) -> None:
    """The same statement in both."""
    with store.transaction(write=True) as connection:
        for value in ("first", "second"):
            row = insert(connection, schema.meta).values(key="k", value=value)
            connection.execute(row.on_conflict_do_nothing())
        assert "first" == _value(connection)
        row = insert(connection, schema.meta).values(key="k", value="third")
        connection.execute(row.on_conflict_do_update(index_elements=["key"], set_={"value": row.excluded.value}))
        assert "third" == _value(connection)


def _value(connection: Connection) -> str:
    return connection.execute(schema.meta.select().where(schema.meta.c.key == "k")).one().value


def test_one_clock_counts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server's own: a worker whose clock is an hour off takes nobody's lease."""
    with store.transaction() as connection:
        assert abs(now(connection) - time.time()) < 60
        true = time.time()
        monkeypatch.setattr(time, "time", lambda: true + 3600)
        assert (3600 - 60 < now(connection) - true) != is_server(connection)
