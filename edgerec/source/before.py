"""The condition that a row is strictly earlier than a moment, whatever its time is stored as."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, Engine, types

from edgerec.errors import SourceError
from edgerec.source.drivers import Backend, backend_of
from edgerec.source.engine import reported
from edgerec.source.kinds import Column
from edgerec.source.order import clause, table_of

__all__ = ["check_times", "is_before"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_before(
    cell: ColumnElement[Any], table: str, column: Column, seconds: int, backend: Backend
) -> ColumnElement[bool]:
    """Return the condition that the time in `cell` is before `seconds`, in Unix seconds."""
    if column.kind in ("integer", "number"):
        return (_sqlite_seconds(cell) if backend == "sqlite" else cell) < seconds
    if backend == "sqlite" and column.kind in ("date", "datetime", "text", "other"):
        return _sqlite_seconds(cell) < seconds
    if column.kind not in ("date", "datetime"):
        raise SourceError(
            f'table "{table}": column "{column.name}" is of kind {column.kind}, which the '
            "database cannot compare with a moment: store times as Unix seconds or as a date and "
            "time, or make a view that converts them"
        )
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        raise SourceError(
            f"the moment {seconds} is beyond the year 9999 or before the year 1: expected Unix "
            "seconds (are these milliseconds?)"
        ) from None
    if not getattr(column.type, "timezone", False):
        moment = moment.replace(tzinfo=None)
    return cell < sqlalchemy.bindparam(None, moment, types.NullType())


def check_times(engine: Engine, table: str, column: Column) -> None:
    """Fail if SQLite cannot read a time that is stored as text: it would leave the row out."""
    if backend_of(engine) != "sqlite":
        return
    cell = clause(table_of(table, [column.name]), column)
    unread = sqlalchemy.select(cell).where(cell.is_not(None), _sqlite_seconds(cell).is_(None))
    with reported(engine), engine.connect() as connection:
        found = connection.execute(unread.limit(1)).first()
    if found is not None:
        raise SourceError(
            f'table "{table}": column "{column.name}" holds {found[0]!r}, expected Unix seconds '
            "or ISO 8601 text, as in 2010-12-01 08:26:00: correct the row"
        )


def _sqlite_seconds(cell: ColumnElement[Any]) -> ColumnElement[Any]:
    func = sqlalchemy.func
    digits: ColumnElement[Any] = sqlalchemy.cast(cell, types.REAL())
    # A number in a text would be taken for a Julian day.
    numeric = cell.op("NOT GLOB")("*[^0-9.]*")
    return sqlalchemy.case(
        (func.typeof(cell).in_(("integer", "real")), cell),
        (numeric, digits),
        else_=sqlalchemy.cast(func.strftime("%s", cell), types.INTEGER()),
    )
