"""A second copy of a store, on a medium where SQLite cannot work: a mounted cloud drive, a share, a stick.

SQLite locks files and maps memory, which such media do badly or not at all; and a machine that is lent for a day takes
its disk with it. So the store works on the machine's own disk, and its copy is brought up to date while work goes on:
SQLite's own backup to a file beside the store, checked; the bytes to the medium under another name, read back; then two
renames. At every moment the medium holds a whole copy, the last or the one before.

The next command takes in what the copy has and the store lacks. Rows are known by content, so both may have grown.
"""

import hashlib
import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Table

from harness.errors import StoreError
from harness.ledger import Ledger, with_rows
from harness.locale import Text, tr, trn
from harness.locale.system import system_said
from harness.store import schema
from harness.store.database import database_of, store_exists
from harness.store.ledger import read_ledger, take_in_ledger
from harness.store.store import Store
from harness.store.store_file import FileDatabase

COPY = "store.sqlite"
BEFORE = "store.before.sqlite"
EVERY = 60.0
"""Seconds between copies while a command is at work: what a lost machine costs at most."""

Tell = Callable[[Text], None]
# A success replaces a failure, and nothing replaces a success: as `Store.write` has it.
_BETTER = {"generation": "generation.text IS NULL", "judgement": "judgement.status <> 'scored'"}
_TABLES = (
    *(schema.samples, schema.requests, schema.plan_samples, schema.plan_requests),
    *(schema.generations, schema.judgements),
)


@contextmanager
def mirrored_store(url: str, folder: str | None, *, tell: Tell, every: float = EVERY) -> Iterator[Store]:
    """Open the store at ``url``; with ``folder``, take in what its copy there has, and keep that copy up to date.

    ``every`` is in seconds. A copy that cannot be made is told and ends nothing: the store itself is whole.

    Raises:
        StoreError: the store cannot be opened, or is on a server; the copy is another program's file, of a newer
            version, or would lie in the store's own folder.
    """
    place = None if folder is None else Path(folder).expanduser()
    if place is not None and place.absolute() == _own_file(url).parent:
        raise StoreError(
            tr("The copy of the store cannot lie in the store's own folder, {folder}.", folder=folder),
            hint=tr("Name another folder: store_mirror in harness.toml, or HARNESS_STORE_MIRROR."),
        )
    with Store(url) as store:
        if place is None:
            yield store
            return
        taken = take_in(store, place, tell=tell)
        if taken:
            copy = place / COPY
            tell(trn("{n} row was taken from {copy}.", "{n} rows were taken from {copy}.", taken, copy=copy))
        with _Keeper(_own_file(url), place, tell=tell, every=every):
            yield store


def take_in(store: Store, folder: Path, *, tell: Tell) -> int:
    """Add every row of the copy in ``folder`` that ``store`` lacks; return how many.

    Where the last copy is not whole, the one before it is taken and that is told.

    Raises:
        StoreError: what lies there is no store, or one of a newer version.
    """
    with tempfile.TemporaryDirectory(prefix="ja-harness-copy-") as scratch:
        for name in (COPY, BEFORE):
            local = Path(scratch, name)
            try:
                shutil.copyfile(folder / name, local)
            except FileNotFoundError:
                continue
            except OSError as error:
                tell(tr("{path} cannot be read: {reason}.", path=folder / name, reason=system_said(error)))
                continue
            if _is_whole(local):
                with Store(str(local), read_only=True) as copy:  # it is a store, and of a version that is known
                    tries = take_in_ledger(store, copy)
                return _merge(store, local) + tries
            tell(tr("{path} is not whole; the copy before it is taken.", path=folder / name))
    return 0


def read_mirrored_ledger(url: str, folder: str | None) -> Ledger:
    """Return the ledger of a store with that of its copy in ``folder``, before the one takes the other in.

    Nothing is made or written.

    Raises:
        StoreError: the store or the copy cannot be read.
    """
    found = Ledger()
    if folder is not None:
        _own_file(url)
    if store_exists(url):
        with Store(url, read_only=True) as store:
            found = read_ledger(store)
    place = None if folder is None else Path(folder).expanduser() / COPY
    if place is None or not place.is_file():
        return found
    with tempfile.TemporaryDirectory(prefix="ja-harness-copy-") as scratch:
        local = Path(scratch, COPY)
        try:
            shutil.copyfile(place, local)
        except OSError:
            return found  # taking it in says why
        if not _is_whole(local):
            return found
        with Store(str(local), read_only=True) as copy:
            theirs = read_ledger(copy)
    known = with_rows(found, theirs.sets, theirs.rows)
    seals = {seal.taskset: seal for seal in (*theirs.seals, *found.seals)}
    return replace(known, seals=tuple(seals.values()), resets=(*found.resets, *theirs.resets))


