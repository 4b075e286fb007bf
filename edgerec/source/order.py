"""What to select of a column and what to sort it by, so that every database answers alike.

Text is sorted by code point, whatever the column's collation: MariaDB's own takes `85123A` and
`85123a` for one, PostgreSQL's sorts `a` before `B`. Single-precision numbers are widened by the
database, since drivers would read a rounded text of them.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, types
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.sql.elements import quoted_name

from edgerec.source.drivers import Backend
from edgerec.source.kinds import Column

__all__ = ["bound", "clause", "key_of", "quoted", "selected", "sortable", "table_of"]

# Plain types; text of any other (CITEXT, an enumeration, a padded CHAR) is made TEXT first.
_POSTGRESQL_TEXT = (types.TEXT, types.VARCHAR)
_SINGLE = (types.REAL, types.FLOAT, mysql.FLOAT, postgresql.REAL)
_DOUBLE = (types.Double, types.DOUBLE, types.DOUBLE_PRECISION, mysql.DOUBLE, mysql.REAL)


def quoted(name: str) -> quoted_name:
    """Have `name` quoted always: SQLAlchemy does not know every word that a database reserves."""
    return quoted_name(name, quote=True)


def table_of(name: str, columns: Sequence[str]) -> sqlalchemy.TableClause:
    """Return a table with these columns, all of no type: cells come as the driver gives them."""
    return sqlalchemy.table(
        quoted(name), *(sqlalchemy.column(quoted(column)) for column in columns)
    )


def clause(source: sqlalchemy.TableClause, column: Column) -> ColumnElement[Any]:
    """Return the bare column."""
    found: ColumnElement[Any] = source.c[column.name]
    return found


def selected(cell: ColumnElement[Any], column: Column, backend: Backend) -> ColumnElement[Any]:
    """Return what to select to read `cell`, of the kind and type of `column`."""
    if backend == "postgresql":
        if column.kind == "uuid":
            return sqlalchemy.cast(cell, types.TEXT())
        if column.kind == "text" and type(column.type) not in _POSTGRESQL_TEXT:
            return sqlalchemy.cast(cell, types.TEXT())
    if backend == "mysql" and isinstance(column.type, mysql.BIT):
        return cell.op("+")(sqlalchemy.literal_column("0"))
    if (
        backend in ("mysql", "postgresql")
        and isinstance(column.type, _SINGLE)
        and not isinstance(column.type, _DOUBLE)
    ):
        return sqlalchemy.cast(cell, types.Double())
    return cell


def key_of(cell: ColumnElement[Any], column: Column, backend: Backend) -> ColumnElement[Any]:
    """Return what to sort, compare and group `cell` by."""
    return _compared(selected(cell, column, backend), column, backend)


def bound(value: object, column: Column, backend: Backend) -> ColumnElement[Any]:
    """Return a value that was read of `column`, as something to compare its key with."""
    return _compared(sqlalchemy.bindparam(None, value, types.NullType()), column, backend)


def sortable(column: Column) -> bool:
    """Return whether the column has an order that is the same in every database."""
    return column.kind not in ("json", "other")


def _compared(cell: ColumnElement[Any], column: Column, backend: Backend) -> ColumnElement[Any]:
    if backend == "sqlite":
        # Any cell may be text there, whatever its column says; on numbers this does nothing.
        return sqlalchemy.collate(cell, "BINARY")
    if column.kind not in ("text", "uuid"):
        return cell
    if backend == "postgresql":
        return sqlalchemy.collate(cell, "C")
    if backend == "mysql":
        # The order of UTF-8's bytes is that of code points. A binary collation would not do: it
        # takes `a` and `a ` for one.
        text = sqlalchemy.func.convert(cell.op("USING")(sqlalchemy.literal_column("utf8mb4")))
        return sqlalchemy.cast(text, types.LargeBinary())
    return cell
