"""Exact quantiles, of which the database sorts and a few numbers move."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, Connection, Engine

from edgerec.errors import SourceError
from edgerec.source.ask import ask
from edgerec.source.drivers import backend_of
from edgerec.source.kinds import Column, column_of, reflect
from edgerec.source.numbers import finite_of, number_of, refuse_kind, refuse_strays, stray_cells
from edgerec.source.order import clause, table_of

__all__ = ["check_probabilities", "quantiles", "ranked_quantiles"]

# One SELECT takes no more parameters than this, of which each quantile is two.
_MOST_PLACES = 15_000


def quantiles(
    engine: Engine, table: str, column: str, probabilities: Sequence[float]
) -> list[float | None]:
    """Return exact quantiles of a column of numbers: numpy's, with the method "linear".

    None of a column without numbers; NULL, NaN and infinity are none. The database sorts; two
    numbers for each quantile move.
    """
    check_probabilities(probabilities)
    known, backend = reflect(engine, table), backend_of(engine)
    wanted = column_of(known, table, column)
    refuse_kind(table, wanted, "quantiles")
    source = table_of(table, [column])
    cell = clause(source, wanted)
    number = finite_of(number_of(cell, wanted, backend), wanted)
    strays = stray_cells(cell, wanted, backend)
    counted = sqlalchemy.select(
        sqlalchemy.func.count().label("n_rows"),
        sqlalchemy.func.count(number).label("n"),
        sqlalchemy.null() if strays is None else strays,
    ).select_from(source)

    def work(connection: Connection) -> list[float | None]:
        n_rows, n, n_strays = (int(each or 0) for each in connection.execute(counted).one())
        refuse_strays(table, wanted, n_strays)
        found = ranked_quantiles(connection, table, n_rows, {wanted: (n, probabilities)})
        return [*found[wanted]]

    return ask(engine, table, work)


def check_probabilities(probabilities: Sequence[float]) -> None:
    """Fail if one is none."""
    for probability in probabilities:
        if not 0 <= probability <= 1:
            raise SourceError(f"a probability must be from 0 to 1, got {probability}")


def ranked_quantiles(
    connection: Connection,
    table: str,
    n_rows: int,
    asked: Mapping[Column, tuple[int, Sequence[float]]],
) -> dict[Column, list[float | None]]:
    """Return quantiles of columns, of which each has so many numbers, in as few SELECTs as may be.

    Raises
    ------
    SourceError
        If there are not as many numbers as was said.
    """
    found: dict[Column, list[float | None]] = {
        column: [None for _ in probabilities] for column, (_, probabilities) in asked.items()
    }
    sorted_ones = {column: (n, each) for column, (n, each) in asked.items() if n and each}
    for columns in _portions(sorted_ones):
        places = {column: _places(*sorted_ones[column]) for column in columns}
        numbers = _numbers_at(
            connection,
            table,
            n_rows,
            {c: sorted_ones[c][0] for c in columns},
            {
                column: sorted({at for low, high, _ in places[column] for at in (low, high)})
                for column in columns
            },
        )
        for column in columns:
            own = numbers[column]
            found[column] = [_between(own[low], own[high], at) for low, high, at in places[column]]
    return found


def _portions(asked: Mapping[Column, tuple[int, Sequence[float]]]) -> Iterator[list[Column]]:
    portion: list[Column] = []
    n_places = 0
    for column, (_, probabilities) in asked.items():
        if portion and n_places + 2 * len(probabilities) > _MOST_PLACES:
            yield portion
            portion, n_places = [], 0
        portion.append(column)
        n_places += 2 * len(probabilities)
    if portion:
        yield portion


def _places(n: int, probabilities: Sequence[float]) -> list[tuple[int, int, float]]:
    """Return between which two of `n` numbers each quantile lies, and how far from the first."""
    exact = [(n - 1) * float(probability) for probability in probabilities]
    return [(int(place), min(int(place) + 1, n - 1), place - int(place)) for place in exact]


def _numbers_at(
    connection: Connection,
    table: str,
    n_rows: int,
    n_numbers: Mapping[Column, int],
    places: Mapping[Column, Sequence[int]],
) -> dict[Column, dict[int, float]]:
    """Return the numbers at places, from 0, in the order of each column's numbers."""
    backend = backend_of(connection.engine)
    source = table_of(table, [column.name for column in places])
    ranked: list[ColumnElement[Any]] = []
    for position, column in enumerate(places):
        number = finite_of(number_of(clause(source, column), column, backend), column)
        order = number.nulls_first() if backend == "postgresql" else number
        ranked += [
            number.label(f"number_{position}"),
            sqlalchemy.func.row_number().over(order_by=order).label(f"place_{position}"),
        ]
    rows = sqlalchemy.select(*ranked).subquery("ranked")
    # What is no number comes first, in every database.
    offsets = [n_rows - n_numbers[column] + 1 for column in places]
    wanted = [
        rows.c[f"place_{position}"].in_([place + offset for place in own])
        for position, (own, offset) in enumerate(zip(places.values(), offsets, strict=True))
    ]
    numbers: dict[Column, dict[int, float]] = {column: {} for column in places}
    needed = [set(own) for own in places.values()]
    for row in connection.execute(sqlalchemy.select(rows).where(sqlalchemy.or_(*wanted))):
        for position, own in enumerate(numbers.values()):
            place = int(row[2 * position + 1]) - offsets[position]
            if place in needed[position] and row[2 * position] is not None:
                own[place] = float(row[2 * position])
    if any(len(own) < len(each) for own, each in zip(numbers.values(), needed, strict=True)):
        raise SourceError(f'table "{table}" changed while it was being read: run it again')
    return numbers


def _between(low: float, high: float, share: float) -> float:
    # As numpy does it, to the bit: from the nearer end.
    step = high - low
    return low + step * share if share < 0.5 else high - step * (1 - share)
