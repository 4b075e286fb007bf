"""Any table: what its columns are, and reading them as Python values."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain

import sqlalchemy
from sqlalchemy import Engine

from edgerec.errors import SourceError
from edgerec.names import listed
from edgerec.source.cells import to_cells
from edgerec.source.conditions import RowCondition
from edgerec.source.engine import reported
from edgerec.source.fetch import Rows
from edgerec.source.kinds import Kind, column_of, reflect
from edgerec.source.order import sortable
from edgerec.source.resume import Reading, read_rows

__all__ = ["ColumnDescription", "ForeignKey", "TableDescription", "describe_table", "read_columns"]

_FETCHED_ROWS = 1024


@dataclass(frozen=True)
class ColumnDescription:
    """One column of a table."""

    name: str
    """As the table spells it."""
    kind: Kind
    """integer, number, text, boolean, date, datetime, json, uuid or other."""
    nullable: bool
    """Whether a row may lack it; of a view, databases say that it may."""
    primary_key: bool
    """Whether it is the primary key, or one column of it."""


@dataclass(frozen=True)
class ForeignKey:
    """Columns whose cells are those of another table's columns."""

    columns: tuple[str, ...]
    """The columns, mostly one."""
    other_table: str
    """The table that they refer to."""
    other_columns: tuple[str, ...]
    """Its columns, one for each."""


@dataclass(frozen=True)
class TableDescription:
    """What a database says of a table or a view."""

    name: str
    """As the database spells it."""
    columns: tuple[ColumnDescription, ...]
    """In the table's order."""
    foreign_keys: tuple[ForeignKey, ...]
    """In the order of their columns."""


def describe_table(engine: Engine, table: str) -> TableDescription:
    """Describe a table or a view by what the database says of it; no row is read.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        The database, from `open_engine`.
    table : str
        The table's name.

    Raises
    ------
    SourceError
        If the table is not there.
    """
    known = reflect(engine, table)
    with reported(engine), warnings.catch_warnings():
        warnings.simplefilter("ignore", sqlalchemy.exc.SAWarning)  # of unknown types
        inspector = sqlalchemy.inspect(engine)
        try:
            primary = inspector.get_pk_constraint(table)["constrained_columns"]
            foreign = inspector.get_foreign_keys(table)
        except sqlalchemy.exc.NoSuchTableError:  # what MySQL says of a view
            primary, foreign = [], []
    return TableDescription(
        table,
        tuple(
            ColumnDescription(each.name, each.kind, each.nullable, each.name in primary)
            for each in known.values()
        ),
        tuple(
            sorted(
                (
                    ForeignKey(
                        tuple(each["constrained_columns"]),
                        each["referred_table"],
                        tuple(each["referred_columns"]),
                    )
                    for each in foreign
                ),
                key=lambda key: [list(known).index(name) for name in key.columns],
            )
        ),
    )


def read_columns(
    engine: Engine,
    table: str,
    columns: Sequence[str],
    *,
    order_by: str | None,
    chunk_rows: int = 8192,
    where: Sequence[RowCondition] = (),
) -> Iterator[dict[str, list[object]]]:
    """Read columns of a table, chunk by chunk, as the same values from every database.

    A cell is None, bool, int, float (a DECIMAL too), str (a UUID too: in lower case, with
    hyphens), datetime.date, datetime.datetime (aware, in UTC; without a zone it is taken for
    UTC), or of JSON and arrays a list or a dict. A lost connection is made again, if rows are
    sorted; else it is an error.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        The database, from `open_engine`.
    table : str
        The table's name.
    columns : sequence of str
        The columns' names.
    order_by : str or None
        The column to sort by, NULL first, text by code point; rows that agree in it are sorted
        by the other columns. With None the order is the database's own.
    chunk_rows : int, default=8192
        The rows of each chunk; the last may have fewer.
    where : sequence of RowCondition
        Rows that count; all must hold.

    Yields
    ------
    dict of str to list
        For each column its cells. Never an empty chunk.

    Raises
    ------
    SourceError
        If the table or a column is not there or cannot be sorted by, a cell is bytes or not what
        its column says, or the connection is lost for good.
    """
    if chunk_rows < 1:
        raise SourceError(f"chunk_rows must be 1 or more, got {chunk_rows}")
    if not columns:
        raise SourceError(f'no column of table "{table}" was named to read: name one or more')
    known = reflect(engine, table)
    wanted = [column_of(known, table, name) for name in dict.fromkeys(columns)]
    conditions = [(column_of(known, table, one.column), one) for one in where]
    key = [] if order_by is None else [column_of(known, table, order_by)]
    for column in key:
        if not sortable(column):
            others = [name for name, each in known.items() if sortable(each)]
            # SQLite's columns without a declared type, as CREATE TABLE … AS SELECT a + 1 makes.
            typed = (
                f", or read a view that gives it a type, such as CREATE VIEW {table}_typed AS "
                f"SELECT CAST({column.name} AS INTEGER) AS {column.name}, … FROM {table}"
                if column.kind == "other"
                else ""
            )
            raise SourceError(
                f'table "{table}" cannot be sorted by column "{column.name}" ({column.kind}): '
                f"sort by one of {listed(others)}{typed}"
            )
    ties = [column for column in wanted if sortable(column) and column not in key] if key else []
    read = [*wanted, *(each for each in key if each not in wanted)]
    reading = Reading(table, read, key, ties, null_keys=True, where=conditions)
    with (
        reported(engine),
        closing(read_rows(engine, reading, min(chunk_rows, _FETCHED_ROWS))) as batches,
    ):
        for rows in _chunks(batches, chunk_rows):
            parts = zip(*rows, strict=True)
            # Not strict: the key's cells are left out where they were not asked for.
            yield {
                column.name: to_cells(table, column, part)
                for column, part in zip(wanted, parts, strict=False)
            }


def _chunks(batches: Iterator[Rows], chunk_rows: int) -> Iterator[Rows]:
    waiting: list[Rows] = []
    n_waiting = 0
    for batch in batches:
        waiting.append(batch)
        n_waiting += len(batch)
        if n_waiting >= chunk_rows:
            rows = list(chain.from_iterable(waiting))
            for start in range(0, n_waiting - chunk_rows + 1, chunk_rows):
                yield rows[start : start + chunk_rows]
            waiting = [rows[n_waiting - n_waiting % chunk_rows :]]
            n_waiting %= chunk_rows
    if n_waiting:
        yield list(chain.from_iterable(waiting))
