"""Copying a store into another one, between files and servers: begun again it goes on, and what is there stays.

Rows are known by content, so both stores may hold some of them already. Every portion is read back from the target and
compared with what was sent, row by row and by a digest for each table.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, and_, func, inspect, select

from harness.errors import StoreError
from harness.locale import tr
from harness.store import schema
from harness.store.dialects import insert
from harness.store.ledger import read_ledger, take_in_ledger
from harness.store.store import Store, chunks
from harness.store.store_rows import CHECKSUM, body_digest

LEDGER = "ledger"
_PORTION = 2000  # rows between two commits: what an interruption costs at most
_ALIKE = (schema.samples, schema.requests, schema.plan_samples, schema.plan_requests)
"""What has one content for its key; where the target's differs, something is damaged."""
TABLES = (
    *(schema.samples, schema.requests, schema.generations, schema.judgements, schema.anchor_sets),
    *(schema.served_ratings, schema.call_counts, schema.batch_notes, schema.plan_samples, schema.plan_requests),
)
"""In this order: a plan comes last, when all that it names is there."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedTable:
    """What became of the rows of a table.

    ``new`` were lacking or worse in the target; ``kept`` it had of its own; ``digest`` is that of all others, as both
    stores hold them now.
    """

    name: str
    rows: int
    new: int
    kept: int
    digest: str


def copy_store(source: Store, target: Store, *, tell: Callable[[CopiedTable], None]) -> tuple[CopiedTable, ...]:
    """Add every row of one store that another lacks; a success replaces a failure, and nothing replaces a success.

    ``tell`` hears of each table when it is done. Who is at work in the source is nobody's affair in the target.

    Raises:
        StoreError: the source is damaged, the target cannot be written, or gives back other rows than it was given.
    """
    target.write()  # one of an earlier version gets the columns that it lacks
    found = []
    for table in TABLES:
        found.append(_copied(source, target, table))
        tell(found[-1])
    found.append(_copied_ledger(source, target))
    tell(found[-1])
    return tuple(found)


def count_rows(store: Store) -> dict[str, int]:
    """Return how many rows each table of a store has that lasts; one that it lacks has none."""
    with store.transaction() as connection:
        there = set(inspect(connection).get_table_names())
        tables = [table for table in (*TABLES, *schema.ledger) if table.name in there]
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables
        }


def _copied(source: Store, target: Store, table: Table) -> CopiedTable:
    rows = new = kept = 0
    sent, held = hashlib.sha256(), hashlib.sha256()
    for portion in _portions(source, table):
        rows += len(portion)
        by_key = {_key(table, row): row for row in portion}
        changed, there = _write(target, table, by_key)
        if changed:
            there = _there(target, table, list(by_key))
        new += changed
        for key, row in by_key.items():
            if key in there and not _same(row, there[key]) and table not in _ALIKE:
                kept += 1
                continue
            sent.update(_line(row, row))
            held.update(_line(there[key], row) if key in there else b"")
    if sent.digest() != held.digest():
        raise StoreError(
            tr(
                "The store {path} gives back other rows of {name!r} than it was given.",
                path=target.shown,
                name=table.name,
            ),
            hint=tr(
                "One of the two stores is damaged: look at both with harness report, and keep the one that is whole."
            ),
        )
    return CopiedTable(name=table.name, rows=rows, new=new, kept=kept, digest=held.hexdigest())


def _portions(source: Store, table: Table) -> Iterator[list[Row]]:
    """Yield the rows of one moment in the order of their keys, each as it was written."""
    with source.transaction() as connection:
        if table.name not in inspect(connection).get_table_names():
            return
        reading = connection.execution_options(stream_results=True, yield_per=_PORTION)
        *first, last = table.primary_key.columns
        order = last.desc() if table is schema.plan_requests else last  # as `Store.save_plan` writes it
        query = select(*source.columns(table)).order_by(*first, order)
        for part in reading.execute(query).partitions():
            yield [_checked(source, table, row) for row in part]


def _checked(source: Store, table: Table, row: Any) -> Row:  # noqa: ANN401 - a SQLAlchemy row
    if table in schema.checked:
        source.intact(table, row)
    fields = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    if table is schema.samples and body_digest(fields["body"]) != fields["digest"]:
        raise source.damaged(tr("a task is not what was written"))
    return fields


def _write(target: Store, table: Table, rows: Mapping[Any, Row]) -> tuple[int, dict[Any, Row]]:
    """Add what the target lacks, in one transaction; return how many rows of it changed, and those that it had."""
    with target.transaction(write=True) as connection:
        schema.metadata.create_all(connection, tables=[table])
        there = _found(connection, table, list(rows))
        wanted = [row for key, row in rows.items() if key not in there or _is_better(table, row, there[key])]
        if wanted:
            keys = [column.name for column in table.primary_key.columns]
            statement = insert(connection, table)
            new = {name: statement.excluded[name] for name in wanted[0] if name not in keys}
            connection.execute(
                statement.on_conflict_do_update(index_elements=keys, set_=new), [dict(row) for row in wanted]
            )
    return len(wanted), there


def _there(target: Store, table: Table, keys: Sequence[Any]) -> dict[Any, Row]:
    with target.transaction() as connection:
        return _found(connection, table, keys)


def _found(connection: Connection, table: Table, keys: Sequence[Any]) -> dict[Any, Row]:
    *first, last = table.primary_key.columns
    beginnings: dict[Any, list[Any]] = {}  # most keys begin alike, and an index finds the ends of those
    for key in keys:
        beginnings.setdefault(key[:-1], []).append(key[-1])
    found: dict[Any, Row] = {}
    for beginning, ends in beginnings.items():
        here = [column == value for column, value in zip(first, beginning, strict=True)]
        for chunk in chunks(ends):
            for row in connection.execute(select(table).where(and_(*here, last.in_(chunk)))):
                fields = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
                found[_key(table, fields)] = fields
    return found


def _key(table: Table, row: Row) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in table.primary_key.columns)


def _is_better(table: Table, ours: Row, theirs: Row) -> bool:
    """Return whether a row replaces the target's: as `Store.write` has it, and of two counts the higher one."""
    if table is schema.generations:
        return theirs["text"] is None and ours["text"] is not None
    if table is schema.judgements:
        return bool(theirs["status"] != "scored" and ours["status"] == "scored")
    return bool(table is schema.call_counts and ours["calls"] > theirs["calls"])


