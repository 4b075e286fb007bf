"""Copying rows of a table into new tables next to it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from itertools import compress

import numpy as np
import numpy.typing as npt
import sqlalchemy
from sqlalchemy import Connection, Engine, types
from sqlalchemy.exc import SQLAlchemyError

from edgerec.errors import SourceError
from edgerec.source.columns import InteractionColumns
from edgerec.source.conditions import RowCondition
from edgerec.source.convert import BadCell, IntArray, to_seconds
from edgerec.source.copies import Copies
from edgerec.source.drivers import backend_of
from edgerec.source.engine import reported
from edgerec.source.fetch import ConnectionLost, fetch_rows, noticed
from edgerec.source.kinds import Column, reflect
from edgerec.source.order import clause, selected, table_of
from edgerec.source.resume import Reading, connected, met, pause
from edgerec.source.sql import reading_of

__all__ = ["copy_rows"]

_BATCH_ROWS = 4096


def copy_rows(
    engine: Engine,
    table: str,
    columns: InteractionColumns,
    masks: Mapping[str, npt.NDArray[np.bool_]],
    timestamps: IntArray,
    *,
    where: Sequence[RowCondition] = (),
    overwrite: bool = False,
) -> None:
    """Copy rows of `table` to new tables with the same columns: all of them, or none.

    Every cell is copied as it is, other columns too. Indexes and constraints are not copied. On
    a database whose CREATE TABLE ends a transaction (MySQL), rows are written to tables named
    NAME_unfinished, which are renamed in one step at the end. When the connection is lost before
    that, nothing has been written, and copying begins anew.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        The database, from `open_engine`.
    table : str
        The table to copy from.
    columns : InteractionColumns
        Its columns: rows are taken in the order of `read_interactions`.
    masks : mapping of str to bool[n]
        For each new table's name, which of the n rows it gets.
    timestamps : int64[n]
        The rows' Unix seconds in that order; a table that has changed since is noticed by them.
    where : sequence of RowCondition
        What a row must meet to be one of the n.
    overwrite : bool, default=False
        Replace existing tables, if they have the columns of `table`.

    Raises
    ------
    SourceError
        If a new table's name is taken, the rows are not those that the masks were made for, or
        the connection is lost for good, or in the last step, where nobody can tell what was done.
    """
    known = reflect(engine, table)
    copies = Copies(engine, table, known, list(masks))
    with reported(engine):
        copies.check(overwrite=overwrite)
    written = {copies.written[name]: mask for name, mask in masks.items()}

    def copy(reader: Connection, writer: Connection) -> None:
        _copy(reader, writer, table, known, columns, written, timestamps, where)

    n_lost = 0
    while True:
        try:
            with reported(engine):
                _write(engine, copies, copy, again=n_lost > 0)
            return
        except ConnectionLost as error:
            when = f'while table "{table}" was being copied, of which nothing was written'
            n_lost = pause(engine, when, error.__cause__ or error, n_lost)


def _write(
    engine: Engine,
    copies: Copies,
    copy: Callable[[Connection, Connection], None],
    *,
    again: bool,
) -> None:
    """Create, fill and publish the copies, over connections of their own."""
    with ExitStack() as stack:
        writer = stack.enter_context(connected(engine, again=again))
        reader = writer
        try:
            with noticed(writer):
                if engine.dialect.name == "sqlite":
                    # Its driver opens a transaction only at the first INSERT, after the DDL; and
                    # a second connection's read lock would keep this one from committing.
                    writer.exec_driver_sql("BEGIN IMMEDIATE")
                else:
                    # A server-side cursor keeps its connection busy until the last row is fetched.
                    reader = stack.enter_context(connected(engine, again=again))
                copies.create(writer)
                copy(reader, writer)
            copies.publish(writer)
        except BaseException:
            # The error that led here says more than one that follows from it.
            with suppress(SQLAlchemyError):
                writer.rollback()
            copies.discard(writer)
            raise


def _copy(
    reader: Connection,
    writer: Connection,
    table: str,
    known: Mapping[str, Column],
    columns: InteractionColumns,
    masks: Mapping[str, npt.NDArray[np.bool_]],
    timestamps: IntArray,
    where: Sequence[RowCondition],
) -> None:
    # In the order of read_interactions, and last the timestamp once more, to compare.
    statement = _statement(reader.engine, table, known, columns, where)
    n_cells = len(known)
    # By position, since a name may hold what a driver takes for a placeholder's end.
    inserts = {name: _insert(name, known) for name in masks}
    places = [f"c{position}" for position in range(n_cells)]
    n_seen = 0
    with closing(fetch_rows(reader, statement, _BATCH_ROWS)) as batches:
        for rows in batches:
            part = slice(n_seen, n_seen + len(rows))
            n_seen += len(rows)
            if not _same_times([row[n_cells] for row in rows], timestamps[part]):
                raise _changed(table)
            for name, mask in masks.items():
                chosen = [
                    dict(zip(places, row[:n_cells], strict=True))
                    for row in compress(rows, mask[part])
                ]
                if chosen:
                    writer.execute(inserts[name], chosen)
    if n_seen != len(timestamps):
        raise _changed(table)


def _statement(
    engine: Engine,
    table: str,
    known: Mapping[str, Column],
    columns: InteractionColumns,
    where: Sequence[RowCondition],
) -> sqlalchemy.Select[tuple[object, ...]]:
    reading = reading_of(known, table, columns, "time", where)
    ordered = Reading(table, list(known.values()), reading.key, reading.ties).statement(engine)
    backend = backend_of(engine)
    source = table_of(table, list(known))
    cells = [selected(clause(source, column), column, backend) for column in known.values()]
    if backend == "postgresql":
        # As text, which PostgreSQL reads back exactly: drivers shorten intervals and documents.
        cells = [sqlalchemy.cast(clause(source, each), types.TEXT()) for each in known.values()]
    chosen = ordered.with_only_columns(*cells, source.c[columns.timestamp])
    return chosen.where(*met(reading.where, source, backend))


def _insert(name: str, known: Mapping[str, Column]) -> sqlalchemy.Insert:
    target = table_of(name, list(known))
    places = {
        column: sqlalchemy.bindparam(f"c{position}", type_=types.NullType())
        for position, column in enumerate(known)
    }
    return sqlalchemy.insert(target).values(places)


def _same_times(cells: Sequence[object], timestamps: IntArray) -> bool:
    try:
        return np.array_equal(to_seconds(cells), timestamps)
    except BadCell:
        return False


def _changed(table: str) -> SourceError:
    return SourceError(
        f'table "{table}" changed while it was being copied, nothing was written: '
        "run it again when nobody writes to the table"
    )
