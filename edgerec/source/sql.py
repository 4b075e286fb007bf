"""Streaming interactions out of a table, in order, in bounded memory."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain
from typing import Literal

import numpy as np
from sqlalchemy import Engine

from edgerec.errors import SourceError
from edgerec.seconds import finer_unit
from edgerec.source.chunk import InteractionChunk, cut, gathered, joined
from edgerec.source.columns import InteractionColumns
from edgerec.source.conditions import RowCondition
from edgerec.source.convert import BadCell, to_ids, to_seconds, to_values
from edgerec.source.engine import reported
from edgerec.source.fetch import Rows
from edgerec.source.kinds import Column, column_of, reflect
from edgerec.source.resume import Reading, read_rows

__all__ = ["read_interactions", "reading_of"]

# Rows fetched and converted at a time: few enough that the driver's tuples die young and stay in
# the processor's cache, which is 1.5 times as fast as fetching a whole chunk at once.
_SLAB_ROWS = 1024


def read_interactions(
    engine: Engine,
    table: str,
    columns: InteractionColumns,
    *,
    chunk_rows: int = 65536,
    order: Literal["time", "user"] = "time",
    where: Sequence[RowCondition] = (),
) -> Iterator[InteractionChunk]:
    """Read a table's interactions in order, chunk by chunk.

    The database sorts: by (timestamp, user, item, value, weight), or by (user, timestamp, item,
    value, weight), text by code point, so that the same rows come in the same order from every
    database. At most one chunk is in memory. A connection that is lost is made again, and reading
    goes on behind the last row.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        The database, from `open_engine`.
    table : str
        The table's name.
    columns : InteractionColumns
        Its columns, from `find_columns`.
    chunk_rows : int, default=65536
        The rows of each chunk; the last may have fewer.
    order : {"time", "user"}, default="time"
        Whether time or the user comes first.
    where : sequence of RowCondition
        What a row must meet to be read, all of it.

    Yields
    ------
    InteractionChunk
        Never an empty one.

    Raises
    ------
    SourceError
        If the table or a column is not there, the connection is lost for good, an id or a
        timestamp is NULL, a cell cannot be read, ids are of two kinds, or the database's order
        of the timestamps is not the order of time; the row is named. Also if the timestamps are
        no seconds, which shows by all of the first chunk being beyond the year 2200.
    """
    if chunk_rows < 1:
        raise SourceError(f"chunk_rows must be 1 or more, got {chunk_rows}")
    reading = reading_of(reflect(engine, table), table, columns, order, where)
    with (
        reported(engine),
        # A reader that stops early must close the cursor before its connection.
        closing(read_rows(engine, reading, _SLAB_ROWS)) as batches,
    ):
        slabs = _slabs(batches, table, columns)
        yield from _checked(gathered(slabs, chunk_rows), table, columns, order)


def reading_of(
    known: Mapping[str, Column],
    table: str,
    columns: InteractionColumns,
    order: Literal["time", "user"],
    where: Sequence[RowCondition] = (),
) -> Reading:
    """Return the query of a table's interactions.

    Its cells are user, item, time, value and weight, where there are such, each column once.
    """
    user, item, when, *ties = (column_of(known, table, name) for name in _names(columns))
    key = (when, user, item) if order == "time" else (user, when, item)
    conditions = [(column_of(known, table, one.column), one) for one in where]
    return Reading(table, (user, item, when, *ties), key, ties=ties, where=conditions)


def _names(columns: InteractionColumns) -> list[str]:
    names = [columns.user_id, columns.item_id, columns.timestamp]
    # Weight and context may be among the others.
    further = (columns.value, columns.weight, *columns.context)
    more = [name for name in further if name and name not in names]
    return [*names, *dict.fromkeys(more)]


def _slabs(
    batches: Iterator[Rows], table: str, columns: InteractionColumns
) -> Iterator[InteractionChunk]:
    first: InteractionChunk | None = None
    names = _names(columns)
    for rows in batches:
        width = len(rows[0])
        flat = list(chain.from_iterable(rows))
        part, role = flat[0::width], "user_id"
        try:
            user_ids = to_ids(part)
            part, role = flat[1::width], "item_id"
            item_ids = to_ids(part)
            part, role = flat[2::width], "timestamp"
            timestamps = to_seconds(part)
            if columns.value is None:
                values = np.full(len(rows), np.nan)
            else:
                part, role = flat[3::width], "value"
                values = to_values(part)
            weights = None
            if columns.weight is not None:
                part, role = flat[names.index(columns.weight) :: width], "weight"
                weights = to_values(part)
                weights[np.isnan(weights)] = 1.0
            context = None
            if columns.context:
                of_columns = []
                for role in columns.context:
                    part = flat[names.index(role) :: width]
                    of_columns.append(to_values(part))
                context = np.stack(of_columns, axis=1)
        except BadCell as error:
            raise _unreadable(table, columns, role, rows[error.position], error) from None
        slab = InteractionChunk(user_ids, item_ids, values, timestamps, weights, context)
        first = first or slab
        for name in ("user_id", "item_id"):
            kind = getattr(first, f"{name}s").dtype
            if getattr(slab, f"{name}s").dtype != kind:
                expected = "a whole number" if kind == np.int64 else "text"
                came = BadCell(0, flat[name == "item_id"], f"{expected}, as in the rows before")
                raise _unreadable(table, columns, name, rows[0], came)
        yield slab


def _checked(
    chunks: Iterator[InteractionChunk], table: str, columns: InteractionColumns, order: str
) -> Iterator[InteractionChunk]:
    """Stop at a timestamp that goes backwards: text times in two formats do not sort by time."""
    before: InteractionChunk | None = None
    for chunk in chunks:
        if before is None:
            _check_unit(chunk, table, columns.timestamp)
        seam = chunk if before is None else joined([before, chunk])
        backwards = seam.timestamps[1:] < seam.timestamps[:-1]
        if order == "user":
            backwards &= seam.user_ids[1:] == seam.user_ids[:-1]
        if backwards.any():
            at = int(np.argmax(backwards)) + 1
            row = cut(seam, at, at + 1)
            user, item = row.user_ids.tolist()[0], row.item_ids.tolist()[0]
            raise SourceError(
                f'table "{table}": sorted by column "{columns.timestamp}", user '
                f"{user!r} and item {item!r} at {seam.timestamps[at]} "
                f"come after {seam.timestamps[at - 1]}: the column must sort in the order of "
                "time; store Unix seconds as integers, or one ISO 8601 format throughout"
            )
        yield chunk
        before = cut(chunk, len(chunk) - 1, len(chunk))


def _check_unit(chunk: InteractionChunk, table: str, column: str) -> None:
    earliest = int(chunk.timestamps.min())
    unit = finer_unit(earliest)
    if unit is not None:
        name, divisor = unit
        raise SourceError(
            f'table "{table}": column "{column}" holds {earliest} and later, which as Unix seconds '
            f"is beyond the year 2200: they look like {name}. Make a view that divides them, such "
            f"as CREATE VIEW {table}_in_seconds AS SELECT *, {column} / {divisor} AS seconds FROM "
            f"{table}, and name its table and column"
        )


def _unreadable(
    table: str, columns: InteractionColumns, role: str, row: Sequence[object], cell: BadCell
) -> SourceError:
    words = {"user_id": "user", "item_id": "item"}.get(role, role)
    name = role if role in columns.context else getattr(columns, role)
    option = f"with --{words}-column ({role} in edgerec.toml)"
    if role == "weight":
        option = "in label.weight of edgerec.toml"
    elif role in columns.context:
        option = "in context.columns of edgerec.toml"
    came = "NULL" if cell.came is None else f"{cell.came!r} ({type(cell.came).__name__})"
    shown = zip((columns.user_id, columns.item_id, columns.timestamp), row, strict=False)
    where = ", ".join(f"{key} = {'NULL' if each is None else repr(each)}" for key, each in shown)
    return SourceError(
        f'table "{table}", row with {where}: column "{name}" is {came}, expected {cell.expected}. '
        f"{_advice(table, name, cell.came)} name another column {option}"
    )


def _advice(table: str, column: str, came: object) -> str:
    view = f"a view, such as CREATE VIEW {table}_clean AS SELECT"
    if came is None:
        return (
            f"Correct or delete the row, leave such rows out by a condition (--where '{column} != "
            '""\', of numbers != -1, or [[interactions.where]] in edgerec.toml), read '
            f"{view} * FROM {table} WHERE {column} IS NOT NULL, or"
        )
    if isinstance(came, bytes):
        return f"Read {view} hex({column}) AS {column}, … FROM {table}, or"
    return "Correct or delete the row, read a view that converts the column, or"
