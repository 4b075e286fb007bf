"""Statistics of columns, computed by the database: what moves are numbers, not rows."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, Connection, Engine

from edgerec.columns import ColumnStatistics, StatisticsNeeded
from edgerec.source.ask import ask
from edgerec.source.drivers import Backend, backend_of
from edgerec.source.groups import commonest, keyed
from edgerec.source.kinds import Column, column_of, reflect
from edgerec.source.moments import Elements, pivots, sums
from edgerec.source.numbers import NUMBERS, finite_of, number_of, refuse_kind, stray_cells
from edgerec.source.order import clause, key_of, sortable, table_of
from edgerec.source.quantiles import check_probabilities, ranked_quantiles
from edgerec.source.summary import Found, summary

__all__ = ["column_statistics"]

_TIMES = ("date", "datetime")
_MOST_VALUES = 100_000
"""Where every value is asked for and there are more, none is given."""


def column_statistics(
    engine: Engine, table: str, needed: Mapping[str, StatisticsNeeded], *, exact: bool = False
) -> dict[str, ColumnStatistics]:
    """Compute statistics of columns: one SELECT for all counts, ranges, means and deviations.

    One more serves all quantiles, and one each column whose values are counted; they see one
    state of the database. NULL, NaN and infinity are no values. Quantiles are exact. Integers are
    summed exactly, other numbers as doubles about a number near their mean: what is exact in
    binary (half stars, say) gives the same bits in every database.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        The database, from `open_engine`.
    table : str
        The table's name.
    needed : mapping of str to StatisticsNeeded
        For each column's name what to compute. Rows and values are counted, and the range of
        numbers and times is given, in any case.
    exact : bool, default=False
        Give to the bit what the rows themselves would, as Python reads them. Where sums of
        doubles are not exact, the database counts each different number, and Python sums; so it
        does for times, as Unix seconds. A column of which SQL cannot say what is needed is left
        out.

    Returns
    -------
    dict of str to ColumnStatistics
        By the columns' names. Of text there are no moments, and of times only with `exact`; where
        every value is asked for, there are no `top_values` if there are more than 100 000.

    Raises
    ------
    SourceError
        If the table or a column is not there, or, unless `exact`, there are no such statistics of
        a column's kind, or SQLite holds something that is no number among its numbers.
    """
    known = reflect(engine, table)
    wanted = {column_of(known, table, name): each for name, each in needed.items()}
    if exact:
        wanted = {column: each for column, each in wanted.items() if _can_be_said(column, each)}
    for column, each in wanted.items():
        if each.quantiles:
            check_probabilities(each.quantiles)
            refuse_kind(table, column, "quantiles")
        if each.n_top_values:
            keyed(table, known, column.name)
    if not wanted:
        return {}
    found = ask(engine, table, lambda connection: _found(connection, table, wanted))
    summaries = {
        column.name: summary(engine, table, column, wanted[column], one, exact=exact)
        for column, one in found.items()
    }
    return {name: one for name, one in summaries.items() if one is not None}


def _can_be_said(column: Column, needed: StatisticsNeeded) -> bool:
    """Return whether SQL says the same as the rows: it reads no number or time in a text."""
    if needed.quantiles and column.kind not in NUMBERS:
        return False
    if needed.moments and column.kind not in (*NUMBERS, *_TIMES):
        return False
    return sortable(column)


def _found(
    connection: Connection, table: str, wanted: Mapping[Column, StatisticsNeeded]
) -> dict[Column, Found]:
    """Return what the database answers about each column."""
    numbers = dict(connection.execute(_statement(connection, table, wanted)).one()._mapping)
    parts = {
        column: {
            name.split("_", 2)[2]: each
            for name, each in numbers.items()
            if name.startswith(f"c{position}_")
        }
        for position, column in enumerate(wanted)
    }
    n_rows = int(numbers["n_rows"])
    shares = {
        column: (int(parts[column]["n"]), each.quantiles)
        for column, each in wanted.items()
        if each.quantiles
    }
    ranked = ranked_quantiles(connection, table, n_rows, shares)
    return {
        column: Found(
            n_rows,
            parts[column],
            ranked.get(column, []),
            _top_values(connection, table, column, each.n_top_values),
        )
        for column, each in wanted.items()
    }


def _top_values(
    connection: Connection, table: str, column: Column, n: int
) -> list[tuple[object, int]]:
    if n > 0:
        return commonest(connection, table, column, n, ties=True)
    every = commonest(connection, table, column, _MOST_VALUES + 1) if n else []
    return every if len(every) <= _MOST_VALUES else []


def _statement(
    connection: Connection, table: str, wanted: Mapping[Column, StatisticsNeeded]
) -> sqlalchemy.Select[Any]:
    """Return the one SELECT of all that takes no sorting by a column's cells."""
    backend = backend_of(connection.engine)
    source = table_of(table, [column.name for column in wanted])
    summed = [
        (position, column, finite_of(number_of(clause(source, column), column, backend), column))
        for position, (column, each) in enumerate(wanted.items())
        if each.moments and column.kind in NUMBERS
    ]
    first_pass: Elements = {}
    for position, column, number in summed:
        first_pass |= _named(position, "first", pivots(number, column))
    first = sqlalchemy.select(*(each.label(name) for name, each in first_pass.items())).subquery(
        "first_pass"
    )
    asked: Elements = {"n_rows": sqlalchemy.func.count()}
    for position, (column, each) in enumerate(wanted.items()):
        plain = _plain(clause(source, column), column, each, backend)
        asked |= _named(position, "plain", plain)
    for position, column, number in summed:
        prefix = f"c{position}_first_"
        begun = {
            name.removeprefix(prefix): first.c[name]
            for name in first_pass
            if name.startswith(prefix)
        }
        asked |= _named(position, "sums", sums(number, column, begun, backend))
    statement = sqlalchemy.select(*(each.label(name) for name, each in asked.items()))
    rows = source.join(first, sqlalchemy.true()) if first_pass else source
    return statement.select_from(rows)


def _named(position: int, part: str, elements: Elements) -> Elements:
    return {f"c{position}_{part}_{name}": each for name, each in elements.items()}


def _plain(
    cell: ColumnElement[Any], column: Column, needed: StatisticsNeeded, backend: Backend
) -> Elements:
    func = sqlalchemy.func
    value = cell
    if column.kind in NUMBERS:
        value = finite_of(number_of(cell, column, backend), column)
    plain: Elements = {"n": func.count(value)}
    if column.kind in (*NUMBERS, *_TIMES):
        plain |= {"minimum": func.min(value), "maximum": func.max(value)}
    if needed.n_distinct and sortable(column):
        key = key_of(cell, column, backend)
        counted = sqlalchemy.case((value.is_not(None), key)) if column.kind == "number" else key
        plain["distinct"] = func.count(sqlalchemy.distinct(counted))
    strays = stray_cells(cell, column, backend)
    return plain if strays is None else {**plain, "strays": strays}
