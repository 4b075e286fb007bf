"""What a database answered about a column, made into its statistics."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Engine

from edgerec.columns import ColumnStatistics, StatisticsNeeded
from edgerec.errors import SourceError
from edgerec.source.cells import to_cells
from edgerec.source.groups import grouped_statistics
from edgerec.source.kinds import Column
from edgerec.source.moments import Moments, are_exact, moments_of, moments_of_counts
from edgerec.source.numbers import NUMBERS, refuse_strays

__all__ = ["Found", "summary"]


@dataclass(frozen=True)
class Found:
    """What a database answered about one column."""

    n_rows: int
    """The table's rows."""
    numbers: Mapping[str, Any]
    """The aggregates by name: n, minimum, maximum, distinct, strays, and those of `moments`."""
    quantiles: Sequence[float | None]
    """One for each share that was asked for; None without a number."""
    top_values: Sequence[tuple[object, int]]
    """The cells that were asked for, with their counts."""


def summary(
    engine: Engine,
    table: str,
    column: Column,
    needed: StatisticsNeeded,
    found: Found,
    *,
    exact: bool,
) -> ColumnStatistics | None:
    """Return a column's statistics; with `exact`, None where rows would give others."""
    numbers = found.numbers
    n, n_strays = int(numbers["n"]), int(numbers.get("strays", 0))
    if exact and n_strays:
        return None
    refuse_strays(table, column, n_strays)
    moments: Moments | None = None
    if n and needed.moments and (exact or column.kind in NUMBERS):
        moments = _moments(engine, table, column, numbers, n, exact=exact)
    return ColumnStatistics(
        n_rows=found.n_rows,
        n_null=found.n_rows - n,
        minimum=_edge(table, column, numbers.get("minimum")),
        maximum=_edge(table, column, numbers.get("maximum")),
        mean=moments.mean if moments else None,
        standard_deviation=moments.standard_deviation if moments else None,
        n_distinct=int(numbers["distinct"]) if "distinct" in numbers else None,
        quantiles=tuple(
            (share, value)
            for share, value in zip(needed.quantiles, found.quantiles, strict=True)
            if value is not None
        ),
        top_values=tuple(found.top_values),
    )


def _edge(table: str, column: Column, cell: Any) -> float | None:
    if cell is None:
        return None
    if column.kind in ("integer", "boolean"):
        return int(cell)
    if column.kind == "number":
        return float(cell)
    return _seconds(to_cells(table, column, [cell])[0])


def _seconds(time: object) -> float:
    if isinstance(time, datetime):
        return time.timestamp()
    assert isinstance(time, date)
    return datetime(time.year, time.month, time.day, tzinfo=UTC).timestamp()


def _moments(
    engine: Engine,
    table: str,
    column: Column,
    numbers: Mapping[str, Any],
    n: int,
    *,
    exact: bool,
) -> Moments:
    summed = column.kind in NUMBERS and numbers["once"] is not None
    if summed and (not exact or are_exact(numbers, n, column)):
        return moments_of(numbers, n, column)
    n_counted = 0

    def counted() -> Iterator[tuple[int | float, int]]:
        nonlocal n_counted
        for group in grouped_statistics(engine, table, column.name, None):
            key: Any = group.key
            number = key if column.kind in NUMBERS else _seconds(key)
            if math.isfinite(number):
                n_counted += group.count
                yield number, group.count

    moments = moments_of_counts(counted())
    if n_counted != n:
        raise SourceError(f'table "{table}" changed while it was being read: run it again')
    return moments
