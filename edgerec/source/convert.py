"""Columns of Python values, as database drivers give them, to NumPy arrays."""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import numpy as np
import numpy.typing as npt

__all__ = ["BadCell", "FloatArray", "IdArray", "IntArray", "to_ids", "to_seconds", "to_values"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
IdArray = npt.NDArray[np.int64] | npt.NDArray[np.object_]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_LIMIT = 2**63


class BadCell(Exception):
    """One cell cannot be read; the reader adds which row and column it is."""

    def __init__(self, position: int, came: object, expected: str) -> None:
        super().__init__(position, came, expected)
        self.position = position
        self.came = came
        self.expected = expected


def to_ids(column: Sequence[object]) -> IdArray:
    """Convert ids to int64[n], or to object[n] of str; one kind per column.

    Whole numbers of other types (a DECIMAL column, a REAL one) become integers, UUIDs text.
    """
    kinds = set(map(type, column))
    if kinds == {int}:
        try:
            return np.array(column, dtype=np.int64)
        except OverflowError:
            pass  # the slow path below names the row
    elif kinds == {str}:
        return np.array(column, dtype=object)
    ids = _each(column, _to_id, "a whole number within 64 bits, or text")
    if {str, int} <= set(map(type, ids)):
        first = type(ids[0])
        position = next(n for n, each in enumerate(ids) if type(each) is not first)
        raise BadCell(position, column[position], f"{_KINDS[first]}, as in the rows before")
    return np.array(ids, dtype=np.int64 if type(ids[0]) is int else object)


def to_values(column: Sequence[object]) -> FloatArray:
    """Convert values to float64[n]; NULL becomes NaN."""
    if set(map(type, column)) <= {int, float}:
        return np.array(column, dtype=np.float64)
    return np.array(_each(column, _to_value, "a number or NULL"), dtype=np.float64)


def to_seconds(column: Sequence[object]) -> IntArray:
    """Convert times to int64[n] Unix seconds, fractions rounded down.

    Numbers are seconds already; text is ISO 8601; a time without a zone is in UTC.
    """
    if set(map(type, column)) == {int}:
        try:
            return np.array(column, dtype=np.int64)
        except OverflowError:
            pass
    expected = "Unix seconds, ISO 8601 text or a date and time"
    return np.array(_each(column, _to_seconds, expected), dtype=np.int64)


_KINDS: dict[type, str] = {int: "a whole number", str: "text"}


def _each(
    column: Sequence[object], convert: Callable[[object], int | float | str], expected: str
) -> list[int | float | str]:
    converted = []
    for position, cell in enumerate(column):
        try:
            converted.append(convert(cell))
        except (ValueError, TypeError, OverflowError, ArithmeticError):
            raise BadCell(position, cell, expected) from None
    return converted


def _to_id(cell: object) -> int | str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, UUID):
        return str(cell)
    if isinstance(cell, int | float | Decimal) and cell == int(cell):
        return _within_64_bits(int(cell))
    raise ValueError(cell)


def _to_value(cell: object) -> float:
    if cell is None:
        return math.nan
    if isinstance(cell, int | float | Decimal | str):
        return float(cell)
    raise ValueError(cell)


def _to_seconds(cell: object) -> int:
    if isinstance(cell, str):
        # Eight digits are a date (19980401), any other number is seconds.
        is_date = "-" in cell[1:] or (len(cell) == 8 and cell.isdigit())
        cell = datetime.fromisoformat(cell.strip()) if is_date else Decimal(cell)
    if isinstance(cell, int | float | Decimal):
        return _within_64_bits(math.floor(cell))
    if isinstance(cell, date) and not isinstance(cell, datetime):
        cell = datetime(cell.year, cell.month, cell.day)
    if isinstance(cell, datetime):
        aware = cell if cell.tzinfo else cell.replace(tzinfo=UTC)
        return (aware - _EPOCH) // _SECOND
    raise ValueError(cell)


def _within_64_bits(number: int) -> int:
    if not -_LIMIT <= number < _LIMIT:
        raise OverflowError(number)
    return number
