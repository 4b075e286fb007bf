"""Statistics of a column that is read in chunks; the same whatever the chunks are.

Sums are exact (Fractions of a few float64 parts), so mean and standard deviation come out rounded
once, in any order of rows. Quantiles are exact up to a million values; beyond, they are those of a
million drawn by row number.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.columns import ColumnStatistics, StatisticsNeeded
from edgerec.features.tabular.values import Key, keys, numbers, order

Array = NDArray[np.float64]
SAMPLE: Final = 1_000_000
_SPLIT: Final = 2.0**27 + 1


class ExactSum:
    """A sum of float64 that forgets nothing: three parts hold 159 bits.

    >>> one = ExactSum()
    >>> for value in (1e16, 1.0, -1e16):
    ...     one.add(np.array([value]))
    >>> float(one.total())
    1.0
    """

    def __init__(self) -> None:
        self._parts: list[float] = []

    def add(self, values: Array) -> None:
        """Add the values of a chunk."""
        terms = [*values.tolist(), *self._parts]
        self._parts = []
        for _ in range(3):
            part = math.fsum(terms)
            self._parts.append(part)
            if part == 0:
                break
            terms.append(-part)

    def total(self) -> Fraction:
        """Return the sum."""
        return sum(map(Fraction, self._parts), Fraction(0))


def _squares(values: Array) -> tuple[Array, Array]:
    """Return x * x as a rounded product and its rounding error (Dekker 1971)."""
    product = values * values
    big = values * _SPLIT
    high = big - (big - values)
    low = values - high
    return product, ((high * high - product) + 2 * high * low) + low * low


class Moments:
    """Count, minimum, maximum, mean and standard deviation of numbers; NaN is missing.

    >>> moments = Moments()
    >>> moments.add(np.array([1.0, 3.0, np.nan]))
    >>> moments.n_rows, moments.n_values, moments.mean, moments.standard_deviation
    (3, 2, 2.0, 1.0)
    """

    def __init__(self) -> None:
        self.n_rows = 0
        self.n_values = 0
        self.minimum: float | None = None
        self.maximum: float | None = None
        self._sum = ExactSum()
        self._squares = ExactSum()

    def add(self, values: Array) -> None:
        """Take in a chunk."""
        self.n_rows += len(values)
        there = values[~np.isnan(values)]
        if not len(there):
            return
        self.n_values += len(there)
        low, high = float(there.min()), float(there.max())
        self.minimum = low if self.minimum is None else min(low, self.minimum)
        self.maximum = high if self.maximum is None else max(high, self.maximum)
        self._sum.add(there)
        self._squares.add(np.concatenate(_squares(there)))

    @property
    def mean(self) -> float | None:
        """The mean of the values, None without any."""
        return float(self._sum.total() / self.n_values) if self.n_values else None

    @property
    def standard_deviation(self) -> float | None:
        """The population's standard deviation, None without a value."""
        if not self.n_values:
            return None
        mean = self._sum.total() / self.n_values
        variance = self._squares.total() / self.n_values - mean * mean
        return math.sqrt(max(variance, Fraction(0)))


class Reservoir:
    """All numbers of a column, up to `size`; beyond, a sample drawn by row number.

    Which rows are drawn depends on nothing but their number, so not on the chunks.
    """

    def __init__(self, size: int = SAMPLE) -> None:
        self._size = size
        self._n_seen = 0
        self._values: list[Array] = []
        self._ranks: list[NDArray[np.uint64]] = []
        self._n_kept = 0

    def add(self, values: Array) -> None:
        """Take in a chunk without missing values."""
        ranks = _scrambled(np.arange(self._n_seen, self._n_seen + len(values), dtype=np.uint64))
        self._n_seen += len(values)
        self._values.append(values)
        self._ranks.append(ranks)
        self._n_kept += len(values)
        if self._n_kept > 2 * self._size:
            self._shrink()

    def _shrink(self) -> None:
        values, ranks = np.concatenate(self._values), np.concatenate(self._ranks)
        if len(values) > self._size:
            kept = np.argpartition(ranks, self._size - 1)[: self._size]
            values, ranks = values[kept], ranks[kept]
        self._values, self._ranks, self._n_kept = [values], [ranks], len(values)

    def quantiles(self, shares: Sequence[float]) -> tuple[tuple[float, float], ...]:
        """Return (share, value) pairs; none where there is no value."""
        if not self._n_seen or not shares:
            return ()
        self._shrink()
        found = np.quantile(np.sort(self._values[0]), shares)
        return tuple(zip(shares, found.tolist(), strict=True))


def _scrambled(number: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return splitmix64 of row numbers: each 64-bit number once, in an order like chance."""
    mixed = (number + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    scrambled: NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
    return scrambled


class Collector:
    """What one column is reduced to while it is read; subclasses count what they need."""

    def add(self, values: Sequence[object], counts: Sequence[int] | None = None) -> None:
        """Take in a chunk; `counts` says how often each value stands (None: once)."""
        raise NotImplementedError

    def statistics(self) -> ColumnStatistics:
        """Return the aggregates that SQL would have computed of the same rows."""
        raise NotImplementedError


class ColumnCollector(Collector):
    """Collects the statistics that SQL can compute too."""

    def __init__(
        self,
        needed: Callable[[int], StatisticsNeeded],
        read: Callable[[Sequence[object]], Array] = numbers,
    ) -> None:
        self._read = read
        self._needed = needed
        self._asked = needed(0)
        self._moments = Moments()
        self._reservoir = Reservoir()
        self._counter: Counter[Key | None] = Counter()
        self._n_rows = 0

    def add(self, values: Sequence[object], counts: Sequence[int] | None = None) -> None:
        """Take in a chunk."""
        if counts is not None:
            values = [one for one, n in zip(values, counts, strict=True) for _ in range(n)]
        self._n_rows += len(values)
        if self._asked.n_top_values:
            self._counter.update(keys(values))
        if self._asked.moments or self._asked.quantiles:
            read = self._read(values)
            self._moments.add(read)
            if self._asked.quantiles:
                self._reservoir.add(read[~np.isnan(read)])

    def statistics(self) -> ColumnStatistics:
        """Return the aggregates of all that was added."""
        needed = self._needed(self._n_rows)
        if needed.n_top_values:
            n_null = self._counter[None]
            top = sorted_counts(self._counter)
            return ColumnStatistics(
                self._n_rows, n_null, n_distinct=len(top), top_values=tuple(top)
            )
        if not (needed.moments or needed.quantiles):
            return ColumnStatistics(self._n_rows)
        return ColumnStatistics(
            n_rows=self._n_rows,
            n_null=self._n_rows - self._moments.n_values,
            minimum=self._moments.minimum,
            maximum=self._moments.maximum,
            mean=self._moments.mean,
            standard_deviation=self._moments.standard_deviation,
            quantiles=self._reservoir.quantiles(needed.quantiles),
        )


def sorted_counts(counter: Counter[Key | None]) -> list[tuple[Key, int]]:
    """Return the values with their counts, most frequent first, then in their own order.

    >>> sorted_counts(Counter({"b": 2, "a": 2, None: 9, 3: 5}))
    [(3, 5), ('a', 2), ('b', 2)]
    """
    there = [(value, count) for value, count in counter.items() if value is not None]
    return sorted(there, key=lambda one: (-one[1], order(one[0])))
