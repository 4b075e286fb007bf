"""Aggregates by group, and the commonest cells, computed by the database."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, Engine

from edgerec.errors import SourceError
from edgerec.source.cells import to_cells
from edgerec.source.drivers import backend_of
from edgerec.source.engine import reported
from edgerec.source.kinds import Column, column_of, reflect
from edgerec.source.names import listed
from edgerec.source.numbers import finite, number_of, refuse_kind, refuse_strays, stray_cells
from edgerec.source.order import bound, clause, key_of, sortable, table_of
from edgerec.source.resume import read_rows
from edgerec.source.until import check_times, is_before

__all__ = ["GroupStatistics", "grouped_statistics", "top_values"]

_FETCHED_ROWS = 1024


@dataclass(frozen=True)
class GroupStatistics:
    """One group's rows; the mean is total / count, which Python divides alike everywhere."""

    key: object
    """The cell that the rows have in common, never NULL."""
    count: int
    """How many rows have a value; all rows, where no column of values was named."""
    total: int | float
    """The sum of the values; an int where the column is one of integers."""


def top_values(engine: Engine, table: str, column: str, limit: int) -> list[tuple[object, int]]:
    """Return the commonest cells of a column and their counts, the commonest first.

    Of cells with one count the least comes first, text by code point. NULL is not counted.
    """
    known, backend = reflect(engine, table), backend_of(engine)
    wanted = _keyed(table, known, column)
    cell = clause(table_of(table, list(known)), wanted)
    key, count = key_of(cell, wanted, backend), sqlalchemy.func.count()
    statement = (
        sqlalchemy.select(key, count)
        .where(cell.is_not(None))
        .group_by(key)
        .order_by(count.desc(), key)
        .limit(limit)
    )
    with reported(engine), engine.connect() as connection:
        rows = connection.execute(statement).all()
    keys = _keys(table, wanted, [row[0] for row in rows])
    return [(key, int(row[1])) for key, row in zip(keys, rows, strict=True)]


def grouped_statistics(
    engine: Engine,
    table: str,
    group: str,
    value: str | None,
    *,
    until: tuple[str, int] | None = None,
) -> Iterator[GroupStatistics]:
    """Yield count and sum of each group's values, in the order of the groups' keys.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        The database, from `open_engine`.
    table : str
        The table's name.
    group : str
        The column that a group's rows have in common; rows where it is NULL are left out.
    value : str or None
        The column of numbers to sum, of which NULL is left out; None counts rows alone.
    until : (str, int), optional
        A column of times and Unix seconds: only strictly earlier rows are counted.

    Yields
    ------
    GroupStatistics

    Raises
    ------
    SourceError
        If the table or a column is not there or not of the right kind, or a sum is not a number.
    """
    known = reflect(engine, table)
    keyed = _keyed(table, known, group)
    valued = None if value is None else column_of(known, table, value)
    if valued is not None:
        refuse_kind(table, valued, "sums")
    timed = None if until is None else column_of(known, table, until[0])
    if timed is not None:
        check_times(engine, table, timed)
    seconds = 0 if until is None else until[1]
    reading = _Groups(table, list(known), keyed, valued, timed, seconds)
    with reported(engine), closing(read_rows(engine, reading, _FETCHED_ROWS)) as batches:
        for rows in batches:
            keys = _keys(table, keyed, [row[0] for row in rows])
            for key, (_, count, total, n_strays) in zip(keys, rows, strict=True):
                if valued is not None:
                    refuse_strays(table, valued, int(n_strays))
                    finite(table, valued, total)
                whole = valued is None or valued.kind != "number"
                summed = int(total or 0) if whole else float(total or 0)
                yield GroupStatistics(key, int(count), summed)


@dataclass(frozen=True)
class _Groups:
    """What `read_rows` reads: a row for each group, whose key is its only column to sort by."""

    table: str
    names: Sequence[str]
    group: Column
    value: Column | None
    time: Column | None
    until: int

    @property
    def columns(self) -> Sequence[Column]:
        return (self.group,)

    @property
    def key(self) -> Sequence[Column]:
        return (self.group,)

    def statement(self, engine: Engine, after: Sequence[object] = ()) -> sqlalchemy.Select[Any]:
        backend, func = backend_of(engine), sqlalchemy.func
        source = table_of(self.table, self.names)
        cell = clause(source, self.group)
        key = key_of(cell, self.group, backend)
        found: list[ColumnElement[Any]] = [func.count(), sqlalchemy.literal_column("0")]
        strays: ColumnElement[Any] | None = None
        if self.value is not None:
            added = clause(source, self.value)
            found = [func.count(added), func.sum(number_of(added, self.value, backend))]
            strays = stray_cells(added, self.value, backend)
        none: ColumnElement[Any] = sqlalchemy.literal_column("0")
        statement = (
            sqlalchemy.select(key, *found, none if strays is None else strays)
            .where(cell.is_not(None))
            .group_by(key)
            .order_by(key)
        )
        if self.time is not None:
            moment = clause(source, self.time)
            condition = is_before(moment, self.table, self.time, self.until, backend)
            statement = statement.where(condition)
        if after:
            statement = statement.where(key >= bound(after[0], self.group, backend))
        return statement


def _keyed(table: str, known: dict[str, Column], name: str) -> Column:
    column = column_of(known, table, name)
    others = [each for each, described in known.items() if sortable(described)]
    if not sortable(column):
        raise SourceError(
            f'table "{table}" has no groups by column "{name}" ({column.kind}): name one of '
            f"{listed(others)}"
        )
    return column


def _keys(table: str, column: Column, cells: Sequence[object]) -> list[object]:
    # MySQL groups text by its bytes.
    texts = [cell.decode() if isinstance(cell, bytes) else cell for cell in cells]
    return to_cells(table, column, texts if column.kind in ("text", "uuid") else cells)
