"""What SQLite and PostgreSQL say differently: rows that may meet one that is there, and whose clock counts."""

import time

from sqlalchemy import Connection, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite

Insert = sqlite.Insert | postgresql.Insert


def insert(connection: Connection, table: Table) -> Insert:
    """Return an INSERT that knows ``on_conflict_do_nothing`` and ``on_conflict_do_update``, for this database."""
    return postgresql.insert(table) if is_server(connection) else sqlite.insert(table)


def now(connection: Connection) -> float:
    """Return the time in seconds since 1970 by the one clock that all who share the store go by.

    For a file that is this machine's; a server's workers stand on several machines, whose clocks differ.
    """
    if not is_server(connection):
        return time.time()
    return float(connection.execute(select(func.extract("epoch", func.clock_timestamp()))).scalar_one())


def is_server(connection: Connection) -> bool:
    """Return whether a connection is to PostgreSQL."""
    return connection.dialect.name == "postgresql"
