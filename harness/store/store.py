"""The store: every answer and every judgement by content key, in SQLite or PostgreSQL through SQLAlchemy Core.

Failures are recorded but never served: a reader asking for finished work does not see them, and a later success
replaces them. A success is never replaced. Rows are durable once `Store.write` returns; readers and writers of several
processes work side by side (one short transaction per write, one writer at a time).
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import Any, Self, TypeVar

from sqlalchemy import Column, Connection, RootTransaction, Table, bindparam, delete, inspect, select, text
from sqlalchemy.exc import DBAPIError

from harness.errors import StoreError
from harness.locale import tr
from harness.store import schema
from harness.store.database import database_of, store_exists
from harness.store.dialects import insert, insert_new
from harness.store.outages import Outages
from harness.store.store_rows import (
    CHECKSUM,
    body_digest,
    checksum,
    generation_row,
    judgement_row,
    plan_row,
    request_row,
    sample_rows,
    to_judgement,
    to_request,
    to_sample,
)
from harness.types import Generation, Judgement, Request, Sample

__all__ = ["Store", "store_exists"]

T = TypeVar("T")

_BEING_MADE = 2.0  # seconds: another process may just be making the file, and its tables come a moment later
_PORTION = 5000  # rows of a plan in one transaction
_CHUNK = 500  # keys in one SELECT; SQLite allows 32,766 parameters
_RELEASE = delete(schema.leases).where(
    schema.leases.c.key == bindparam("held"), schema.leases.c.owner == bindparam("by")
)


class Store:
    """An open store. Thread-safe; close it, or use it as a context manager."""

    def __init__(self, url: str, *, lock_timeout: float = 30.0, read_only: bool = False) -> None:
        """Open the store at ``url`` and create it if it is not there.

        ``url`` is ``sqlite:///FILE``, a file's path, or ``postgresql+psycopg://USER@HOST/DATABASE``.

        ``lock_timeout`` is how long, in seconds, to wait for another process that is writing. With ``read_only``
        nothing is made or changed, and the store may lie where nobody can write.

        Raises:
            StoreError: the URL is no store's, the database cannot be opened or is none, or its schema is newer.
        """
        self._database = database_of(url)
        self.url = self._database.url
        self.shown = self._database.shown
        self._read_only = read_only
        self.outages = Outages(self.shown)
        self._engine, self._copy = self._database.engine(lock_timeout, read_only=read_only)
        found = self._schema()
        if found > schema.VERSION:
            self.close()
            raise StoreError(
                tr(
                    "The store {path} has schema {found}; this version of ja-harness knows schema {version}.",
                    path=self.shown,
                    found=found,
                    version=schema.VERSION,
                ),
                hint=tr("Take a newer version of ja-harness, or use another store with --store."),
            )
        self.outages.are_waited_for = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()
        if self._copy is not None:
            self._copy.cleanup()

    def _schema(self) -> int:
        """Return the store's schema version, creating the tables in a new file."""
        tables, deadline = self._tables(), time.monotonic() + _BEING_MADE
        while self._read_only and not tables and time.monotonic() < deadline:
            time.sleep(0.02)
            tables = self._tables()
        if not tables and not self._read_only:
            with self.transaction(write=True) as connection:
                schema.metadata.create_all(connection)
                insert_new(connection, schema.meta, [{"key": "schema", "value": str(schema.VERSION)}])
        version = None
        if schema.meta.name in tables or not (tables or self._read_only):
            with self.transaction() as connection:
                version = connection.execute(
                    select(schema.meta.c.value).where(schema.meta.c.key == "schema")
                ).scalar_one_or_none()
        if version is None or not version.isdecimal():
            self.close()
            raise StoreError(
                tr("{path} is a database, but not a store of ja-harness.", path=self.shown), hint=self._database.other
            )
        with self.transaction() as connection:
            self._lacking = _lacking(connection)
        return int(version)

    def _tables(self) -> list[str]:
        with self.transaction() as connection:
            return inspect(connection).get_table_names()

    def _add_columns(self) -> None:
        """Give a store of an earlier version the columns that it lacks."""
        with self.transaction(write=True) as connection:
            for table, name in sorted(_lacking(connection)):
                kind = schema.metadata.tables[table].columns[name].type.compile(connection.dialect)
                connection.execute(text(f"ALTER TABLE {table} ADD COLUMN {name} {kind}"))
        self._lacking = frozenset()

    def columns(self, table: Table) -> list[Column[Any]]:
        """Return the columns of a table that this store has."""
        return [column for column in table.columns if (table.name, column.name) not in self._lacking]

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """Open a transaction in which a row that cannot be understood is a damaged store."""
        with self._understood(), self.transaction() as connection:
            yield connection

    @contextmanager
    def _understood(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise self.damaged(tr("a row cannot be read ({name})", name=type(error).__name__)) from error

    def damaged(self, what: str) -> StoreError:
        """Return the error that says that something in this store is not what was written."""
        return StoreError(
            tr("The store {path} is damaged: {what}.", path=self.shown, what=what),
            hint=tr(
                "Put a copy of it back, or move it away and run the harness eval command again: it makes all anew."
            ),
        )

    def intact(self, table: Table, row: Any) -> dict[str, Any]:  # noqa: ANN401 - a SQLAlchemy row
        """Return a row's fields.

        Raises:
            StoreError: the row is not what was written.
        """
        fields = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
        written = fields.pop(CHECKSUM, None)
        if written is not None and written != checksum(table, fields):
            raise self.damaged(tr("a row of {name!r} is not what was written", name=table.name))
        return fields

    @contextmanager
    def transaction(self, *, write: bool = False, patient: bool = True) -> Iterator[Connection]:
        """Open a transaction; with ``write`` it takes the store's lock at once.

        Where the server is away before anything was done, it is waited for, unless it is not to be ``patient`` or the
        store is only being opened.

        Raises:
            StoreError: whatever the database says, in a sentence.
        """
        begin = self.outages.outlast if patient else self.outages.unless_given_up
        connection, begun = begin(lambda: self._begin(write=write))
        try:
            with connection, begun:
                yield connection
        except DBAPIError as error:
            raise self._database.explain(error) from error

    def _begin(self, *, write: bool) -> tuple[Connection, RootTransaction]:
        options = self._database.options(write=write and not self._read_only)
        try:
            with ExitStack() as opened:  # closes it again unless all went well
                connection = opened.enter_context(self._engine.connect())
                begun = connection.execution_options(**options).begin()
                opened.pop_all()
                return connection, begun
        except DBAPIError as error:
            raise self._database.explain(error) from error

    def whole(self, work: Callable[[Connection], T], *, write: bool = False) -> T:
        """Do ``work`` in a transaction, again from its start if the server is lost on the way.

        It must come to the same when it is done twice: see `Outages.outlast`.

        Raises:
            StoreError: whatever the database says, in a sentence.
        """

        def attempt() -> T:
            with self.transaction(write=write, patient=False) as connection:
                return work(connection)

        return self.outages.outlast(attempt)

    def generations(self, keys: Sequence[str], *, failures: bool = False) -> dict[str, Generation]:
        """Return the stored answers among ``keys``; failed ones only if asked for."""

        def read(connection: Connection) -> dict[str, Generation]:
            found: dict[str, Generation] = {}
            for chunk in chunks(keys):
                query = select(*self.columns(schema.generations)).where(schema.generations.c.request_key.in_(chunk))
                if not failures:
                    query = query.where(schema.answered)
                for row in connection.execute(query):
                    generation = Generation(**self.intact(schema.generations, row))
                    found[generation.request_key] = generation
            return found

        with self._understood():
            return self.whole(read)

    def judgements(self, keys: Sequence[str], *, failures: bool = False) -> dict[str, Judgement]:
        """Return the stored judgements among ``keys``; unscored and failed ones only if asked for."""

        def read(connection: Connection) -> dict[str, Judgement]:
            found: dict[str, Judgement] = {}
            for chunk in chunks(keys):
                query = select(*self.columns(schema.judgements)).where(schema.judgements.c.key.in_(chunk))
                if not failures:
                    query = query.where(schema.scored)
                for row in connection.execute(query):
                    fields = self.intact(schema.judgements, row)
                    found[fields["key"]] = to_judgement(fields)
            return found

        with self._understood():
            return self.whole(read)

    def write(
        self,
        *,
        generations: Sequence[Generation] = (),
        judgements: Sequence[Judgement] = (),
        released: Sequence[Mapping[str, str]] = (),
    ) -> None:
        """Add rows in one transaction; on return they survive a killed process.

        ``released`` are leases (``held``, the key, and ``by``, its owner) that end with it, so that nobody finds a key
        free whose row is not there yet.

        Raises:
            StoreError: no space, no permission, or the store stayed locked.
        """
        if self._lacking:
            self._add_columns()

        def add(connection: Connection) -> None:
            if generations:
                statement = insert(connection, schema.generations)
                statement = statement.on_conflict_do_update(
                    index_elements=["request_key"],
                    set_={column.name: column for column in statement.excluded if column.name != "request_key"},
                    where=schema.generations.c.text.is_(None),
                )
                connection.execute(statement, [generation_row(row) for row in generations])
            if judgements:
                judged = insert(connection, schema.judgements)
                judged = judged.on_conflict_do_update(
                    index_elements=["key"],
                    set_={column.name: column for column in judged.excluded if column.name != "key"},
                    where=schema.judgements.c.status != "scored",
                )
                connection.execute(judged, [judgement_row(row) for row in judgements])
            if released:
                connection.execute(_RELEASE, released)

        self.whole(add, write=True)

    def has_plan(self, plan: str) -> bool:
        """Return whether a plan of this digest is stored, whole: its first request is written last."""
        with self.transaction() as connection:
            here = schema.plan_requests.c
            query = select(here.plan).where(here.plan == plan, here.position == 0)
            return connection.execute(query).first() is not None

    def save_plan(self, plan: str, samples: Mapping[str, Sequence[Sample]], requests: Sequence[Request]) -> None:
        """Store what a run consists of, under the digest ``plan``: the samples of each task and every request.

        In portions, so that nobody waits for long who writes meanwhile; a part that was left behind is completed.
        """
        if self._lacking:
            self._add_columns()
        self.save_samples(plan, samples)
        self._add_new(schema.requests, map(request_row, requests))
        last_first = reversed(list(enumerate(requests)))
        self._add_new(schema.plan_requests, (plan_row(plan, position, row) for position, row in last_first))

    def save_samples(self, plan: str, samples: Mapping[str, Sequence[Sample]]) -> None:
        """Store the samples of each task under a name, a plan's digest or another."""
        placed = list(sample_rows(samples))
        self._add_new(schema.samples, {digest: {"digest": digest, "body": body} for _, digest, body in placed}.values())
        self._add_new(
            schema.plan_samples,
            (
                {"plan": plan, "task": task, "position": position, "digest": digest}
                for (task, position), digest, _ in placed
            ),
        )

    def load_samples(self, plan: str) -> dict[str, tuple[Sample, ...]]:
        """Return the samples of each task that are stored under a name, in order.

        Raises:
            StoreError: they are not as they were written.
        """
        with self._reading() as connection:
            rows = connection.execute(
                select(schema.plan_samples.c.task, schema.samples)
                .join(schema.samples, schema.samples.c.digest == schema.plan_samples.c.digest)
                .where(schema.plan_samples.c.plan == plan)
                .order_by(schema.plan_samples.c.task, schema.plan_samples.c.position)
            ).all()
        samples: dict[str, list[Sample]] = {}
        for row in rows:
            if body_digest(row.body) != row.digest:
                raise self.damaged(tr("a task is not what was written"))
            samples.setdefault(row.task, []).append(to_sample(row.body))
        return {task: tuple(items) for task, items in samples.items()}

    def _add_new(self, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
        left = iter(rows)
        while part := list(islice(left, _PORTION)):
            with self.transaction(write=True) as connection:
                insert_new(connection, table, part)

    def load_plan(self, plan: str) -> tuple[dict[str, tuple[Sample, ...]], list[Request]]:
        """Return the samples of each task and every request of a stored plan, in order.

        Raises:
            StoreError: no plan of this digest is here.
        """
        samples = self.load_samples(plan)
        with self._reading() as connection:
            bodies: dict[str, str] = {}
            query = select(*self.columns(schema.plan_requests)).where(schema.plan_requests.c.plan == plan)
            planned = [
                self.intact(schema.plan_requests, row)
                for row in connection.execute(query.order_by(schema.plan_requests.c.position))
            ]
            for chunk in chunks(list({row["request_key"]: None for row in planned})):
                query = select(*self.columns(schema.requests)).where(schema.requests.c.key.in_(chunk))
                for row in connection.execute(query):
                    fields = self.intact(schema.requests, row)
                    bodies[fields["key"]] = fields["body"]
            requests = [to_request(row, bodies[row["request_key"]]) for row in planned]
        if not planned:
            raise StoreError(
                tr("The store {path} does not hold this run.", path=self.shown),
                hint=tr("Use the store it was made with: --store URL."),
            )
        known = {(task, sample.id) for task, items in samples.items() for sample in items}
        places = [row["position"] for row in planned]
        if places != list(range(len(places))) or any((row.task, row.sample_id) not in known for row in requests):
            raise self.damaged(tr("a part of this run's plan is gone"))
        return samples, requests


def chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield keys in portions that fit into one statement."""
    return (keys[start : start + _CHUNK] for start in range(0, len(keys), _CHUNK))


def _lacking(connection: Connection) -> frozenset[tuple[str, str]]:
    """Return the tables with the columns that they lack, because an earlier version made them."""
    found = inspect(connection)
    names = set(found.get_table_names())
    return frozenset(
        (table, column)
        for table, columns in schema.added.items()
        if table in names
        for column in {*columns} - {one["name"] for one in found.get_columns(table)}
    )
