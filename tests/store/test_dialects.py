"""Where the two databases differ."""

import time

import pytest
from sqlalchemy import Connection, select

from harness.store import schema
from harness.store.dialects import insert, insert_new, is_server, now
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


def test_many_rows_come_in_at_once(store: Store) -> None:
    """Those that are there stay, odd characters come back, and nothing is too many."""
    rows = [{"digest": f"d{number}", "body": f"{number}"} for number in range(12_001)]
    seal = {"plan": "p", "task": "課題\x00\ud800", "position": 2**31, "digest": "d"}
    with store.transaction(write=True) as connection:
        insert_new(connection, schema.samples, [])
        insert_new(connection, schema.samples, [{"digest": "d7", "body": "first"}])
        insert_new(connection, schema.samples, [*rows, rows[0]])
        insert_new(connection, schema.plan_samples, [seal])
        bodies = dict(map(tuple, connection.execute(select(schema.samples.c.digest, schema.samples.c.body))))
        assert [tuple(seal.values())] == [tuple(one) for one in connection.execute(select(schema.plan_samples))]
    assert {row["digest"]: row["body"] for row in rows} | {"d7": "first"} == bodies


def _value(connection: Connection) -> str:
    return connection.execute(schema.meta.select().where(schema.meta.c.key == "k")).one().value


def test_one_clock_counts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server's own: a worker whose clock is an hour off takes nobody's lease."""
    with store.transaction() as connection:
        assert abs(now(connection) - time.time()) < 60
        true = time.time()
        monkeypatch.setattr(time, "time", lambda: true + 3600)
        assert (3600 - 60 < now(connection) - true) != is_server(connection)
