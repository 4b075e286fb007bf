"""Kinds that look into each value, so that SQL can only count the different ones for them."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from edgerec.columns import ColumnStatistics, StatisticsNeeded
from edgerec.errors import ConfigurationError
from edgerec.features.tabular.collect import Collector, sorted_counts
from edgerec.features.tabular.transform import Transform
from edgerec.features.tabular.values import Key

Members = Callable[[object], Iterable[Key] | None]


class MemberCounter(Collector):
    """Counts the members (words, list entries) of each value.

    >>> counter = MemberCounter(str.split)
    >>> counter.add(["red red blue"], [3])
    >>> counter.in_rows, counter.in_all
    (Counter({'red': 3, 'blue': 3}), Counter({'red': 6, 'blue': 3}))
    """

    def __init__(self, members: Members) -> None:
        self._members = members
        self.n_rows = 0
        self.n_null = 0
        self.in_rows: Counter[Key] = Counter()
        """rows in which the member stands"""
        self.in_all: Counter[Key] = Counter()
        """how often it stands in all rows"""

    def add(self, values: Sequence[object], counts: Sequence[int] | None = None) -> None:
        """Take in a chunk."""
        for value, count in zip(values, counts or [1] * len(values), strict=True):
            self.n_rows += count
            members = self._members(value)
            if members is None:
                self.n_null += count
                continue
            for member, n in Counter(members).items():
                self.in_rows[member] += count
                self.in_all[member] += count * n

    def statistics(self) -> ColumnStatistics:
        """Return the members as if they were the values of a column."""
        top = sorted_counts(Counter(self.in_rows))
        return ColumnStatistics(
            self.n_rows, self.n_null, n_distinct=len(top), top_values=tuple(top)
        )


class FromRows(Transform):
    """A kind that is fitted on rows, or on every different value and its count."""

    fitted_from = "values"

    def needs(self, n_rows: int | None = None) -> StatisticsNeeded:
        """Return that every value has to be counted."""
        return StatisticsNeeded(n_top_values=-1)

    def _collected(self, statistics: ColumnStatistics) -> Collector:
        if not statistics.is_complete:
            n = sum(count for _, count in statistics.top_values)
            raise ConfigurationError(
                f"Feature kind {self.kind!r} needs every value of its column with its count, but "
                f"top_values has {n} of {statistics.n_values} rows. Fit it on the rows instead."
            )
        collector = self._collector()
        collector.add(
            [value for value, _ in statistics.top_values] + [None],
            [count for _, count in statistics.top_values] + [statistics.n_null],
        )
        return collector
