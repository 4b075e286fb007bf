"""Reading a long ordered query to its end, over as many connections as that takes."""

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy
from sqlalchemy import ColumnElement, Connection, Engine
from sqlalchemy.exc import DBAPIError

from edgerec.errors import SourceError
from edgerec.source.conditions import RowCondition
from edgerec.source.drivers import Backend, backend_of
from edgerec.source.engine import describe, driver_words
from edgerec.source.fetch import ConnectionLost, Rows, fetch_rows
from edgerec.source.kinds import Column
from edgerec.source.order import bound, clause, key_of, selected, sortable, table_of

__all__ = ["Reading", "Resumable", "connected", "met", "pause", "read_rows"]

_PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each attempt to connect again; rows that come set it back to the first."""


@dataclass(frozen=True)
class Reading:
    """What to read of a table, and in which order."""

    table: str
    columns: Sequence[Column]
    """The cells of each row."""
    key: Sequence[Column]
    """Some of the columns, to sort by first; reading goes on behind the last key that came."""
    ties: Sequence[Column] = ()
    """Some of the columns, to sort rows of one key by: NULL first, in every database."""
    where: Sequence[tuple[Column, RowCondition]] = ()
    """Conditions that a row must meet, all of them."""
    null_keys: bool = False
    """Whether the key may be NULL, and comes first then; of a key of one column alone."""

    def statement(self, engine: Engine, after: Sequence[object] = ()) -> sqlalchemy.Select[Any]:
        """Return the query, of rows whose key is `after` or comes after it.

        NULL comes first: behind it are all rows.
        """
        backend = backend_of(engine)
        tested = [column.name for column, _ in self.where]
        source = table_of(self.table, [*(column.name for column in self.columns), *tested])
        keys = [key_of(clause(source, column), column, backend) for column in self.key]
        ties = [key_of(clause(source, column), column, backend) for column in self.ties]
        order = [*keys, *ties]
        if backend == "postgresql":
            # Only there NULL comes last. A key of interactions is never NULL, and an index serves.
            order = [*keys, *(tie.nulls_first() for tie in ties)]
            if self.null_keys:
                order = [each.nulls_first() for each in (*keys, *ties)]
        cells = [selected(clause(source, column), column, backend) for column in self.columns]
        statement = sqlalchemy.select(*cells).order_by(*order)
        statement = statement.where(*met(self.where, source, backend))
        if after and None not in after:
            ends = [
                bound(cell, column, backend) for cell, column in zip(after, self.key, strict=True)
            ]
            statement = statement.where(_from(keys, ends))
        return statement


def met(
    where: Sequence[tuple[Column, RowCondition]], source: sqlalchemy.TableClause, backend: Backend
) -> list[ColumnElement[bool]]:
    """Return the conditions, as clauses on `source`."""
    return [
        condition.compares(
            key_of(clause(source, column), column, backend), bound(condition.value, column, backend)
        )
        for column, condition in where
    ]


class Resumable(Protocol):
    """What `read_rows` reads: a query that can begin at a key."""

    @property
    def table(self) -> str:
        """The table's name, for errors."""

    @property
    def columns(self) -> Sequence[Column]:
        """The first cells of each row."""

    @property
    def key(self) -> Sequence[Column]:
        """Those of them that are sorted by first."""

    def statement(self, engine: Engine, after: Sequence[object] = ()) -> sqlalchemy.Select[Any]:
        """Return the query, of rows whose key is `after` or comes after it."""


