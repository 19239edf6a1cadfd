"""The file of a store: what a path or URL means, and SQLite connections that read and write it, or only read it."""

import os
import re
import shutil
import sqlite3
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import StatementError
from sqlalchemy.pool import QueuePool

from harness.errors import StoreError
from harness.locale import tr
from harness.locale.system import database_said, system_said

OTHER_STORE = tr("Choose another place with --store sqlite:///PATH.")
_PREFIX = "sqlite:///"
_SQLITE = re.compile(r"sqlite(?:\+\w+)?:///(.+)", re.DOTALL)
_OPTIONS = re.compile(r"\?\w+=[^/\\]*$")
_UNFINISHED = ("-wal", "-journal")  # what SQLite has still to put into the file itself


def store_file(url: str) -> Path:
    """Return the path of a store's file, from a path or from ``sqlite:///PATH``.

    The path is taken as it stands: ``%41``, ``?`` and ``#`` are parts of names, as in every other path. A leading ``~``
    is the home folder.

    >>> store_file("sqlite:///a%20c/x?y/store.sqlite").as_posix()
    'a%20c/x?y/store.sqlite'

    Raises:
        StoreError: the URL is not that of a SQLite file.
    """
    found = _SQLITE.fullmatch(url)
    text = found[1] if found else url
    if found is None and "://" in url:
        raise StoreError(
            tr("{url!r} is not the URL of a SQLite file.", url=url), hint=tr("Write sqlite:///PATH/TO/store.sqlite.")
        )
    if not text.strip() or "\0" in text:
        raise StoreError(
            tr("{url!r} names no file for the store.", url=url), hint=tr("Write sqlite:///PATH/TO/store.sqlite.")
        )
    if text == ":memory:":
        raise StoreError(
            tr("The store must be a SQLite file, not {url!r}.", url=url),
            hint=tr("Write sqlite:///PATH/TO/store.sqlite."),
        )
    path = Path(os.path.expanduser(text))  # noqa: PTH111 - Path("./~/x") has forgotten the dot that says "no home"
    if found and _OPTIONS.search(text) and not path.exists():
        raise StoreError(
            tr("A store takes no options: {url!r}.", url=url),
            hint=tr("End it with the file's name: sqlite:///PATH/TO/store.sqlite."),
        )
    return path


def file_url(path: Path) -> str:
    """Return the URL that `store_file` takes back to ``path``."""
    return f"{_PREFIX}{path}"


def names_a_file(url: str) -> bool:
    """Return whether a store's URL is SQLite's, or a plain path."""
    return "://" not in url or _SQLITE.fullmatch(url) is not None


class FileDatabase:
    """A store in a SQLite file: `harness.store.database.Database`."""

    other = OTHER_STORE

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = file_url(path)
        self.shown = str(path)

    def exists(self) -> bool:
        """Return whether there is a file that holds something: what was cut short as it was made is made again."""
        try:
            return self.path.stat().st_size > 0 and not _is_bare(self.path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True  # opening it says what is wrong

    def engine(self, lock_timeout: float, *, read_only: bool) -> tuple[Engine, tempfile.TemporaryDirectory[str] | None]:
        """Return connections to the file, and the folder of a copy where it can only be read from one."""
        if read_only:
            return reading_engine(self.path, lock_timeout)
        return writing_engine(self.path, lock_timeout), None

    def options(self, *, write: bool) -> dict[str, Any]:
        """Return the options of a transaction, as `_engine` reads them."""
        return {"write": write}

    def explain(self, error: StatementError) -> StoreError:
        """Return what SQLite says as a sentence."""
        cause, path = str(error.orig), self.path
        if "locked" in cause:
            return StoreError(
                tr("The store {path} is locked: another process has been writing for too long.", path=path),
                hint=tr("Wait for it or end it, then run the same command again; nothing stored is lost."),
            )
        if "full" in cause:
            return StoreError(
                tr("No space left to write the store {path}.", path=path),
                hint=tr("Free some space, then run the same command again."),
            )
        said, hint = database_said(cause), OTHER_STORE
        if "disk I/O" in cause:
            return StoreError(
                tr("The store {path} cannot be written: {cause}.", path=path, cause=said),
                hint=tr("Make room, and run the same command again: what is finished is kept."),
            )
        if "readonly" in cause or "unable to open" in cause:
            return StoreError(tr("The store {path} cannot be written: {cause}.", path=path, cause=said), hint=hint)
        if "not a database" in cause or "malformed" in cause:
            return StoreError(tr("{path} is not a readable store: {cause}.", path=path, cause=said), hint=hint)
        return StoreError(tr("The store {path} failed: {cause}.", path=path, cause=said), hint=hint)


def writing_engine(path: Path, lock_timeout: float) -> Engine:
    """Return an engine that reads and writes the file at ``path``, making it and its folder if they are not there.

    Raises:
        StoreError: the folder cannot be made, or something else than a file is there.
    """
    _refuse_devices(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            tr(
                "The folder of the store cannot be made: {parent}: {strerror}.",
                parent=path.parent,
                strerror=system_said(error),
            ),
            hint=OTHER_STORE,
        ) from error

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=lock_timeout, check_same_thread=False)
        connection.isolation_level = None  # we begin transactions ourselves, see below
        _use_wal(connection, lock_timeout)
        connection.execute("PRAGMA synchronous=NORMAL")  # survives kill -9; only a power cut can lose the last commits
        return connection

    return _engine(path, connect)


