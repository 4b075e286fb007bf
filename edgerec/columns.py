"""What rooms tell each other about columns of tables: their kinds and their statistics.

`features.tabular` says what it needs and knows no SQL; `source` computes it and knows no features.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, get_args

ColumnKind = Literal["integer", "number", "text", "boolean", "date", "datetime", "json"]
COLUMN_KINDS: Final[tuple[ColumnKind, ...]] = get_args(ColumnKind)


@dataclass(frozen=True)
class ColumnStatistics:
    """Aggregates of one column, from SQL or from rows; what was not asked for is left out.

    Dates and times count as Unix seconds, booleans as 0 and 1. Numbers of a column of integers
    are ints, so that none is rounded.
    """

    n_rows: int
    """all rows, those without a value too"""
    n_null: int = 0
    """rows without a value (None, NaN, infinite)"""
    minimum: float | None = None
    """None: no value, or no numbers"""
    maximum: float | None = None
    """None: no value, or no numbers"""
    mean: float | None = None
    """of the values that are there"""
    standard_deviation: float | None = None
    """of the population (divided by n), as scikit-learn's scaler has it"""
    n_distinct: int | None = None
    """how many different values there are; None: not counted"""
    quantiles: tuple[tuple[float, float], ...] = ()
    """(share, value) pairs, interpolated linearly between the two nearest values, as NumPy does"""
    top_values: tuple[tuple[object, int], ...] = ()
    """(value, rows that have it) of the most frequent values; equal counts are all in or all out"""

    @property
    def n_values(self) -> int:
        """Rows that have a value.

        >>> ColumnStatistics(n_rows=5, n_null=2).n_values
        3
        """
        return self.n_rows - self.n_null

    @property
    def is_complete(self) -> bool:
        """Whether `top_values` lists every value.

        >>> ColumnStatistics(n_rows=5, n_null=2, top_values=(("a", 2), ("b", 1))).is_complete
        True
        """
        return sum(count for _, count in self.top_values) == self.n_values


@dataclass(frozen=True)
class StatisticsNeeded:
    """Which aggregates of a column have to be computed; n_rows and n_null always are."""

    moments: bool = False
    """minimum, maximum, mean, standard deviation"""
    quantiles: tuple[float, ...] = ()
    """shares from 0 to 1"""
    n_top_values: int = 0
    """that many of the most frequent values, and those as frequent as the last; -1: every value"""
    n_distinct: bool = False
    """how many different values there are, which a database sorts or hashes for"""

    @staticmethod
    def union(parts: "Iterable[StatisticsNeeded]") -> "StatisticsNeeded":
        """Return what serves all of them, so that one query does.

        >>> StatisticsNeeded.union([StatisticsNeeded(quantiles=(0.5,)), StatisticsNeeded(True)])
        StatisticsNeeded(moments=True, quantiles=(0.5,), n_top_values=0, n_distinct=False)
        """
        needed = list(parts)
        tops = [part.n_top_values for part in needed]
        return StatisticsNeeded(
            moments=any(part.moments for part in needed),
            quantiles=tuple(sorted({share for part in needed for share in part.quantiles})),
            n_top_values=-1 if -1 in tops else max(tops, default=0),
            n_distinct=any(part.n_distinct for part in needed),
        )
