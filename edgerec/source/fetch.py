"""Streaming the rows of a query from the server, and noticing that the connection was lost."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import sqlalchemy
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

__all__ = ["ConnectionLost", "Rows", "fetch_rows", "noticed"]

Rows = Sequence[Sequence[Any]]


class ConnectionLost(Exception):
    """The server or the way to it was lost; the cause is the driver's error."""


def fetch_rows(
    connection: Connection, statement: sqlalchemy.Select[Any], rows: int
) -> Generator[Rows, None, None]:
    """Run `statement` and yield its rows in lists of at most `rows`, streamed.

    Raises
    ------
    ConnectionLost
        If the connection breaks, before the first row or among the rows.
    """
    # SQLite's cursor streams by itself. On a server the cursor must be asked to.
    if connection.dialect.name != "sqlite":
        connection = connection.execution_options(stream_results=True)
    with noticed(connection):
        result = connection.execute(statement)
    cursor: Any = result.cursor
    try:
        # What follows are the driver's own tuples: SQLAlchemy's rows would cost as much as
        # reading does. Only the first row of a streamed result is in SQLAlchemy's buffer.
        if connection.dialect.name != "sqlite":
            with noticed(connection, cursor):
                first = [tuple(row) for row in result.fetchmany(1)]
            if not first:
                return
            yield first
        while True:
            with noticed(connection, cursor):
                batch = cursor.fetchmany(rows)
            if not batch:
                return
            yield batch
    finally:
        _leave(connection, cursor)
        # At a server that is gone closing fails, of which SQLAlchemy would log a traceback. The
        # second time psycopg knows of the loss, and closes.
        for _ in range(2):
            with suppress(connection.dialect.loaded_dbapi.Error):
                cursor.close()
        result.close()


def _leave(connection: Connection, cursor: Any) -> None:
    """Hang up where closing an unfinished cursor would read all its rows: PyMySQL does."""
    unread: Any = getattr(cursor, "_result", None)
    if getattr(unread, "unbuffered_active", False):
        unread.unbuffered_active = False
        connection.invalidate()


@contextmanager
def noticed(connection: Connection, cursor: Any = None) -> Iterator[None]:
    """Turn the driver's error that says the connection is lost into `ConnectionLost`."""
    dialect = connection.dialect
    try:
        yield
    except DBAPIError as error:
        if error.connection_invalidated:
            raise ConnectionLost from error
        raise
    except dialect.loaded_dbapi.Error as error:
        if not connection.invalidated:
            driver = connection.connection.dbapi_connection
            if dialect.is_disconnect(error, driver, cursor):
                connection.invalidate(error)
                raise ConnectionLost from error
        raise