def reading_engine(path: Path, lock_timeout: float) -> tuple[Engine, tempfile.TemporaryDirectory[str] | None]:
    """Return an engine that never changes the file at ``path``, and works on a medium that nobody can write.

    The second value is the folder of a copy, to be cleaned up afterwards: what a killed process has left in a
    write-ahead log is read from a copy, because SQLite would have to make files beside it.

    Raises:
        StoreError: there is no such file, or no space for the copy.
    """
    _refuse_devices(path)
    if not path.exists():
        raise StoreError(
            tr("There is no store at {path}.", path=path), hint=tr("Say where it is: --store sqlite:///PATH.")
        )
    for mode in _modes(path):
        connect = _reader(path, mode, lock_timeout)
        if _works(connect):
            return _engine(path, connect), None
    if not _unfinished(path):
        return _engine(path, _reader(path, "immutable=1", lock_timeout)), None
    copy = tempfile.TemporaryDirectory(prefix="ja-harness-store-", ignore_cleanup_errors=True)
    try:
        target = Path(copy.name, "store.sqlite")
        for suffix in ("", *_unfinished(path)):
            shutil.copyfile(f"{path}{suffix}", f"{target}{suffix}")
    except OSError as error:
        copy.cleanup()
        raise StoreError(
            tr(
                "The store {path} can only be read from a copy, which cannot be made: {strerror}.",
                path=path,
                strerror=system_said(error),
            ),
            hint=tr("Free some space in the folder for temporary files, or choose another one with TMPDIR."),
        ) from error
    return _engine(path, _reader(target, "mode=rw", lock_timeout)), copy


def _modes(path: Path) -> list[str]:
    """Return the ways to read a file that change nothing, best first.

    Where the folder can be written SQLite keeps its shared index there for as long as the file is open, so that it sees
    what other processes write. ``immutable`` needs no index, and must not be used while somebody may write.
    """
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return ["mode=rw", "mode=ro"]
    return ["mode=ro"] if Path(f"{path}-wal").exists() else []


def _is_bare(path: Path) -> bool:
    """Return whether a file is a database without any table, as it is before the first transaction has ended.

    https://www.sqlite.org/fileformat2.html: the first page is the root of the table of tables, and counts its cells.
    """
    with path.open("rb") as file:
        head = file.read(105)
    return (
        head.startswith(b"SQLite format 3\0")
        and head[100:101] == b"\x0d"
        and head[103:105] == b"\0\0"
        and not _unfinished(path)
    )


def _unfinished(path: Path) -> list[str]:
    names = {suffix: Path(f"{path}{suffix}") for suffix in _UNFINISHED}
    return [suffix for suffix, file in names.items() if file.exists() and file.stat().st_size > 0]


def _reader(path: Path, mode: str, lock_timeout: float) -> Callable[[], sqlite3.Connection]:
    def connect() -> sqlite3.Connection:
        uri = f"{path.as_uri()}?{mode}"
        connection = sqlite3.connect(uri, uri=True, timeout=lock_timeout, check_same_thread=False)
        connection.isolation_level = None
        connection.execute("PRAGMA query_only=ON")
        return connection

    return connect


def _works(connect: Callable[[], sqlite3.Connection]) -> bool:
    """Return False where SQLite could not write what it needs beside the file; other faults are for the reader."""
    cannot = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_FULL}
    connection = None
    try:
        connection = connect()
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode & 0xFF not in {*cannot, sqlite3.SQLITE_IOERR}
    except sqlite3.DatabaseError:
        return True
    finally:
        if connection is not None:
            connection.close()
    return True


def _engine(path: Path, connect: Callable[[], sqlite3.Connection]) -> Engine:
    # The path is never written into a URL's text, where "?" and "%" would mean something.
    engine = create_engine(URL.create("sqlite", database=str(path)), creator=connect, poolclass=QueuePool)

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        # A write that starts as a read can fail half-way when two processes write: take the lock at once.
        write = connection.get_execution_options().get("write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _use_wal(connection: sqlite3.Connection, lock_timeout: float) -> None:
    # SQLite does not wait here for another process that is setting up the same file: both hold the lock for reading
    # and want it for writing, so it refuses one of them at once.
    deadline = time.monotonic() + lock_timeout
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _refuse_devices(path: Path) -> None:
    """Raise StoreError for a pipe or a device: SQLite would wait for it, or take it for an empty database."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return  # opening it says what is wrong
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise StoreError(
            tr("The store {path} is a device, a pipe or a socket, not a file.", path=path), hint=OTHER_STORE
        )
