"""Numbers bent or cut: log, clip, and rows brought to length 1."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import normalize

from edgerec.columns import ColumnStatistics, StatisticsNeeded
from edgerec.errors import ConfigurationError
from edgerec.features.tabular.options import choice, flag, interval, real
from edgerec.features.tabular.scaling import FILL, Numbers, NumberTransform, quantile
from edgerec.features.tabular.transform import INDICATOR, Array, Columns, Transform
from edgerec.features.tabular.values import LARGEST, numbers


class Log(NumberTransform):
    """log(1 + x); what is negative counts as 0, or keeps its sign with `sign_safe`.

    >>> Log(sign_safe=True).fit_columns([[[0]]]).transform_columns([[0, -1]]).round(3).tolist()
    [[0.0], [-0.693...]]
    """

    kind = "log"
    options = (
        flag("sign_safe", False, "give sign(x) * log(1 + |x|) instead of 0 for a negative x"),
        FILL,
        INDICATOR,
    )

    def __init__(
        self,
        sign_safe: bool = False,
        fill_value: float | None = None,
        add_indicator: bool = False,
    ) -> None:
        self.sign_safe = sign_safe
        self.fill_value = fill_value
        self.add_indicator = add_indicator

    def _scaled(self, position: int, values: Numbers) -> Numbers:
        if self.sign_safe:
            return np.sign(values) * np.log1p(np.abs(values))
        return np.log1p(np.maximum(values, 0))


class Clip(NumberTransform):
    """What lies beyond two bounds is moved to them.

    >>> Clip(maximum=3).fit_columns([[[1, 2]]]).transform_columns([[-9, 2, 9]]).tolist()
    [[-9.0], [2.0], [3.0]]
    """

    kind = "clip"
    options = (
        real("minimum", None, "the lower bound"),
        real("maximum", None, "the upper bound"),
        interval(
            "quantile_range",
            None,
            "quantiles in per cent of the fitted rows that are the bounds where none is given",
            0,
            100,
        ),
        FILL,
        INDICATOR,
    )
    fitted = ("fill_", "minimum_", "maximum_")
    unseen = "moved to the nearer bound where it lies beyond"

    def __init__(
        self,
        minimum: float | None = None,
        maximum: float | None = None,
        quantile_range: tuple[float, float] | None = None,
        fill_value: float | None = None,
        add_indicator: bool = False,
    ) -> None:
        self.minimum = minimum
        self.maximum = maximum
        self.quantile_range = quantile_range
        self.fill_value = fill_value
        self.add_indicator = add_indicator

    def check(self) -> None:
        """Raise ConfigurationError where an option is not allowed."""
        super().check()
        low, high = self.minimum, self.maximum
        if low is not None and high is not None and low >= high:
            raise ConfigurationError(
                f"Option maximum of feature kind 'clip' must be above minimum, {low!r}, "
                f"but is {high!r}."
            )

    def needs(self, n_rows: int | None = None) -> StatisticsNeeded:
        """Return the moments, and the quantiles if they are the bounds."""
        shares = tuple(share / 100 for share in self.quantile_range or ())
        return StatisticsNeeded(moments=True, quantiles=shares)

    def _learn_scale(self, statistics: Sequence[ColumnStatistics]) -> None:
        self.minimum_ = [self._bound(one, 0, self.minimum, -LARGEST) for one in statistics]
        self.maximum_ = [self._bound(one, 1, self.maximum, LARGEST) for one in statistics]

    def _bound(
        self, statistics: ColumnStatistics, side: int, given: float | None, none: float
    ) -> float:
        if given is not None:
            return float(given)
        if self.quantile_range is None or statistics.n_values == 0:
            return none
        return quantile(statistics, self.quantile_range[side] / 100, self.kind)

    def _scaled(self, position: int, values: Numbers) -> Numbers:
        low, high = self.minimum_[position], self.maximum_[position]
        return np.minimum(np.maximum(values, low), high)


class Normalize(Transform):
    """The columns of a rule as one vector of length 1 (normalize).

    >>> Normalize("l1").fit_columns([], 2).transform_columns([[1, 0], [3, 0]]).tolist()
    [[0.25, 0.75], [0.0, 0.0]]
    """

    kind = "normalize"
    options = (
        choice(
            "norm",
            "l2",
            "the length: root of squares, sum of |x|, or largest |x|",
            ("l1", "l2", "max"),
        ),
    )
    accepts = ("integer", "number", "boolean")
    numeric = True
    missing = "0"
    unseen = "transformed by the same formula"

    def __init__(self, norm: str = "l2") -> None:
        self.norm = norm

    def _learn(self, collectors: Sequence[Any]) -> None:
        """Nothing is fitted."""

    def transform_columns(self, columns: Columns) -> NDArray[np.float32]:
        """Transform columns of raw values: float32 [n, width]."""
        table = np.nan_to_num(np.stack([numbers(values) for values in columns], axis=1))
        if len(table):
            table = normalize(table, self.norm)
        return np.clip(table, -LARGEST, LARGEST).astype(np.float32)

    def _column(self, position: int, values: Sequence[object]) -> Array:
        raise NotImplementedError
