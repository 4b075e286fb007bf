"""Moments to numbers: parts of the date, and the age at a reference time. All in UTC."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgerec.columns import ColumnStatistics
from edgerec.features.tabular.collect import Collector, ColumnCollector, Moments
from edgerec.features.tabular.from_rows import FromRows
from edgerec.features.tabular.options import choice, flag, real, several, time
from edgerec.features.tabular.scaling import Numbers, NumberTransform
from edgerec.features.tabular.transform import INDICATOR, Array
from edgerec.features.tabular.values import moment, seconds

_PARTS: Final[Mapping[str, Callable[[datetime], int]]] = {
    "year": lambda time: time.year,
    "month": lambda time: time.month,
    "day": lambda time: time.day,
    "weekday": lambda time: time.weekday(),
    "day_of_year": lambda time: time.timetuple().tm_yday,
    "hour": lambda time: time.hour,
}
_PERIODS: Final = {
    "month": (1, 12),
    "day": (1, 31),
    "weekday": (0, 7),
    "day_of_year": (1, 366),
    "hour": (0, 24),
}
"""first value and length of the circle"""
_UNITS: Final = {"hours": 3600.0, "days": 86_400.0, "years": 365.2425 * 86_400}


class _PartMeans(Collector):
    def __init__(self, read: Callable[[Sequence[object]], Numbers], n_parts: int) -> None:
        self._read = read
        self.moments = [Moments() for _ in range(n_parts)]

    def add(self, values: Sequence[object], counts: Sequence[int] | None = None) -> None:
        table = self._read(values)
        if counts is not None:
            table = np.repeat(table, counts, axis=0)
        for moments, part in zip(self.moments, table.T, strict=True):
            moments.add(part)

    def statistics(self) -> ColumnStatistics:
        raise NotImplementedError


class DateParts(FromRows):
    """Year, month, weekday (0 is Monday), hour … of a date, as numbers or as points on a circle.

    >>> transform = DateParts(parts=("year", "weekday")).fit_columns([[["2024-01-01"]]])
    >>> transform.transform_columns([["2020-02-29T12:00:00", None]]).tolist()
    [[2020.0, 5.0], [2024.0, 0.0]]
    """

    kind = "date_parts"
    options = (
        several("parts", ("year", "month", "weekday", "hour"), "which parts", tuple(_PARTS)),
        flag("cyclical", False, "give sine and cosine instead of the number, except of the year"),
        INDICATOR,
    )
    accepts = ("date", "datetime", "text", "integer", "number")
    fitted = ("means_",)
    missing = "the fitted rows' mean of each part; 0 for sine and cosine"
    unseen = "its parts"

    def __init__(
        self,
        parts: tuple[str, ...] = ("year", "month", "weekday", "hour"),
        cyclical: bool = False,
        add_indicator: bool = False,
    ) -> None:
        self.parts = parts
        self.cyclical = cyclical
        self.add_indicator = add_indicator

    def _read(self, values: Sequence[object]) -> Numbers:
        table = np.full((len(values), len(self.parts)), math.nan)
        for row, value in enumerate(values):
            if (time := moment(value)) is not None:
                table[row] = [_PARTS[part](time) for part in self.parts]
        return table

    def _collector(self) -> _PartMeans:
        return _PartMeans(self._read, len(self.parts))

    def _learn(self, collectors: Sequence[Any]) -> None:
        self.means_ = [[one.mean or 0.0 for one in parts.moments] for parts in collectors]

    def _column(self, position: int, values: Sequence[object]) -> Array:
        table = self._read(values)
        columns = []
        for part, numbers, mean in zip(self.parts, table.T, self.means_[position], strict=True):
            if self.cyclical and part in _PERIODS:
                first, length = _PERIODS[part]
                angle = (numbers - first) * (2 * math.pi / length)
                columns += [np.nan_to_num(np.sin(angle)), np.nan_to_num(np.cos(angle))]
            else:
                columns.append(np.where(np.isnan(numbers), mean, numbers))
        return np.stack(columns, axis=1)

    def _names(self, position: int, name: str) -> list[str]:
        names: list[str] = []
        for part in self.parts:
            round_ = self.cyclical and part in _PERIODS
            names += [f"{name}_{part}_sin", f"{name}_{part}_cos"] if round_ else [f"{name}_{part}"]
        return names

    def _is_missing(self, values: Sequence[object]) -> NDArray[np.bool_]:
        return np.array([moment(value) is None for value in values], bool)


class Age(NumberTransform):
    """Time from a date to a reference time; below 0 for what comes after it.

    The reference is a setting and never the present, so that a file gives the same tomorrow.

    >>> transform = Age(reference="2024-01-31").fit_columns([[["2024-01-01", None]]])
    >>> transform.transform_columns([["2024-01-30", "2024-02-01T12:00:00", None]]).tolist()
    [[1.0], [-1.5], [30.0]]
    """

    kind = "age"
    options = (
        time("reference", "the time at which the age is asked for, such as the training cut-off"),
        choice("unit", "days", "a year is 365.2425 days", tuple(_UNITS)),
        real("fill_value", None, "the age of what has no date; None: the mean age"),
        INDICATOR,
    )
    accepts = ("date", "datetime", "text", "integer", "number")
    numeric = False
    missing = "the mean age of the fitted rows, or `fill_value`"

    def __init__(
        self,
        reference: date | str | None = None,
        unit: str = "days",
        fill_value: float | None = None,
        add_indicator: bool = False,
    ) -> None:
        self.reference = reference
        self.unit = unit
        self.fill_value = fill_value
        self.add_indicator = add_indicator

    def _collector(self) -> ColumnCollector:
        return ColumnCollector(self.needs, _all_seconds)

    def _centre(self, statistics: ColumnStatistics) -> float:
        if statistics.n_values == 0:
            return 0.0
        return float(self._age(super()._centre(statistics)))

    def _age(self, times: Any) -> Any:
        return (seconds(self.reference) - times) / _UNITS[self.unit]

    def _column(self, position: int, values: Sequence[object]) -> Array:
        age = self._age(_all_seconds(values))
        return np.where(np.isnan(age), self.fill_[position], age)[:, None]

    def _scaled(self, position: int, values: Numbers) -> Numbers:
        raise NotImplementedError

    def _is_missing(self, values: Sequence[object]) -> NDArray[np.bool_]:
        return np.isnan(_all_seconds(values))


def _all_seconds(values: Sequence[object]) -> Numbers:
    return np.array([seconds(value) for value in values], np.float64)
