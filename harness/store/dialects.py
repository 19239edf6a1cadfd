"""What SQLite and PostgreSQL say differently: rows that may meet one that is there, and whose clock counts."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite

Insert = sqlite.Insert | postgresql.Insert
_AT_ONCE = 5000  # rows in one statement to a server


def insert(connection: Connection, table: Table) -> Insert:
    """Return an INSERT that knows ``on_conflict_do_nothing`` and ``on_conflict_do_update``, for this database."""
    return postgresql.insert(table) if is_server(connection) else sqlite.insert(table)


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add the rows whose keys are not there; a server gets many in one statement, each column as an array."""
    if not rows:
        return
    statement = insert(connection, table)
    if not is_server(connection):
        connection.execute(statement.on_conflict_do_nothing(), rows)
        return
    names = list(rows[0])
    arrays = [bindparam(name, type_=postgresql.ARRAY(table.columns[name].type)) for name in names]
    filled = statement.from_select(names, select(*map(func.unnest, arrays)))
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        connection.execute(filled.on_conflict_do_nothing(), {name: [row[name] for row in part] for name in names})


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
