"""Short questions to a database, asked again over a new connection when one is lost."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine

from edgerec.source.drivers import backend_of
from edgerec.source.engine import reported
from edgerec.source.fetch import ConnectionLost, noticed
from edgerec.source.resume import connected, pause

__all__ = ["ask"]

Answer = TypeVar("Answer")


def ask(engine: Engine, table: str, work: Callable[[Connection], Answer]) -> Answer:
    """Return what `work` reads: all its statements see one state of the database.

    It is run again from the start when the connection is lost, so it must do nothing but read.

    Raises
    ------
    SourceError
        If the database refuses, or the connection is lost and does not come back.
    """
    n_lost = 0
    while True:
        try:
            with (
                reported(engine),
                connected(engine, again=n_lost > 0) as connection,
                noticed(connection),
            ):
                return work(_still(connection))
        except ConnectionLost as error:
            when = f'while statistics of table "{table}" were computed'
            n_lost = pause(engine, when, error.__cause__ or error, n_lost)


def _still(connection: Connection) -> Connection:
    """Have all statements of the transaction see what the first one saw."""
    match backend_of(connection.engine):
        case "postgresql":
            return connection.execution_options(isolation_level="REPEATABLE READ")
        case "sqlite":
            # Its driver opens a transaction only to write.
            connection.exec_driver_sql("BEGIN")
    return connection  # what MariaDB and MySQL do by themselves
