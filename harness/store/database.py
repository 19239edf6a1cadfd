"""What a store's URL leads to: a SQLite file, or a PostgreSQL database for teams. Nothing else knows which of them."""

import tempfile
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, StatementError

from harness.errors import StoreError
from harness.locale import tr
from harness.store.server import ServerDatabase, is_server_url
from harness.store.store_file import FileDatabase, file_url, names_a_file, store_file


class Database(Protocol):
    """Where rows are, not opened yet."""

    @property
    def url(self) -> str:
        """The URL as a run's manifest keeps it: from any folder, without a password."""

    @property
    def shown(self) -> str:
        """What messages call it: a file's path, or USER@HOST/DATABASE."""

    @property
    def other(self) -> str:
        """What to do if it cannot be used: a hint."""

    def exists(self) -> bool:
        """Return whether there is a store that can be opened without making it."""

    def engine(self, lock_timeout: float, *, read_only: bool) -> tuple[Engine, tempfile.TemporaryDirectory[str] | None]:
        """Return connections to it, and the folder of a copy that is to be cleaned up afterwards."""

    def options(self, *, write: bool) -> dict[str, Any]:
        """Return the execution options of a transaction."""

    def explain(self, error: StatementError) -> StoreError:
        """Return what the database says as a sentence."""


def database_of(url: str) -> Database:
    """Return what a URL (``sqlite:///FILE``, ``postgresql+psycopg://USER@HOST/DATABASE``) or a file's path leads to.

    >>> database_of("postgresql+psycopg://me:secret@db.example/team").shown
    'me@db.example/team'

    Raises:
        StoreError: it is neither, or misses a part.
    """
    if is_server_url(url):
        return ServerDatabase(url)
    if not names_a_file(url):
        raise _neither(url)
    return FileDatabase(store_file(url).absolute())  # a run's manifest must find it from any folder


def store_exists(url: str) -> bool:
    """Return whether there is a store that can be opened without making it: a file that is not empty, or its tables.

    Raises:
        StoreError: the URL is that of no store, or its server cannot be asked.
    """
    return database_of(url).exists()


def located(url: str, folder: Path) -> str:
    """Return the URL of the store that a run's manifest in ``folder`` names: a relative path starts there.

    >>> located("sqlite:///store.sqlite", Path("/data/demo")), located("/x/store.sqlite", Path("/data/demo"))
    ('sqlite:////data/demo/store.sqlite', 'sqlite:////x/store.sqlite')
    """
    return url if is_server_url(url) else file_url(folder.absolute() / store_file(url))


def _neither(url: str) -> StoreError:
    hint = tr("Write sqlite:///PATH/TO/store.sqlite, or postgresql+psycopg://USER@HOST/DATABASE.")
    try:
        shown = make_url(url).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        return StoreError(tr("{url!r} is not a store URL.", url=url), hint=hint)
    return StoreError(
        tr("The store must be a SQLite file or a PostgreSQL database, not {shown!r}.", shown=shown), hint=hint
    )
