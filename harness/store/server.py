"""A store in PostgreSQL, for teams: what its URL means, connections to it, and what it says, in sentences.

A password is nobody's affair but the driver's: it comes from PGPASSWORD, ~/.pgpass or the URL, is kept for as long as
this process lives and nowhere else, and no message names it.
"""

import logging
import os
import re
import tempfile
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, StatementError

from harness.errors import StoreError, StoreUnreachableError
from harness.installation import add_extra
from harness.locale import tr
from harness.locale.system import network_said

DRIVER = "postgresql+psycopg"
_SCHEME = re.compile(r"postgres(?:ql)?(\+\w+)?://", re.IGNORECASE)
_SECRET = re.compile(r"password", re.IGNORECASE)  # password and sslpassword
_PATIENCE = "10"  # seconds to wait for a server that does not answer
_VANISHED = {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3", "tcp_user_timeout": "60000"}
"""When a line is given up whose other end no longer says anything: the system's own patience is hours."""

for _name in ("psycopg", "sqlalchemy.pool"):  # a line that is lost is told of in a sentence
    logging.getLogger(_name).setLevel(logging.CRITICAL)
_passwords: dict[str, dict[str, str]] = {}
"""The passwords of this process, by the URL without them: a run's manifest leads back to its store without one."""


def is_server_url(url: str) -> bool:
    """Return whether a URL is PostgreSQL's."""
    return _SCHEME.match(url) is not None


class ServerDatabase:
    """A store in a PostgreSQL database: `harness.store.database.Database`."""

    other = tr("Choose another place with --store, or have the database's owner set it right.")

    def __init__(self, url: str) -> None:
        """Read a URL; nothing is sent.

        Raises:
            StoreError: it names another driver, or no database.
        """
        whole = _checked(url)
        secrets = {name: str(value) for name, value in whole.query.items() if _SECRET.search(name)}
        if whole.password:
            secrets["password"] = str(whole.password)
        query = {name: value for name, value in whole.query.items() if name not in secrets}
        plain = URL.create(DRIVER, whole.username, None, whole.host, whole.port, whole.database, query)
        self._plain = plain
        self.url = plain.render_as_string()
        if secrets:
            _passwords[self.url] = secrets
        host = plain.host or plain.normalized_query.get("host", ("",))[0] or os.environ.get("PGHOST", "localhost")
        self.shown = (
            f"{plain.username}@" * bool(plain.username)
            + host
            + f":{plain.port}" * bool(plain.port)
            + f"/{plain.database}"
        )

    def exists(self) -> bool:
        """Return whether the database has tables.

        Raises:
            StoreError: the server cannot be asked.
        """
        engine, _ = self.engine(10.0, read_only=True)
        try:
            with engine.connect() as connection:
                return bool(inspect(connection).get_table_names())
        except DBAPIError as error:
            raise self.explain(error) from error
        finally:
            engine.dispose()

    def engine(self, lock_timeout: float, *, read_only: bool) -> tuple[Engine, tempfile.TemporaryDirectory[str] | None]:
        """Return connections to the database; nothing is sent yet.

        Raises:
            StoreError: the driver is not installed.
        """
        del read_only  # each transaction says so for itself
        settings = {
            "connect_timeout": _PATIENCE,
            "application_name": "ja-harness",
            "client_encoding": "utf8",
        } | _VANISHED
        settings = {name: value for name, value in settings.items() if name not in self._plain.query}
        try:
            engine = create_engine(
                self._plain,
                connect_args=settings | {"prepare_threshold": None} | self._secrets(),  # poolers know no prepared ones
                pool_pre_ping=True,
                hide_parameters=True,
            )
        except ImportError as error:
            raise StoreError(
                tr("The store {shown} needs the PostgreSQL driver psycopg, which is not installed.", shown=self.shown),
                hint=tr("Install it: {command}", command=add_extra("postgres")),
            ) from error

        @event.listens_for(engine, "connect")
        def _on_connect(driver: Any, _record: object) -> None:  # noqa: ANN401 - psycopg's, which may not be there
            if (encoding := driver.info.parameter_status("server_encoding")) != "UTF8":
                raise StoreError(
                    tr(
                        "The database of {shown} keeps text as {encoding}, which does not hold every language.",
                        shown=self.shown,
                        encoding=encoding,
                    ),
                    hint=tr("Make one that does: createdb --encoding UTF8 --template template0 NAME."),
                )

        @event.listens_for(engine, "begin")
        def _on_begin(connection: Connection) -> None:
            # As SQLite has it: one writer at a time, and what it reads before it writes stays true. The lock ends with
            # the transaction, also where a pooler hands every one of them to another session.
            if connection.get_execution_options().get("write", False):
                connection.exec_driver_sql(
                    "SELECT set_config('lock_timeout', %(wait)s, true), "
                    "pg_advisory_xact_lock(hashtext('ja-harness'), hashtext(current_schema()))",
                    {"wait": str(max(1, round(lock_timeout * 1000)))},
                )

        return engine, None

    def options(self, *, write: bool) -> dict[str, Any]:
        """Return the options of a transaction: what reads sees one moment, what writes sees what was written before."""
        if write:
            return {"write": True, "isolation_level": "READ COMMITTED", "postgresql_readonly": False}
        return {"write": False, "isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

    def explain(self, error: StatementError) -> StoreError:
        """Return what the server or the driver says as a sentence with a next step."""
        is_away = isinstance(error, OperationalError | InterfaceError)
        return self._error(str(error.orig), getattr(error.orig, "sqlstate", None) or ("" if is_away else "?"))

    def _secrets(self) -> dict[str, str]:
        if self.url not in _passwords and is_server_url(elsewhere := os.environ.get("HARNESS_STORE", "")):
            ServerDatabase(elsewhere)  # the same store, named by a run's manifest
        return _passwords.get(self.url, {})

    def _error(self, cause: str, state: str) -> StoreError:
        """Return the error, by the SQLSTATE: "" before there is a connection, when the driver has only words for it."""
        shown, user, name = self.shown, self._plain.username or "", self._plain.database
        said = " ".join(cause.split())
        if state in {"28P01", "28000"} or "password authentication failed" in cause or "no password supplied" in cause:
            return StoreError(
                tr("The store {shown} refused the user or the password.", shown=shown),
                hint=tr("Put the right password into PGPASSWORD or ~/.pgpass, then run the same command again."),
            )
        if state == "3D000" or (f'database "{name}"' in cause and "does not exist" in cause):
            return StoreError(
                tr("The server of {shown} has no database {name!r}.", shown=shown, name=name),
                hint=tr(
                    "Make it: createdb --encoding UTF8 {name}; or correct the name at the end of --store.", name=name
                ),
            )
        if f'role "{user}"' in cause and "does not exist" in cause:
            return StoreError(
                tr("The server of {shown} knows no user {user!r}.", shown=shown, user=user),
                hint=tr("Correct the name before the @ in --store, or make that user: createuser {user}.", user=user),
            )
        if state == "42501":
            return StoreError(
                tr(
                    "The user {user!r} may not do this in the store {shown}: {cause}.",
                    user=user,
                    shown=shown,
                    cause=said,
                ),
                hint=tr(
                    "Have the database's owner run: GRANT CREATE, USAGE ON SCHEMA public TO {user}; GRANT ALL ON ALL "
                    "TABLES IN SCHEMA public TO {user};",
                    user=user,
                ),
            )
        return self._trouble(state, said)

    def _trouble(self, state: str, said: str) -> StoreError:
        """Return the error for what passes, or needs whoever runs the server."""
        shown, again = self.shown, tr("Run the same command again; nothing stored is lost.")
        if state == "55P03":
            return StoreError(
                tr("The store {path} is locked: another process has been writing for too long.", path=shown),
                hint=tr("Wait for it or end it, then run the same command again; nothing stored is lost."),
            )
        if state == "53100":
            return StoreError(
                tr("No space left to write the store {path}.", path=shown),
                hint=tr("Free some space, then run the same command again."),
            )
        if state == "53300" or "too many clients" in said:
            return StoreUnreachableError(
                tr("The server of {shown} takes no more connections.", shown=shown), hint=again
            )
        if state == "25006":
            return StoreError(
                tr("The store {path} cannot be written: {cause}.", path=shown, cause=said), hint=self.other
            )
        if not state or state.startswith(("08", "57P")):
            return StoreUnreachableError(
                tr("The server of {shown} cannot be reached: {cause}", shown=shown, cause=network_said(said)),
                hint=tr("Check that it runs, and host and port in --store; then run the same command again."),
            )
        return StoreError(tr("The store {path} failed: {cause}.", path=shown, cause=said), hint=self.other)


def _checked(url: str) -> URL:
    """Return a URL in its parts, for the one driver.

    Raises:
        StoreError: it cannot be read, names another driver, or no database.
    """
    hint = tr("Write postgresql+psycopg://USER@HOST/DATABASE.")
    try:
        found = make_url(url)
        scheme = _SCHEME.match(url)
    except (ArgumentError, ValueError) as error:
        raise StoreError(tr("The URL of the store's server cannot be read."), hint=hint) from error
    shown = found.render_as_string(hide_password=True)
    if scheme is not None and scheme[1] not in (None, "+psycopg"):
        raise StoreError(tr("A store in PostgreSQL is reached with psycopg, not as {shown!r}.", shown=shown), hint=hint)
    if not found.database:
        raise StoreError(tr("{shown!r} names no database.", shown=shown), hint=hint)
    return found
