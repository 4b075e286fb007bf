"""Aggregates by group, up to a moment, and the commonest cells, computed by the database."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, Connection, Engine

from edgerec.errors import SourceError
from edgerec.names import listed
from edgerec.source.ask import ask
from edgerec.source.before import check_times, is_before
from edgerec.source.cells import to_cells
from edgerec.source.drivers import Backend, backend_of
from edgerec.source.engine import reported
from edgerec.source.kinds import Column, column_of, reflect
from edgerec.source.numbers import (
    finite,
    finite_of,
    number_of,
    refuse_kind,
    refuse_strays,
    stray_cells,
)
from edgerec.source.order import bound, clause, key_of, sortable, table_of
from edgerec.source.resume import read_rows

__all__ = ["GroupStatistics", "commonest", "grouped_statistics", "keyed", "top_values"]

_FETCHED_ROWS = 1024


@dataclass(frozen=True)
class GroupStatistics:
    """One group's rows, such as an item's interactions.

    >>> GroupStatistics(key=7, count=2, total=7.0).mean
    3.5
    """

    key: object
    """The cell that the rows have in common, never NULL."""
    count: int
    """How many rows have a value; all rows, where no column of values was named."""
    total: int | float
    """The sum of the values; an int where the column is one of integers."""

    @property
    def mean(self) -> float | None:
        """The mean of the values, which Python divides alike everywhere; None without a value."""
        return self.total / self.count if self.count else None


def top_values(engine: Engine, table: str, column: str, limit: int) -> list[tuple[object, int]]:
    """Return the commonest cells of a column and their counts, the commonest first.

    Of cells with one count the least comes first, text by code point. NULL, NaN and infinity are
    not counted.
    """
    known = reflect(engine, table)
    wanted = keyed(table, known, column)

    def work(connection: Connection) -> list[tuple[object, int]]:
        return commonest(connection, table, wanted, limit)

    return ask(engine, table, work)


def commonest(
    connection: Connection, table: str, column: Column, limit: int, *, ties: bool = False
) -> list[tuple[object, int]]:
    """Return what `top_values` does; with `ties`, those too that are as common as the last."""
    func, backend = sqlalchemy.func, backend_of(connection.engine)
    cell = clause(table_of(table, [column.name]), column)
    key, count = key_of(cell, column, backend), func.count()
    value = finite_of(number_of(cell, column, backend), column)
    grouped = sqlalchemy.select(key.label("cell"), count.label("n")).where(value.is_not(None))
    statement = grouped.group_by(key).order_by(count.desc(), key).limit(limit)
    if ties:
        ranks = func.rank().over(order_by=count.desc()).label("place")
        ranked = grouped.add_columns(ranks).group_by(key).subquery("ranked")
        statement = sqlalchemy.select(ranked.c.cell, ranked.c.n).where(ranked.c.place <= limit)
    rows = connection.execute(statement).all()
    keys = _keys(table, column, [row[0] for row in rows], backend)
    return [(key, int(row[1])) for key, row in zip(keys, rows, strict=True)]


def grouped_statistics(
    engine: Engine,
    table: str,
    group: str,
    value: str | None,
    *,
    timestamp: str | None = None,
    as_of: int | None = None,
) -> Iterator[GroupStatistics]:
    """Yield count and sum of each group's values up to a moment, in the order of the groups' keys.

    An item's mean value and how often it was taken, say, or a user's. One row for each group
    moves. What such a number tells of a sample is a leak unless `as_of` is no later than the
    sample: ask for each cut-off anew.

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
    timestamp : str, optional
        The column of the rows' times, of any kind that interactions may have.
    as_of : int, optional
        Unix seconds: only rows whose time is strictly earlier count. Given together with
        `timestamp`; without both, all rows count.

    Yields
    ------
    GroupStatistics

    Raises
    ------
    SourceError
        If the table or a column is not there or not of the right kind, a sum is not a number, or
        one of `timestamp` and `as_of` is given without the other.
    """
    if (timestamp is None) != (as_of is None):
        given, other = ("as_of", "timestamp") if timestamp is None else ("timestamp", "as_of")
        raise SourceError(
            f"{given} is given without {other}: name the column of times and the moment before "
            "which rows count, or neither"
        )
    known = reflect(engine, table)
    keyed_by = keyed(table, known, group)
    valued = None if value is None else column_of(known, table, value)
    if valued is not None:
        refuse_kind(table, valued, "sums")
    timed = None if timestamp is None else column_of(known, table, timestamp)
    if timed is not None:
        check_times(engine, table, timed)
    reading = _Groups(table, list(known), keyed_by, valued, timed, as_of or 0)
    with reported(engine), closing(read_rows(engine, reading, _FETCHED_ROWS)) as batches:
        for rows in batches:
            keys = _keys(table, keyed_by, [row[0] for row in rows], backend_of(engine))
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
    as_of: int

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
            condition = is_before(moment, self.table, self.time, self.as_of, backend)
            statement = statement.where(condition)
        if after:
            statement = statement.where(key >= bound(after[0], self.group, backend))
        return statement


def keyed(table: str, known: Mapping[str, Column], name: str) -> Column:
    """Return a column to group by, or fail with those that there are."""
    column = column_of(known, table, name)
    others = [each for each, described in known.items() if sortable(described)]
    if not sortable(column):
        raise SourceError(
            f'table "{table}" has no groups by column "{name}" ({column.kind}): name one of '
            f"{listed(others)}"
        )
    return column


def _keys(table: str, column: Column, cells: Sequence[object], backend: Backend) -> list[object]:
    if backend == "mysql" and column.kind in ("text", "uuid"):  # grouped by their bytes
        cells = [cell.decode() if isinstance(cell, bytes) else cell for cell in cells]
    return to_cells(table, column, cells)
