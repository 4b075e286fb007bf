"""SQL sums from which Python gets an exact mean and standard deviation.

A sum of squares loses its digits when the mean is far from zero, so both sums are about a pivot.
Integers are summed exactly, about their minimum. Other numbers are summed as doubles about a
pivot near the mean: rounded to 1/256, so that numbers on that grid, such as half stars, have exact
differences and sums, the same in every database. How many numbers are not on the grid is counted
too. Where sums are not exact, Python makes exact ones of the different numbers and their counts.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, literal_column, types

from edgerec.source.drivers import Backend
from edgerec.source.kinds import Column

__all__ = ["Moments", "are_exact", "moments_of", "moments_of_counts", "pivots", "sums"]

Elements = dict[str, ColumnElement[Any]]

_HALF_BITS = 31  # SQLite sums integers in 64 bits: squares are summed in halves
_GRID = 256
_WIDE = 0.125  # of a narrower range 1/256 is too coarse a step
_DOUBLE_BITS = 1074  # of the least double's fraction


@dataclass(frozen=True)
class Moments:
    """The first moments of a column's numbers."""

    mean: float
    standard_deviation: float


def pivots(cell: ColumnElement[Any], column: Column) -> Elements:
    """Return the aggregates of a first pass, from which a second one takes its pivot."""
    func = sqlalchemy.func
    if column.kind in ("integer", "boolean"):
        return {"least": func.min(cell), "most": func.max(cell)}
    return {"least": func.min(cell), "most": func.max(cell), "mean": func.avg(cell)}


def sums(
    cell: ColumnElement[Any], column: Column, first: Mapping[str, Any], backend: Backend
) -> Elements:
    """Return the sums of the second pass, and the pivot."""
    func = sqlalchemy.func
    if column.kind in ("integer", "boolean"):
        least = func.min(first["least"])
        if backend != "sqlite":
            exact = types.Numeric(30, 0)
            away = sqlalchemy.cast(cell, exact) - sqlalchemy.cast(first["least"], exact)
            return {"pivot": least, "once": func.sum(away), "twice": func.sum(away * away)}
        # Halves, lest the range itself overflow. Without sums Python counts for itself.
        narrow = first["most"] / 2 - first["least"] / 2 < 2 ** (_HALF_BITS - 1)
        away = sqlalchemy.case((narrow, cell - first["least"]))
        high, low = (away * away).op(">>")(_HALF_BITS), (away * away).op("&")(2**_HALF_BITS - 1)
        once = func.sum(away)
        return {"pivot": least, "once": once, "high": func.sum(high), "low": func.sum(low)}
    mean = first["mean"]
    # Where all numbers are close together 1/256 is coarse; then the mean itself is the pivot.
    coarse = (first["most"] - first["least"] >= _WIDE) & (func.abs(mean) < 1e15)
    whole = sqlalchemy.cast(mean * _GRID, types.BigInteger())
    rounded: ColumnElement[Any] = sqlalchemy.cast(whole, types.Double()) * literal_column(
        "0.00390625e0"
    )
    pivot = sqlalchemy.case((coarse, rounded), else_=mean)
    away = cell - pivot
    # Only within 64 bits may a number be made a whole one.
    on_grid = sqlalchemy.cast(cell * _GRID, types.BigInteger()) == cell * _GRID
    small = func.abs(cell) < literal_column("1e15")
    off = sqlalchemy.case(
        (cell.is_(None), 0), (small, sqlalchemy.case((on_grid, 0), else_=1)), else_=1
    )
    return {
        "pivot": func.min(pivot),
        "once": func.sum(away),
        "twice": func.sum(away * away),
        "off": func.sum(off),
    }


def are_exact(found: Mapping[str, Any], n: int, column: Column) -> bool:
    """Return whether the sums of `n` numbers are exact, so that each database has the same."""
    if column.kind in ("integer", "boolean"):
        return found["once"] is not None
    wide = float(found["maximum"]) - float(found["minimum"])
    # Each square is a multiple of 1/65536, and so are their sums, as long as 53 bits hold them.
    squares = Fraction(n) * Fraction(wide + 1) ** 2 * _GRID**2
    return int(found["off"]) == 0 and wide >= _WIDE and squares < 2**53


def moments_of(found: Mapping[str, Any], n: int, column: Column) -> Moments:
    """Return the moments that the sums of `n` numbers give: a population's, as scikit-learn's."""
    if column.kind in ("integer", "boolean"):
        once = int(found["once"])
        if "twice" in found:
            twice = int(found["twice"])
        else:
            twice = (int(found["high"]) << _HALF_BITS) + int(found["low"])
        return _exact(Fraction(int(found["pivot"])), Fraction(once), Fraction(twice), n)
    pivot, once_about, twice_about = (
        Fraction(float(found[name])) for name in ("pivot", "once", "twice")
    )
    return _exact(pivot, once_about, twice_about, n)


def moments_of_counts(counted: Iterable[tuple[int | float, int]]) -> Moments:
    """Return the exact moments of numbers that are there so often.

    >>> moments_of_counts([(1, 3), (5.0, 1)]).mean
    2.0
    """
    n = once = twice = 0
    for number, count in counted:
        # Whole multiples of the least double: exact, and faster than fractions.
        top, bottom = number.as_integer_ratio()
        whole = top << (_DOUBLE_BITS + 1 - bottom.bit_length())
        n, once, twice = n + count, once + whole * count, twice + whole * whole * count
    unit = 2**_DOUBLE_BITS
    return _exact(Fraction(0), Fraction(once, unit), Fraction(twice, unit * unit), n)


def _exact(pivot: Fraction, once: Fraction, twice: Fraction, n: int) -> Moments:
    # What is exact in binary stays so to the last division.
    variance = max(twice / n - (once / n) ** 2, Fraction(0))
    return Moments(float(pivot + once / n), math.sqrt(variance))
