"""The ledger: every candidate that was ever compared on a task set under a judge, with its scores, and what is sealed.

It outlives runs: their folders, answers and verdicts may go, and the ledger still knows what was tried. Nothing here is
read or written by content key: rows stay until somebody resets them by name, and that is on record too.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, inspect, select, update

from harness.ledger import Ledger, LedgerRow, Reset, Seal, TaskSet, changes
from harness.locale import tr
from harness.store import schema
from harness.store.dialects import insert
from harness.store.store import Store


def read_ledger(store: Store) -> Ledger:
    """Return all that a store knows; nothing if nothing was ever written.

    Raises:
        StoreError: the store cannot be read, or is damaged.
    """
    with store.transaction() as connection:
        return _read(connection, store)


def add_rows(store: Store, sets: Sequence[TaskSet], rows: Sequence[LedgerRow]) -> Ledger:
    """Write what was compared, and return the ledger with it: in one transaction, so that no try gets lost.

    A candidate that is there already stays the same try, under its first name and date; its scores are brought up to
    date unless some are missing now. Nothing is written where nothing is new.

    Raises:
        StoreError: the store cannot be written.
    """
    before = read_ledger(store)
    if not any(changes(before, sets, rows)):
        return before
    with store.transaction(write=True) as connection:
        schema.metadata.create_all(connection, tables=list(schema.ledger))
        known = _read(connection, store)
        new_sets, new_rows, changed = changes(known, sets, rows)
        if new_sets:
            connection.execute(
                insert(connection, schema.ledger_sets), [_closed(one, "items", "clusters") for one in new_sets]
            )
        if new_rows:
            connection.execute(insert(connection, schema.ledger_rows), [_closed(row, "scores") for row in new_rows])
        for row in changed:
            place = schema.ledger_rows.c.number == row.number
            connection.execute(update(schema.ledger_rows).where(place).values(**_closed(row, "scores")))
        return _read(connection, store)


def add_seal(store: Store, whole: TaskSet, seal: Seal) -> Seal:
    """Write a seal, and return it, or the one that the set has already: a set is sealed once.

    Raises:
        StoreError: the store cannot be written.
    """
    with store.transaction(write=True) as connection:
        schema.metadata.create_all(connection, tables=list(schema.ledger))
        connection.execute(
            insert(connection, schema.ledger_sets).on_conflict_do_nothing(), [_closed(whole, "items", "clusters")]
        )
        connection.execute(
            insert(connection, schema.ledger_seals).on_conflict_do_nothing(), [_closed(seal, "sealed", "opened")]
        )
        return next(known for known in _read(connection, store).seals if known.taskset == seal.taskset)


def reset_rows(store: Store, reset: Reset) -> None:
    """Forget what was compared on the sets of a reset, and keep on record that it was; seals stay.

    Raises:
        StoreError: the store cannot be written.
    """
    with store.transaction(write=True) as connection:
        schema.metadata.create_all(connection, tables=list(schema.ledger))
        _forget(connection, reset)


def take_in_ledger(store: Store, other: Store) -> int:
    """Add what another store knows of tries, seals and resets; return how many rows were new.

    What either store was told to forget is not brought back.

    Raises:
        StoreError: the other store cannot be read, or this one not written.
    """
    theirs, ours = read_ledger(other), read_ledger(store)
    if theirs == Ledger():
        return 0
    resets = [reset for reset in theirs.resets if reset not in ours.resets]
    forgotten = {(taskset, reset.date) for reset in (*ours.resets, *resets) for taskset in reset.tasksets}
    rows = [
        replace(row, number=0)
        for row in theirs.rows
        if not any(taskset == row.taskset and row.date <= date for taskset, date in forgotten)
    ]
    with store.transaction(write=True) as connection:
        schema.metadata.create_all(connection, tables=list(schema.ledger))
        for reset in resets:
            _forget(connection, reset)
        if theirs.seals:
            seals = [_closed(seal, "sealed", "opened") for seal in theirs.seals]
            connection.execute(insert(connection, schema.ledger_seals).on_conflict_do_nothing(), seals)
    before = len(read_ledger(store).rows)
    return len(add_rows(store, theirs.sets, rows).rows) - before


def _forget(connection: Connection, reset: Reset) -> None:
    rows = schema.ledger_rows.c
    gone = delete(schema.ledger_rows).where(rows.taskset.in_(reset.tasksets), rows.date <= reset.date)
    connection.execute(gone)
    connection.execute(insert(connection, schema.ledger_resets), [_closed(reset, "tasksets")])


def _read(connection: Connection, store: Store) -> Ledger:
    present = {*inspect(connection).get_table_names()}
    if not all(table.name in present for table in schema.ledger):
        return Ledger()
    sets, seals = (connection.execute(select(table)).mappings() for table in (schema.ledger_sets, schema.ledger_seals))
    rows, resets = (
        connection.execute(select(table).order_by(table.c.number)).mappings()
        for table in (schema.ledger_rows, schema.ledger_resets)
    )
    try:
        return Ledger(
            sets=tuple(TaskSet(**_opened(one, "items", "clusters")) for one in sets),
            rows=tuple(LedgerRow(**_opened(one, "scores")) for one in rows),
            seals=tuple(Seal(**_opened(one, "sealed", "opened")) for one in seals),
            resets=tuple(Reset(**_opened(one, "tasksets")) for one in resets),
        )
    except (ValueError, TypeError) as error:
        raise store.damaged(tr("a row cannot be read ({name})", name=type(error).__name__)) from error


def _opened(fields: RowMapping, *lists: str) -> dict[str, Any]:
    """Return the fields of a row whose lists stand in it as JSON; a reset's number is nobody's affair."""
    known = {name: value for name, value in fields.items() if name != "number" or "scores" in lists}
    return known | {name: None if known[name] is None else tuple(json.loads(known[name])) for name in lists}


def _closed(record: TaskSet | LedgerRow | Seal | Reset, *lists: str) -> dict[str, Any]:
    """Return a record as the fields of a row."""
    fields = {name: value for name, value in asdict(record).items() if name != "number"}
    return fields | {name: None if fields[name] is None else _json(fields[name]) for name in lists}


def _json(values: Sequence[str | float | None]) -> str:
    plain = [int(value) if isinstance(value, float) and value.is_integer() else value for value in values]
    return json.dumps(plain, separators=(",", ":"))
