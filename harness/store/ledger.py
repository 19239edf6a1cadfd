"""The ledger: every candidate that was ever compared on a task set under a judge, with its scores, and what is sealed.

It outlives runs: their folders, answers and verdicts may go, and the ledger still knows what was tried. A task set goes
by what its tasks say, so that another name or order is the same set. Nothing here is read or written by content key:
rows stay until somebody resets them by name, and that is on record too.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, delete, inspect, select, update
from sqlalchemy.dialects.sqlite import insert

from harness.codec import digest, sample_digest
from harness.locale import tr
from harness.store import schema
from harness.store.store import Store
from harness.types import Sample

Role = Literal["candidate", "baseline", "alone"]
_RANK: dict[str, int] = {"alone": 0, "baseline": 1, "candidate": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSet:
    """A task set by content. ``items``: its tasks, sorted, a copy with its number; ``clusters`` in the same order."""

    digest: str
    name: str
    date: str
    items: tuple[str, ...]
    clusters: tuple[str | None, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One candidate on one task set under one judge; ``scores`` in the order of the set's ``items``.

    ``number``: the order in which rows came, 0 for one that is not written yet · ``judge``: what makes it this judge ·
    ``candidate``: what makes it this candidate · ``answers``: equal for rows that answered all tasks alike ·
    ``label``, ``prompt``, ``run``, ``date``: as it was called when it came · ``role``: what it was compared as (one
    that stood alone on its board is a try, too) · ``baseline``: the candidate it was compared with.
    """

    number: int = 0
    taskset: str
    judge: str
    judge_name: str
    candidate: str
    answers: str
    label: str
    prompt: str | None
    run: str
    date: str
    role: Role
    baseline: str | None
    scores: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """A split of a task set; ``sealed`` and ``opened`` are tasks by content (see `harness.codec.sample_digest`).

    ``tries_before``: candidates that had been tried on the whole set before it was sealed.
    """

    taskset: str
    name: str
    date: str
    share: float
    sealed: tuple[str, ...]
    opened: tuple[str, ...]
    tries_before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """That somebody had the ledger forget what came until ``date`` on the ``tasksets`` of one name.

    How many ``tries`` it held of them, and how many ``openings`` of a seal.
    """

    name: str
    date: str
    tasksets: tuple[str, ...]
    tries: int
    openings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What a store knows of its task sets; ``rows`` in the order in which they came."""

    sets: tuple[TaskSet, ...] = ()
    rows: tuple[LedgerRow, ...] = ()
    seals: tuple[Seal, ...] = ()
    resets: tuple[Reset, ...] = ()

    def related(self, items: Sequence[str]) -> tuple[TaskSet, ...]:
        """Return the sets whose tasks are all among ``items``, or hold all of them: parts of one set, or the whole."""
        wanted = {*items}
        return tuple(known for known in self.sets if wanted <= {*known.items} or wanted >= {*known.items})

    def tried(self, sets: Collection[TaskSet], judge: str | None = None) -> frozenset[str]:
        """Return the candidates that were tried on some sets, under one judge or any."""
        wanted = {known.digest for known in sets}
        return frozenset(
            row.candidate for row in self.rows if row.taskset in wanted and is_try(row) and judge in (None, row.judge)
        )

    def of(self, sets: Collection[TaskSet], judge: str) -> tuple[LedgerRow, ...]:
        """Return the rows of some sets under one judge."""
        wanted = {known.digest for known in sets}
        return tuple(row for row in self.rows if row.taskset in wanted and row.judge == judge)


def task_set(name: str, samples: Sequence[Sample], date: str) -> TaskSet:
    """Return a task set by its content.

    >>> one, other = (Sample(id=name, inputs={"input": name}) for name in "ab")
    >>> task_set("x", [one, other], "").digest == task_set("y", [other, one], "").digest
    True
    """
    named = sorted(zip(item_keys(samples), samples, strict=True), key=lambda pair: pair[0])
    clusters = tuple(sample.cluster for _, sample in named)
    return TaskSet(
        digest=digest([key for key, _ in named]),
        name=name,
        date=date,
        items=tuple(key for key, _ in named),
        clusters=None if all(cluster is None for cluster in clusters) else clusters,
    )


def item_keys(samples: Sequence[Sample]) -> list[str]:
    """Return what each sample is known by: its content, and for a copy which copy it is."""
    seen: dict[str, int] = {}
    keys = []
    for sample in samples:
        content = sample_digest(sample)
        seen[content] = seen.get(content, 0) + 1
        keys.append(content if seen[content] == 1 else f"{content}#{seen[content]}")
    return keys


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
    if not any(_changes(before, sets, rows)):
        return before
    with store.transaction(write=True) as connection:
        schema.metadata.create_all(connection, tables=list(schema.ledger))
        known = _read(connection, store)
        new_sets, new_rows, changed = _changes(known, sets, rows)
        if new_sets:
            connection.execute(insert(schema.ledger_sets), [_closed(one, "items", "clusters") for one in new_sets])
        if new_rows:
            connection.execute(insert(schema.ledger_rows), [_closed(row, "scores") for row in new_rows])
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
        connection.execute(insert(schema.ledger_sets).on_conflict_do_nothing(), [_closed(whole, "items", "clusters")])
        connection.execute(insert(schema.ledger_seals).on_conflict_do_nothing(), [_closed(seal, "sealed", "opened")])
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
            connection.execute(insert(schema.ledger_seals).on_conflict_do_nothing(), seals)
    before = len(read_ledger(store).rows)
    return len(add_rows(store, theirs.sets, rows).rows) - before


def _forget(connection: Connection, reset: Reset) -> None:
    rows = schema.ledger_rows.c
    gone = delete(schema.ledger_rows).where(rows.taskset.in_(reset.tasksets), rows.date <= reset.date)
    connection.execute(gone)
    connection.execute(insert(schema.ledger_resets), [_closed(reset, "tasksets")])


def is_try(row: LedgerRow) -> bool:
    """Return whether a row is something that was tried, and not what others were compared with."""
    return row.role != "baseline"


def _changes(
    known: Ledger, sets: Sequence[TaskSet], rows: Sequence[LedgerRow]
) -> tuple[list[TaskSet], list[LedgerRow], list[LedgerRow]]:
    """Return the sets and rows that are new, and the rows that are not as they were."""
    digests = {one.digest for one in known.sets}
    new_sets = list({one.digest: one for one in sets if one.digest not in digests}.values())
    found = {(row.taskset, row.judge, row.candidate): row for row in known.rows}
    alike = {(row.taskset, row.judge, row.answers): row for row in known.rows}
    new: dict[tuple[str, str, str], LedgerRow] = {}
    changed: dict[int, LedgerRow] = {}
    for row in rows:
        place = row.taskset, row.judge, row.candidate
        before = found.get(place) or new.get(place) or alike.get((row.taskset, row.judge, row.answers))
        if before is None:
            new[place] = row
            continue
        now = _brought_up_to_date(changed.get(before.number, before), row)
        if not before.number:
            new[place] = now
        elif now != before:
            changed[before.number] = now
    return new_sets, list(new.values()), list(changed.values())


def _brought_up_to_date(before: LedgerRow, row: LedgerRow) -> LedgerRow:
    """Return a row with the scores and the role of the same candidate seen again."""
    if _RANK[row.role] > _RANK[before.role]:
        before = replace(before, role=row.role, baseline=row.baseline)
    kept = sum(score is not None for score in before.scores)
    if before.candidate == row.candidate and sum(score is not None for score in row.scores) >= kept:
        before = replace(before, scores=row.scores, answers=row.answers)
    return before


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
