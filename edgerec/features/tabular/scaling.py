"""Numbers scaled: identity, min-max, standard, max-abs, robust.

Definitions and names are scikit-learn's. A missing number counts as the column's mean (robust: its
median), or as `fill_value`, before it is scaled. A spread below ten machine epsilons counts as
that of a constant column, which is divided by 1.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from edgerec.columns import ColumnKind, ColumnStatistics, StatisticsNeeded
from edgerec.errors import ConfigurationError
from edgerec.features.tabular.collect import Collector
from edgerec.features.tabular.options import flag, interval, real
from edgerec.features.tabular.transform import INDICATOR, Array, Transform, required
from edgerec.features.tabular.values import numbers

Numbers = NDArray[np.float64]
FILL: Final = real("fill_value", None, "what a missing number counts as; None: the column's mean")
_EPSILON: Final = 10 * float(np.finfo(np.float64).eps)


def spread_or_one(spread: float) -> float:
    """Return what to divide by: 1 where all values are (nearly) the same.

    >>> spread_or_one(0.0), spread_or_one(2.0)
    (1.0, 2.0)
    """
    return 1.0 if spread < _EPSILON else spread


def quantile(statistics: ColumnStatistics, share: float, kind: str) -> float:
    """Return a quantile that the statistics hold, 0 of a column without values.

    >>> quantile(ColumnStatistics(2, quantiles=((0.5, 7.0),)), 0.5, "robust")
    7.0
    """
    if statistics.n_values == 0:
        return 0.0
    for known, value in statistics.quantiles:
        if abs(known - share) < 1e-9:
            return float(value)
    raise ConfigurationError(
        f"Feature kind {kind!r} needs the quantile {share:g} of its column, but the statistics "
        "hold none. Ask needs() which to compute."
    )


class NumberTransform(Transform):
    """One number in, one number out."""

    accepts: ClassVar[tuple[ColumnKind, ...]] = ("integer", "number", "boolean")
    fitted_from = "aggregates"
    numeric = True
    fitted: ClassVar[tuple[str, ...]] = ("fill_",)
    missing = "transformed as the column's mean, or as `fill_value`"
    unseen = "transformed by the same formula, also beyond the fitted range"

    fill_value: float | None

    def needs(self, n_rows: int | None = None) -> StatisticsNeeded:
        """Return the moments."""
        return StatisticsNeeded(moments=True)

    def _learn(self, collectors: Sequence[Collector]) -> None:
        statistics = [collector.statistics() for collector in collectors]
        self.fill_ = [
            self._centre(one) if self.fill_value is None else float(self.fill_value)
            for one in statistics
        ]
        self._learn_scale(statistics)

    def _centre(self, statistics: ColumnStatistics) -> float:
        return required(statistics, "mean", self.kind)

    def _learn_scale(self, statistics: Sequence[ColumnStatistics]) -> None:
        """Set what else is fitted."""

    def _column(self, position: int, values: Sequence[object]) -> Array:
        read = numbers(values)
        read[np.isnan(read)] = self.fill_[position]
        return self._scaled(position, read)[:, None]

    def _is_missing(self, values: Sequence[object]) -> NDArray[np.bool_]:
        return np.isnan(numbers(values))

    @abstractmethod
    def _scaled(self, position: int, values: Numbers) -> Numbers:
        """Transform numbers."""


class Identity(NumberTransform):
    """The number as it is.

    >>> Identity().fit_columns([[[1, None, 3]]]).transform_columns([[None, 7]]).tolist()
    [[2.0], [7.0]]
    """

    kind = "identity"
    options = (FILL, INDICATOR)

    def __init__(self, fill_value: float | None = None, add_indicator: bool = False) -> None:
        self.fill_value = fill_value
        self.add_indicator = add_indicator

    def _scaled(self, position: int, values: Numbers) -> Numbers:
        return values


class MinMax(NumberTransform):
    """The fitted minimum and maximum to `feature_range` (MinMaxScaler).

    >>> MinMax().fit_columns([[[2, 4]]]).transform_columns([[2, 3, 6, None]]).tolist()
    [[0.0], [0.5], [2.0], [0.5]]
    """

    kind = "min_max"
    options = (
        interval("feature_range", (0, 1), "where the minimum and the maximum come to lie"),
        flag("clip", False, "cut what lies beyond the fitted range to `feature_range`"),
        FILL,
        INDICATOR,
    )
    fitted = ("fill_", "data_min_", "data_max_")

    def __init__(
        self,
        feature_range: tuple[float, float] = (0, 1),
        clip: bool = False,
        fill_value: float | None = None,
        add_indicator: bool = False,
    ) -> None:
        self.feature_range = feature_range
        self.clip = clip
        self.fill_value = fill_value
        self.add_indicator = add_indicator

    def _learn_scale(self, statistics: Sequence[ColumnStatistics]) -> None:
        self.data_min_ = [required(one, "minimum", self.kind) for one in statistics]
        self.data_max_ = [required(one, "maximum", self.kind) for one in statistics]

    def _scaled(self, position: int, values: Numbers) -> Numbers:
        low, high = self.feature_range
        least = self.data_min_[position]
        spread = spread_or_one(self.data_max_[position] - least)
        scaled = (values - least) / spread * (high - low) + low
        return np.clip(scaled, low, high) if self.clip else scaled


class Standard(NumberTransform):
    """Mean 0 and standard deviation 1 of the fitted rows (StandardScaler).

    >>> Standard().fit_columns([[[1, 3]]]).transform_columns([[1, 3, None]]).tolist()
    [[-1.0], [1.0], [0.0]]
    """

    kind = "standard"
    options = (
        flag("with_mean", True, "subtract the mean"),
        flag("with_std", True, "divide by the standard deviation of the population"),
        FILL,
        INDICATOR,
    )
    fitted = ("fill_", "mean_", "scale_")

    def __init__(
        self,
        with_mean: bool = True,
        with_std: bool = True,
        fill_value: float | None = None,
        add_indicator: bool = False,
    ) -> None:
        self.with_mean = with_mean
        self.with_std = with_std
        self.fill_value = fill_value
        self.add_indicator = add_indicator

    def _learn_scale(self, statistics: Sequence[ColumnStatistics]) -> None:
        self.mean_ = [required(one, "mean", self.kind) for one in statistics]
        self.scale_ = []
        for one in statistics:
            spread = required(one, "standard_deviation", self.kind)
            # A database may leave a rounding error where all values are the same.
            self.scale_.append(1.0 if one.minimum == one.maximum else spread_or_one(spread))

    def _scaled(self, position: int, values: Numbers) -> Numbers:
        centre = self.mean_[position] if self.with_mean else 0.0
        return (values - centre) / (self.scale_[position] if self.with_std else 1.0)


class MaxAbs(NumberTransform):
    """Divided by the largest absolute value (MaxAbsScaler).

    >>> MaxAbs().fit_columns([[[-4, 2]]]).transform_columns([[-4, 2]]).tolist()
    [[-1.0], [0.5]]
    """

    kind = "max_abs"
    options = (FILL, INDICATOR)
    fitted = ("fill_", "max_abs_")

    def __init__(self, fill_value: float | None = None, add_indicator: bool = False) -> None:
        self.fill_value = fill_value
        self.add_indicator = add_indicator

    def _learn_scale(self, statistics: Sequence[ColumnStatistics]) -> None:
        self.max_abs_ = [
            max(abs(required(one, name, self.kind)) for name in ("minimum", "maximum"))
            for one in statistics
        ]

    def _scaled(self, position: int, values: Numbers) -> Numbers:
        return values / spread_or_one(self.max_abs_[position])


class Robust(NumberTransform):
    """Median 0, and 1 between two quantiles of the fitted rows (RobustScaler).

    >>> Robust().fit_columns([[[1, 2, 3, 4, 5]]]).transform_columns([[3, 5, None]]).tolist()
    [[0.0], [1.0], [0.0]]
    """

    kind = "robust"
    options = (
        flag("with_centering", True, "subtract the median"),
        flag("with_scaling", True, "divide by the distance of the two quantiles"),
        interval("quantile_range", (25.0, 75.0), "the two quantiles, in per cent", 0, 100),
        real("fill_value", None, "what a missing number counts as; None: the column's median"),
        INDICATOR,
    )
    fitted = ("fill_", "center_", "scale_")
    missing = "transformed as the column's median, or as `fill_value`"

    def __init__(
        self,
        with_centering: bool = True,
        with_scaling: bool = True,
        quantile_range: tuple[float, float] = (25.0, 75.0),
        fill_value: float | None = None,
        add_indicator: bool = False,
    ) -> None:
        self.with_centering = with_centering
        self.with_scaling = with_scaling
        self.quantile_range = quantile_range
        self.fill_value = fill_value
        self.add_indicator = add_indicator

    def needs(self, n_rows: int | None = None) -> StatisticsNeeded:
        """Return the median and the two quantiles."""
        low, high = self.quantile_range
        return StatisticsNeeded(quantiles=(low / 100, 0.5, high / 100))

    def _centre(self, statistics: ColumnStatistics) -> float:
        return quantile(statistics, 0.5, self.kind)

    def _learn_scale(self, statistics: Sequence[ColumnStatistics]) -> None:
        low, high = (share / 100 for share in self.quantile_range)
        self.center_ = [self._centre(one) for one in statistics]
        self.scale_ = [
            spread_or_one(quantile(one, high, self.kind) - quantile(one, low, self.kind))
            for one in statistics
        ]

    def _scaled(self, position: int, values: Numbers) -> Numbers:
        centre = self.center_[position] if self.with_centering else 0.0
        return (values - centre) / (self.scale_[position] if self.with_scaling else 1.0)
