"""A PostgreSQL of the tests' own: a cluster in a temporary folder, gone when they end; and URLs of each kind."""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

BOSS = "boss"  # who owns the cluster, and needs no password
LOCKED = "locked"  # who needs one
PASSWORD = "p@ss:w/rd"
_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/pgsql/bin")
_FAST = ("-F", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "autovacuum=off")
_PATIENCE = 60.0


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, those of the newest version; None if it is not installed."""
    found = [Path(place).parent for name in ("initdb",) if (place := shutil.which(name))]
    for pattern in _PLACES:
        found += sorted(Path("/").glob(pattern.lstrip("/")), key=lambda path: path.parent.name, reverse=True)
    return next((path for path in found if (path / "initdb").exists() and (path / "postgres").exists()), None)


def missing() -> str | None:
    """Return why there can be no PostgreSQL here; None if there can."""
    if importlib.util.find_spec("psycopg") is None:
        return "psycopg is not installed (extra postgres)"
    if programs() is None:
        return "no PostgreSQL server is installed (initdb was not found)"
    return None


@dataclass
class PostgresServer:
    """A running cluster."""

    folder: Path
    port: int
    command: Sequence[str] = field(repr=False)
    process: subprocess.Popen[bytes] = field(init=False, repr=False)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, cwd=self.folder, **_who())
        _wait(self)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT ends every connection first, with SIGQUIT nothing is put in order."""
        self.process.send_signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=20)
        self.process.kill()
        self.process.wait()

    def url(self, database: str, user: str = BOSS, password: str | None = None, query: str = "") -> str:
        """Return the URL of a database, in a store's words."""
        secret = f":{password}" if password else ""
        return f"postgresql+psycopg://{user}{secret}@127.0.0.1:{self.port}/{database}{query}"

    def new_database(self, *options: str) -> str:
        """Make a database, and return its name."""
        name = f"store_{uuid.uuid4().hex[:12]}"
        self.run(f"CREATE DATABASE {name} {' '.join(options)}")
        return name

    def new_schema(self) -> str:
        """Make an empty schema, and return the URL of a store in it."""
        name = f"store_{uuid.uuid4().hex[:12]}"
        self.run(f"CREATE SCHEMA {name}")
        return self.url("postgres", query=f"?options=-csearch_path%3D{name}")

    def run(self, *statements: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run statements as the owner, each for itself, and return the rows of the last."""
        import psycopg

        rows: list[tuple[Any, ...]] = []
        place = f"host=127.0.0.1 port={self.port} user={BOSS} dbname={database}"
        with psycopg.connect(place, autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
                rows = cursor.fetchall() if cursor.description else []
        return rows


@contextlib.contextmanager
def postgres_server(*, settings: Sequence[str] = _FAST) -> Iterator[PostgresServer]:
    """Start a cluster in a new folder, on a free port of this machine alone; on leaving it is gone."""
    binaries = programs()
    assert binaries is not None
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path is short
    who = _who()
    if who:
        os.chown(folder, pwd.getpwnam(who["user"]).pw_uid, -1)
    data = folder / "data"
    server = None
    try:
        made = [str(binaries / "initdb"), "-D", str(data), "-U", BOSS, "-A", "trust", "-E", "UTF8", "--locale=C"]
        subprocess.run([*made, "--no-sync"], check=True, capture_output=True, cwd=folder, **who)
        rule = f"host all {LOCKED} 127.0.0.1/32 scram-sha-256\n"
        (data / "pg_hba.conf").write_text(rule + (data / "pg_hba.conf").read_text())
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [str(binaries / "postgres"), "-D", str(data), "-k", str(folder), "-p", str(port), "-h", "127.0.0.1"]
        server = PostgresServer(folder, port, [*command, *settings])
        server.start()
        server.run(f"CREATE USER {LOCKED} PASSWORD '{PASSWORD}'")
        yield server
    finally:
        if server is not None and hasattr(server, "process"):
            server.stop(signal.SIGQUIT)  # at once: what it holds is thrown away
        shutil.rmtree(folder, ignore_errors=True)


def _who() -> dict[str, Any]:
    """Return who runs the cluster: it refuses root."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name for entry in pwd.getpwall()}
    return {"user": "postgres" if "postgres" in known else "nobody", "extra_groups": []}


def _wait(server: PostgresServer) -> None:
    import psycopg

    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            server.run("SELECT 1")
        except psycopg.OperationalError:
            if server.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((server.folder / "log").read_text(errors="replace")) from None
            time.sleep(0.05)
        else:
            return


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server of these tests; they skip where none is installed."""
    if reason := missing():
        pytest.skip(reason)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSERVICE", "PGOPTIONS", "PGSSLMODE"):
            patch.delenv(name, raising=False)
        with postgres_server() as server:
            yield server


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    """The URL of an empty schema: made faster than a database."""
    return postgres.new_schema()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a store that is not there yet, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/deep/down/store.sqlite"
    return request.getfixturevalue("postgres_url")
