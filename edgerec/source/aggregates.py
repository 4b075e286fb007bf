"""Statistics of columns, computed by the database: what moves are numbers, not rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, Engine

from edgerec.source.cells import to_cells
from edgerec.source.drivers import Backend, backend_of
from edgerec.source.engine import reported
from edgerec.source.kinds import Column, column_of, reflect
from edgerec.source.moments import Elements, Moments, moments_of, moments_of_integers, pivots, sums
from edgerec.source.numbers import NUMBERS, finite, number_of, refuse_strays, stray_cells
from edgerec.source.order import clause, key_of, sortable, table_of
from edgerec.source.table import read_columns

__all__ = [
    "ColumnStatistics",
    "StatisticsRequest",
    "column_statistics",
]


@dataclass(frozen=True)
class StatisticsRequest:
    """A column, and which of its statistics cost more than a look at each row."""

    column: str
    """The column's name."""
    moments: bool = True
    """Whether to compute mean and standard deviation, of numbers: a second look at each row."""
    n_distinct: bool = True
    """Whether to count distinct cells, which the database sorts or hashes for."""


@dataclass(frozen=True)
class ColumnStatistics:
    """What a database computed of one column; None where it was not asked for or has no sense."""

    n_rows: int
    """The table's rows."""
    n_null: int
    """How many of them have NULL here; the rest is of the other rows."""
    minimum: int | float | date | None
    """The least number, date or time; None of text."""
    maximum: int | float | date | None
    """The greatest."""
    mean: float | None
    """The mean, of numbers and booleans."""
    standard_deviation: float | None
    """The population's, as scikit-learn's StandardScaler has it."""
    n_distinct: int | None
    """How many different cells there are; text that differs in one code point differs."""


def column_statistics(
    engine: Engine, table: str, requests: Sequence[str | StatisticsRequest]
) -> dict[str, ColumnStatistics]:
    """Compute statistics of columns, in one SELECT however many they are.

    Integers are summed exactly; other numbers as doubles, about a number near their mean. What
    is exact in binary (half stars, say) gives the same bits in every database.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        The database, from `open_engine`.
    table : str
        The table's name.
    requests : sequence of str or StatisticsRequest
        The columns; a name asks for all statistics.

    Returns
    -------
    dict of str to ColumnStatistics
        By the columns' names.

    Raises
    ------
    SourceError
        If the table or a column is not there, or a column of numbers holds NaN, infinity or, in
        SQLite, something that is no number.
    """
    known, backend = reflect(engine, table), backend_of(engine)
    wanted = {
        column_of(known, table, each.column): each
        for each in (
            StatisticsRequest(each) if isinstance(each, str) else each for each in requests
        )
    }
    source = table_of(table, list(known))
    first_pass: dict[str, ColumnElement[Any]] = {}
    for position, (column, request) in enumerate(wanted.items()):
        if _has_moments(column, request):
            cell = number_of(clause(source, column), column, backend)
            first_pass |= _named(position, "first", pivots(cell, column))
    first = sqlalchemy.select(*(each.label(name) for name, each in first_pass.items())).subquery(
        "first_pass"
    )
    asked: dict[str, ColumnElement[Any]] = {"n_rows": sqlalchemy.func.count()}
    for position, (column, request) in enumerate(wanted.items()):
        cell = clause(source, column)
        asked |= _named(position, "plain", _plain(cell, column, request, backend))
        if _has_moments(column, request):
            number = number_of(cell, column, backend)
            begun = {
                name.rpartition("_")[2]: first.c[name]
                for name in first_pass
                if name.startswith(f"c{position}_")
            }
            asked |= _named(position, "sums", sums(number, column, begun, backend))
    statement = sqlalchemy.select(*(each.label(name) for name, each in asked.items()))
    rows = source.join(first, sqlalchemy.true()) if first_pass else source
    with reported(engine), engine.connect() as connection:
        one = connection.execute(statement.select_from(rows)).one()
    found = dict(zip(asked, one, strict=True))
    return {
        column.name: _statistics(engine, table, column, request, _of(found, position))
        for position, (column, request) in enumerate(wanted.items())
    }


def _request(asked: str | StatisticsRequest) -> StatisticsRequest:
    return StatisticsRequest(asked) if isinstance(asked, str) else asked


def _has_moments(column: Column, request: StatisticsRequest) -> bool:
    return request.moments and column.kind in NUMBERS


def _named(position: int, part: str, elements: Mapping[str, Any]) -> Elements:
    return {f"c{position}_{part}_{name}": each for name, each in elements.items()}


def _of(found: Mapping[str, Any], position: int) -> dict[str, Any]:
    mine = {
        name.split("_", 2)[2]: each
        for name, each in found.items()
        if name.startswith(f"c{position}_")
    }
    return {"n_rows": found["n_rows"], **mine}


def _plain(
    cell: ColumnElement[Any], column: Column, request: StatisticsRequest, backend: Backend
) -> Elements:
    func = sqlalchemy.func
    plain: Elements = {"n": func.count(cell)}
    if column.kind in (*NUMBERS, "date", "datetime"):
        # A number in its own type: a DECIMAL is rounded once, by Python.
        ranked = cell if column.kind == "number" else number_of(cell, column, backend)
        plain |= {"minimum": func.min(ranked), "maximum": func.max(ranked)}
    if request.n_distinct and sortable(column):
        plain["distinct"] = func.count(sqlalchemy.distinct(key_of(cell, column, backend)))
    strays = stray_cells(cell, column, backend)
    return plain if strays is None else {**plain, "strays": strays}


def _statistics(
    engine: Engine, table: str, column: Column, request: StatisticsRequest, found: dict[str, Any]
) -> ColumnStatistics:
    refuse_strays(table, column, int(found.get("strays", 0)))
    least: Any
    most: Any
    edges: list[Any] = [found.get("minimum"), found.get("maximum")]
    if column.kind == "boolean":  # as numbers, since there is a mean of them
        least, most = edges
    else:
        least, most = to_cells(table, column, edges)
    finite(table, column, least, most)
    moments: Moments | None = None
    if found["n"] and _has_moments(column, request):
        if found["once"] is None:
            chunks = read_columns(engine, table, [column.name], order_by=None)
            cells: Any = chain.from_iterable(chunk[column.name] for chunk in chunks)
            moments = moments_of_integers(int(cell) for cell in cells if cell is not None)
        else:
            finite(table, column, found["once"], found.get("twice"))
            moments = moments_of(found, int(found["n"]), column)
    return ColumnStatistics(
        int(found["n_rows"]),
        int(found["n_rows"]) - int(found["n"]),
        least,
        most,
        moments.mean if moments else None,
        moments.standard_deviation if moments else None,
        int(found["distinct"]) if "distinct" in found else None,
    )
