"""Columns of numbers as SQL computes with them, and the cells that it must not compute with."""

import math
import sys
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, types

from edgerec.errors import SourceError
from edgerec.source.drivers import Backend
from edgerec.source.kinds import Column
from edgerec.source.order import selected

__all__ = [
    "NUMBERS",
    "finite",
    "finite_of",
    "number_of",
    "refuse_kind",
    "refuse_strays",
    "stray_cells",
]

NUMBERS = ("integer", "number", "boolean")
"""The kinds of column that there are sums of."""

_MOST = sys.float_info.max


def number_of(cell: ColumnElement[Any], column: Column, backend: Backend) -> ColumnElement[Any]:
    """Return a number's cell to compute with: an integer, or a double."""
    if column.kind == "boolean" and backend == "postgresql":
        return sqlalchemy.cast(cell, types.Integer())
    if column.kind == "number":
        return sqlalchemy.cast(cell, types.Double())
    return selected(cell, column, backend)


def finite_of(number: ColumnElement[Any], column: Column) -> ColumnElement[Any]:
    """Return a number of `number_of`, NULL in place of NaN and infinity: those are no values."""
    if column.kind != "number":
        return number
    return sqlalchemy.case((number.between(-_MOST, _MOST), number))


def stray_cells(
    cell: ColumnElement[Any], column: Column, backend: Backend
) -> ColumnElement[Any] | None:
    """Return a count of the cells that are no numbers, where a database allows such."""
    if backend != "sqlite" or column.kind not in NUMBERS:
        return None
    right = ("null", "integer", "real") if column.kind == "number" else ("null", "integer")
    strays = sqlalchemy.case((sqlalchemy.func.typeof(cell).not_in(right), 1), else_=0)
    return sqlalchemy.func.coalesce(sqlalchemy.func.sum(strays), 0)


def refuse_strays(table: str, column: Column, n_strays: int) -> None:
    """Fail if there are cells that are no numbers."""
    if n_strays:
        words = "number" if column.kind == "number" else "whole number"
        raise SourceError(
            f'table "{table}": column "{column.name}" ({column.kind}) holds {n_strays} cells '
            f"that are no {words}, of which there are no statistics: correct the rows, or make a "
            "view that converts them"
        )


def finite(table: str, column: Column, *numbers: object) -> None:
    """Fail if one of the numbers is NaN or infinite."""
    for number in numbers:
        if isinstance(number, float) and not math.isfinite(number):
            word = "NaN" if math.isnan(number) else "infinity"
            raise SourceError(
                f'table "{table}": column "{column.name}" ({column.kind}) holds {word}, of which '
                "there are no statistics: store NULL where a number is not known"
            )


def refuse_kind(table: str, column: Column, words: str) -> None:
    """Fail if a column is not one of numbers."""
    if column.kind not in NUMBERS:
        raise SourceError(
            f'table "{table}": column "{column.name}" is of kind {column.kind}, of which there '
            f"are no {words}: name a column of kind {', '.join(NUMBERS)}"
        )