def _own_file(url: str) -> Path:
    """Return the file of a store that is to be copied.

    Raises:
        StoreError: it is on a server, which needs no second copy here.
    """
    database = database_of(url)
    if isinstance(database, FileDatabase):
        return database.path
    raise StoreError(
        tr("A store_mirror is a copy of a SQLite file; the store {shown} is on a server.", shown=database.shown),
        hint=tr(
            "Take store_mirror out of harness.toml and HARNESS_STORE_MIRROR out of the environment; harness store copy "
            "makes a copy of a server's store."
        ),
    )


def back_up(store: Path, folder: Path) -> None:
    """Bring the copy in ``folder`` up to date with the store at ``store``, which others may be writing to.

    Raises:
        OSError: the medium cannot be written, is full, or gave back other bytes than it was given.
        sqlite3.Error: the store cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".copy-", suffix=".sqlite", dir=store.parent)
    os.close(handle)
    local, partial = Path(name), folder / f".{COPY}.{os.getpid()}"
    try:
        _snapshot(store, local)
        with local.open("rb") as source, partial.open("wb") as target:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())
        if _digest(partial) != _digest(local):
            raise OSError(None, tr("it gave back other bytes than it was given"))
        if (folder / COPY).exists():
            (folder / COPY).replace(folder / BEFORE)
        partial.replace(folder / COPY)
    finally:
        local.unlink(missing_ok=True)
        partial.unlink(missing_ok=True)


class _Keeper:
    """The thread that copies while work goes on; leaving the ``with`` block makes the last copy."""

    def __init__(self, store: Path, folder: Path, *, tell: Tell, every: float) -> None:
        self._store, self._folder, self._tell, self._every = store, folder, tell, every
        self._copied: tuple[int, ...] | None = None
        self._is_broken = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-mirror", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._copy()

    def _run(self) -> None:
        while not self._ended.wait(self._every):
            self._copy()

    def _copy(self) -> None:
        """Copy what has changed since the last time; say once that it cannot be done, and once that it can again."""
        try:
            state = _state(self._store)
            if state == self._copied and (self._folder / COPY).exists():
                return
            back_up(self._store, self._folder)
        except (OSError, sqlite3.Error) as error:
            reason = system_said(error) if isinstance(error, OSError) else str(error)
            if not self._is_broken or self._ended.is_set():
                self._tell(
                    tr(
                        "The store could not be copied to {folder}: {reason}. It is whole in {store}; copying is tried "
                        "again.",
                        folder=self._folder,
                        reason=reason,
                        store=self._store,
                    )
                )
            self._is_broken = True
            return
        if self._is_broken:
            self._tell(tr("The store is copied to {folder} again.", folder=self._folder))
        self._copied, self._is_broken = state, False


def _state(path: Path) -> tuple[int, ...]:
    """Return what changes whenever the store does: size and time of its file and of its write-ahead log."""
    found = [file.stat() for file in (path, Path(f"{path}-wal")) if file.exists()]
    return tuple(number for status in found for number in (status.st_size, status.st_mtime_ns))


def _snapshot(store: Path, target: Path) -> None:
    """Write what the store holds at this moment as one file that needs no write-ahead log."""
    with closing(sqlite3.connect(store, timeout=30)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        for table in ("lease", "lease_owner"):  # who is at work here is nothing to another machine
            if copy.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
                copy.execute(f"DELETE FROM {table}")  # noqa: S608 - one of two names above
        copy.commit()


def _is_whole(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path)) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.DatabaseError:
        return False


def _merge(store: Store, copy: Path) -> int:
    """Add the rows of a copy; a store of an earlier version gets the columns that it lacks when it next writes."""
    store.write()
    added = 0
    with closing(sqlite3.connect(_own_file(store.url), timeout=30)) as connection:
        connection.execute("ATTACH ? AS copy", (str(copy),))
        with connection:
            for table in _TABLES:
                added += connection.execute(_statement(table, _shared_columns(connection, table))).rowcount
    return added


def _shared_columns(connection: sqlite3.Connection, table: Table) -> list[str]:
    there = {row[1] for row in connection.execute(f"PRAGMA copy.table_info({table.name})")}
    return [column.name for column in table.columns if column.name in there]


def _statement(table: Table, columns: list[str]) -> str:
    names = ", ".join(f'"{name}"' for name in columns)
    keys = [column.name for column in table.primary_key.columns]
    conflict = "NOTHING"
    if better := _BETTER.get(table.name):
        values = ", ".join(f'"{name}" = excluded."{name}"' for name in columns if name not in keys)
        replaces = better.replace(f"{table.name}.", "excluded.")
        conflict = f"UPDATE SET {values} WHERE {better} AND NOT ({replaces})"
    return (
        f"INSERT INTO main.{table.name} ({names}) SELECT {names} FROM copy.{table.name} WHERE true "  # noqa: S608
        f"ON CONFLICT ({', '.join(keys)}) DO {conflict}"
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