def _same(ours: Row, theirs: Row) -> bool:
    return all(theirs[name] == value for name, value in ours.items() if name != CHECKSUM)


def _line(row: Row, names: Row) -> bytes:
    """Return a row as bytes that are the same from any database: SQLite keeps no sign of zero."""
    values = [row[name] + 0.0 if isinstance(row[name], float) else row[name] for name in names if name != CHECKSUM]
    return f"{values!a}\n".encode()


def _copied_ledger(source: Store, target: Store) -> CopiedTable:
    theirs = read_ledger(source)
    new = take_in_ledger(target, source)
    ours = read_ledger(target)
    known = {(row.taskset, row.judge, row.candidate) for row in ours.rows}
    forgotten = {(taskset, reset.date) for reset in ours.resets for taskset in reset.tasksets}
    lost = [
        row
        for row in theirs.rows
        if (row.taskset, row.judge, row.candidate) not in known
        and not any(row.answers == one.answers and row.taskset == one.taskset for one in ours.rows)
        and not any(taskset == row.taskset and row.date <= date for taskset, date in forgotten)
    ]
    if lost:
        raise target.damaged(tr("tries of the ledger did not come over"))
    digest = hashlib.sha256(repr(sorted(known)).encode("utf-8", "surrogatepass")).hexdigest()
    return CopiedTable(name=LEDGER, rows=len(theirs.rows), new=new, kept=len(theirs.rows) - new, digest=digest)
