"""Copying rows of a table into new tables next to it."""

import warnings
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from itertools import compress

import numpy as np
import numpy.typing as npt
import sqlalchemy
from sqlalchemy import Connection, Engine

from edgerec.errors import SourceError
from edgerec.source.columns import InteractionColumns
from edgerec.source.convert import BadCell, IntArray, to_seconds
from edgerec.source.engine import describe, reported
from edgerec.source.fetch import fetch_rows
from edgerec.source.order import quoted

__all__ = ["copy_rows"]

_BATCH_ROWS = 4096


def copy_rows(
    engine: Engine,
    table: str,
    columns: InteractionColumns,
    masks: Mapping[str, npt.NDArray[np.bool_]],
    timestamps: IntArray,
    *,
    overwrite: bool = False,
) -> None:
    """Copy rows of `table` to new tables with the same columns, in one transaction.

    Every cell is copied as it is, other columns too. Indexes and constraints are not copied. On
    a database whose CREATE TABLE ends a transaction (MySQL), an interrupted copy leaves
    unfinished tables behind, which the next call replaces.

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
    overwrite : bool, default=False
        Replace existing tables, if they have the columns of `table`.

    Raises
    ------
    SourceError
        If a new table's name is taken, or the rows are not those that the masks were made for.
    """
    with reported(engine), ExitStack() as stack:
        writer = stack.enter_context(engine.connect())
        reader = writer
        if engine.dialect.name == "sqlite":
            # Its driver opens a transaction only at the first INSERT, after the DDL; and a
            # second connection's read lock would keep this one from committing.
            writer.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            # A server-side cursor keeps its connection busy until the last row is fetched.
            reader = stack.enter_context(engine.connect())
        source = _reflected(writer, table)
        for name in masks:
            _replace(engine, writer, source, name, overwrite=overwrite)
        _copy(reader, writer, source, columns, masks, timestamps)
        writer.commit()


def _reflected(connection: Connection, table: str) -> sqlalchemy.Table:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sqlalchemy.exc.SAWarning)  # of types it does not know
        return sqlalchemy.Table(
            table, sqlalchemy.MetaData(), autoload_with=connection, resolve_fks=False
        )


def _replace(
    engine: Engine, connection: Connection, source: sqlalchemy.Table, name: str, *, overwrite: bool
) -> None:
    inspector = sqlalchemy.inspect(connection)
    if name in inspector.get_view_names():
        raise SourceError(
            f'the database {describe(engine)} has a view "{name}", where a table is to be '
            "written: rename or drop the view"
        )
    if inspector.has_table(name):
        existing = _reflected(connection, name)
        if not overwrite:
            raise SourceError(
                f'the database {describe(engine)} already has a table "{name}": drop or rename '
                "it, or pass overwrite=True to replace it"
            )
        if list(existing.c.keys()) != list(source.c.keys()):
            raise SourceError(
                f'table "{name}" is not replaced: its columns are {", ".join(existing.c.keys())}, '
                f'not those of "{source.name}" ({", ".join(source.c.keys())}), so it is '
                "something else; drop or rename it first"
            )
        existing.drop(connection)
    copies = [
        sqlalchemy.Column(
            quoted(each.name), _type_of(each), nullable=each.nullable, autoincrement=False
        )
        for each in source.c
    ]
    sqlalchemy.Table(quoted(name), sqlalchemy.MetaData(), *copies).create(connection)


def _type_of(column: sqlalchemy.Column[object]) -> sqlalchemy.types.TypeEngine[object]:
    # SQLite allows columns without a type; BLOB has the same affinity, which is none.
    untyped = isinstance(column.type, sqlalchemy.types.NullType)
    return sqlalchemy.BLOB() if untyped else column.type  # type: ignore[return-value]


def _copy(
    reader: Connection,
    writer: Connection,
    source: sqlalchemy.Table,
    columns: InteractionColumns,
    masks: Mapping[str, npt.NDArray[np.bool_]],
    timestamps: IntArray,
) -> None:
    names = list(source.c.keys())
    # SQLite's cells go through as the file has them: a typed column would reformat its dates.
    typed = reader.dialect.name != "sqlite"

    def cells() -> list[sqlalchemy.ColumnClause[object]]:
        return [
            sqlalchemy.column(quoted(each.name), each.type if typed else None) for each in source.c
        ]

    origin = sqlalchemy.table(quoted(source.name), *cells())
    order = [origin.c[name] for name in (columns.timestamp, columns.user_id, columns.item_id)]
    inserts = {name: sqlalchemy.insert(sqlalchemy.table(quoted(name), *cells())) for name in masks}
    when = names.index(columns.timestamp)
    statement = sqlalchemy.select(*origin.c).order_by(*order)
    n_seen = 0
    with closing(fetch_rows(reader, statement, _BATCH_ROWS)) as batches:
        for rows in batches:
            part = slice(n_seen, n_seen + len(rows))
            n_seen += len(rows)
            if not _same_times([row[when] for row in rows], timestamps[part]):
                raise _changed(source.name)
            for name, mask in masks.items():
                chosen = [dict(zip(names, row, strict=True)) for row in compress(rows, mask[part])]
                if chosen:
                    writer.execute(inserts[name], chosen)
    if n_seen != len(timestamps):
        raise _changed(source.name)


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
