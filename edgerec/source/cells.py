"""Cells of any column to Python values that are the same whichever database they came from."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from edgerec.errors import SourceError
from edgerec.source.kinds import Column, Kind

__all__ = ["to_cells"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN = 60


def to_cells(table: str, column: Column, cells: Sequence[object]) -> list[object]:
    """Convert the cells of one column; which types come out, `read_columns` says.

    Raises
    ------
    SourceError
        If a cell is bytes, or cannot be what its column says it is.
    """
    convert, expected = _CONVERTERS[column.kind]
    converted = []
    for cell in cells:
        try:
            converted.append(None if cell is None else convert(cell))
        except (ValueError, TypeError, OverflowError, ArithmeticError):
            raise SourceError(
                f'table "{table}": column "{column.name}" ({column.kind}) holds '
                f"{_shown(cell)}, expected {expected}. Leave the column out, correct the row, or "
                "make a view that converts it"
            ) from None
    return converted


def _to_integer(cell: object) -> object:
    if isinstance(cell, bool):
        return int(cell)
    if isinstance(cell, Decimal):
        return int(cell) if cell == int(cell) else float(cell)
    return _to_any(cell)


def _to_number(cell: object) -> object:
    if isinstance(cell, int | float | Decimal):
        return float(cell)
    return _to_any(cell)


def _to_boolean(cell: object) -> object:
    # MySQL's BOOLEAN is TINYINT(1), which may hold other numbers: they stay what they are.
    if isinstance(cell, int) and cell in (0, 1):
        return bool(cell)
    return _to_any(cell)


def _to_datetime(cell: object) -> datetime:
    if isinstance(cell, str):
        cell = datetime.fromisoformat(cell.strip())
    if isinstance(cell, datetime):
        return cell.astimezone(UTC) if cell.tzinfo else cell.replace(tzinfo=UTC)
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day, tzinfo=UTC)
    if isinstance(cell, int | float | Decimal) and math.isfinite(cell):
        return _EPOCH + timedelta(seconds=float(cell) if cell % 1 else int(cell))
    raise ValueError(cell)


def _to_date(cell: object) -> date:
    if isinstance(cell, date) and not isinstance(cell, datetime):
        return cell
    return _to_datetime(cell).date()


def _to_document(cell: object) -> object:
    return _to_any(json.loads(cell) if isinstance(cell, str) else cell)


def _to_any(cell: object) -> object:
    """Convert by what the cell is; what is inside of a document or an array, too."""
    if cell is None or isinstance(cell, bool | int | float | str):
        return cell
    if isinstance(cell, Decimal):
        return float(cell)
    if isinstance(cell, UUID):
        return str(cell)
    if isinstance(cell, datetime):
        return _to_datetime(cell)
    if isinstance(cell, date):
        return cell
    if isinstance(cell, list | tuple):
        return [_to_any(each) for each in cell]
    if isinstance(cell, Mapping):
        return {str(key): _to_any(each) for key, each in cell.items()}
    raise ValueError(cell)


_ANY = "a number, text, a boolean, a date, a time or JSON"
_CONVERTERS: dict[Kind, tuple[Callable[[object], object], str]] = {
    "integer": (_to_integer, "a whole number"),
    "number": (_to_number, "a number"),
    "text": (_to_any, "text"),
    "boolean": (_to_boolean, "a boolean"),
    "date": (_to_date, "a date, as in 2010-12-01"),
    "datetime": (_to_datetime, "a date and time, as in 2010-12-01 08:26:00, or Unix seconds"),
    "json": (_to_document, "JSON"),
    "uuid": (_to_any, "a UUID"),
    "other": (_to_any, _ANY),
}


def _shown(cell: object) -> str:
    text = repr(cell)
    short = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return f"{short} ({type(cell).__name__})"
