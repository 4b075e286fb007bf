"""SQL sums from which Python gets an exact mean and standard deviation.

A sum of squares loses its digits when the mean is far from zero, so both sums are about a pivot.
Integers are summed exactly, about their minimum. Other numbers are summed as doubles about a
pivot near the mean: rounded to 1/256, so that numbers which are exact in binary, such as half
stars, have exact differences and sums, the same in every database.
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

__all__ = ["Moments", "moments_of", "moments_of_integers", "pivots", "sums"]

Elements = dict[str, ColumnElement[Any]]

_HALF_BITS = 31  # SQLite sums integers in 64 bits: squares are summed in halves


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
    coarse = (first["most"] - first["least"] >= 0.125) & (func.abs(mean) < 1e15)
    whole = sqlalchemy.cast(mean * 256, types.BigInteger())
    rounded: ColumnElement[Any] = sqlalchemy.cast(whole, types.Double()) * literal_column(
        "0.00390625e0"
    )
    pivot = sqlalchemy.case((coarse, rounded), else_=mean)
    away = cell - pivot
    return {"pivot": func.min(pivot), "once": func.sum(away), "twice": func.sum(away * away)}


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


def moments_of_integers(numbers: Iterable[int]) -> Moments:
    """Return the moments of integers that are too far apart for SQLite to sum."""
    n = once = twice = 0
    for number in numbers:
        n, once, twice = n + 1, once + number, twice + number * number
    return _exact(Fraction(0), Fraction(once), Fraction(twice), n)


def _exact(pivot: Fraction, once: Fraction, twice: Fraction, n: int) -> Moments:
    # What is exact in binary stays so to the last division.
    variance = max(twice / n - (once / n) ** 2, Fraction(0))
    return Moments(float(pivot + once / n), math.sqrt(variance))