def read_rows(engine: Engine, reading: Resumable, rows: int) -> Generator[Rows, None, None]:
    """Yield the rows of `reading` in lists of at most `rows`, each row once.

    Raises
    ------
    SourceError
        If the connection is lost and reading cannot go on from the last key, does not come back,
        or rows that had been read are gone when it does.
    """
    positions = [reading.columns.index(column) for column in reading.key]
    last: tuple[object, ...] = ()
    n_read = n_last = n_lost = 0
    while True:
        n_skip = n_last
        try:
            with (
                connected(engine, again=n_lost > 0) as connection,
                closing(fetch_rows(connection, reading.statement(engine, last), rows)) as batches,
            ):
                for batch in batches:
                    if n_skip:
                        seen, batch = batch[:n_skip], batch[n_skip:]
                        if any(_key(row, positions) != last for row in seen):
                            raise _changed(reading)
                        n_skip -= len(seen)
                    if batch:
                        yield batch
                        n_read, n_lost = n_read + len(batch), 0
                        before, last = last, _key(batch[-1], positions)
                        n_same = _trailing(batch, positions, last)
                        carried = n_last if n_same == len(batch) and before == last else 0
                        n_last = n_same + carried
            if n_skip:
                raise _changed(reading)
            return
        except ConnectionLost as error:
            n_lost = _awaited(engine, reading, error.__cause__ or error, n_read, n_lost)


@contextmanager
def connected(engine: Engine, *, again: bool) -> Iterator[Connection]:
    """Connect to read; `again` says that a connection was lost before."""
    try:
        connection = engine.connect()
    except (DBAPIError, engine.dialect.loaded_dbapi.Error) as error:
        # Whatever keeps the first connection from being made is an error of its own.
        if again:
            raise ConnectionLost from error
        raise
    try:
        yield connection
    finally:
        # Nothing was written. Where the server has hung up, there is nothing to take back.
        with suppress(DBAPIError):
            connection.close()


def _awaited(
    engine: Engine, reading: Resumable, cause: BaseException, n_read: int, n_lost: int
) -> int:
    """Wait before the next attempt, if there is one to make."""
    lost = f'after {n_read} rows of table "{reading.table}" had been read'
    unordered = [column for column in reading.key if not sortable(column)]
    if n_read and (unordered or not reading.key):
        named = f'column "{unordered[0].name}" has' if unordered else "the rows were read in"
        raise SourceError(
            f"{_lost(engine, lost, cause)}, and reading cannot go on from there, since {named} no "
            "order: run it again, or sort by a column of numbers, times or text"
        ) from None
    return pause(engine, lost, cause, n_lost)


def pause(engine: Engine, when: str, cause: BaseException, n_lost: int) -> int:
    """Wait before the next of the attempts, and count it; fail if there were enough of them."""
    if n_lost == len(_PAUSES):
        raise SourceError(
            f"{_lost(engine, when, cause)}, and did not come back in {n_lost} attempts: run it "
            "again when the database can be reached"
        ) from None
    time.sleep(_PAUSES[n_lost])
    return n_lost + 1


def _lost(engine: Engine, when: str, cause: BaseException) -> str:
    words = driver_words(engine, cause)
    return f"the connection to the database {describe(engine)} was lost {when} ({words})"


def _from(keys: Sequence[ColumnElement[Any]], ends: Sequence[Any]) -> ColumnElement[bool]:
    """Return the condition that `keys` are, one after the other, `ends` or greater."""
    condition: ColumnElement[bool] = keys[-1] >= ends[-1]
    for key, end in zip(keys[-2::-1], ends[-2::-1], strict=True):
        condition = (key > end) | ((key == end) & condition)
    return condition


def _key(row: Sequence[object], positions: Sequence[int]) -> tuple[object, ...]:
    return tuple(row[position] for position in positions)


def _trailing(batch: Rows, positions: Sequence[int], last: tuple[object, ...]) -> int:
    """Return how many rows at the end of `batch` have the key `last`."""
    n_same = 0
    for row in reversed(batch):
        if _key(row, positions) != last:
            break
        n_same += 1
    return n_same


def _changed(reading: Resumable) -> SourceError:
    return SourceError(
        f'table "{reading.table}" changed while the connection to it was lost: rows that had '
        "been read are gone. Run it again when nobody deletes from the table"
    )
