"""Exact quantiles, of which the database sorts and a few numbers move."""

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import Engine

from edgerec.errors import SourceError
from edgerec.source.drivers import backend_of
from edgerec.source.engine import reported
from edgerec.source.kinds import column_of, reflect
from edgerec.source.numbers import finite, number_of, refuse_kind, refuse_strays, stray_cells
from edgerec.source.order import clause, table_of

__all__ = ["quantiles"]


def quantiles(
    engine: Engine, table: str, column: str, probabilities: Sequence[float]
) -> list[float | None]:
    """Return exact quantiles of a column of numbers: numpy's, with the method "linear".

    None of a column without numbers. The database sorts; two numbers for each quantile move.
    """
    for probability in probabilities:
        if not 0 <= probability <= 1:
            raise SourceError(f"a probability must be from 0 to 1, got {probability}")
    known, backend = reflect(engine, table), backend_of(engine)
    wanted = column_of(known, table, column)
    refuse_kind(table, wanted, "quantiles")
    cell = clause(table_of(table, list(known)), wanted)
    number = number_of(cell, wanted, backend)
    strays = stray_cells(cell, wanted, backend)
    func = sqlalchemy.func
    with reported(engine), engine.connect() as connection:
        counted = sqlalchemy.select(
            func.count(cell), func.max(number), strays if strays is not None else sqlalchemy.null()
        )
        n, most, n_strays = connection.execute(counted).one()
        refuse_strays(table, wanted, int(n_strays or 0))
        finite(table, wanted, most)
        if not n:
            return [None for _ in probabilities]
        places = [(n - 1) * float(probability) for probability in probabilities]
        needed = sorted({min(int(place) + step, n - 1) for place in places for step in (0, 1)})
        ranked = (
            sqlalchemy.select(
                number.label("number"), func.row_number().over(order_by=number).label("place")
            )
            .where(cell.is_not(None))
            .subquery("ranked")
        )
        statement = sqlalchemy.select(ranked.c.place, ranked.c.number).where(
            ranked.c.place.in_([place + 1 for place in needed])
        )
        found = {int(row[0]) - 1: float(row[1]) for row in connection.execute(statement)}
    if len(found) < len(needed):
        raise SourceError(f'table "{table}" changed while it was being read: run it again')
    finite(table, wanted, *found.values())
    return [
        _between(found[int(place)], found[min(int(place) + 1, n - 1)], place - int(place))
        for place in places
    ]


def _between(low: float, high: float, share: float) -> float:
    # As numpy does it, to the bit: from the nearer end.
    step = high - low
    return low + step * share if share < 0.5 else high - step * (1 - share)
