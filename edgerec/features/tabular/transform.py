"""What every feature kind has in common: a scikit-learn transformer over columns of raw values."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, ClassVar, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted, validate_data

from edgerec.columns import COLUMN_KINDS, ColumnKind, ColumnStatistics, StatisticsNeeded
from edgerec.errors import ConfigurationError, StateError
from edgerec.features.tabular.collect import Collector, ColumnCollector
from edgerec.features.tabular.options import Option, check_options, flag
from edgerec.features.tabular.values import LARGEST, keys

FittedFrom = Literal["nothing", "aggregates", "values", "labels"]
Array = NDArray[Any]
Columns = Sequence[Sequence[object]]

INDICATOR: Final = flag(
    "add_indicator", False, "append a column that is 1 where the value is missing"
)


class Transform(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """One feature kind; each input column is transformed on its own.

    `fit` and `transform` take a table [n, columns] as scikit-learn has it. `fit_columns` and
    `transform_columns` take columns of raw values (None, bool, int, float, str, date, …) as a
    database yields them, in chunks. Both fit the same statistics, as does `from_statistics`.
    What comes out is float32 and finite.
    """

    kind: ClassVar[str]
    options: ClassVar[tuple[Option, ...]] = ()
    accepts: ClassVar[tuple[ColumnKind, ...]] = COLUMN_KINDS
    n_columns: ClassVar[tuple[int, int | None]] = (1, None)
    """the least and the most columns that a rule of this kind names"""
    fitted: ClassVar[tuple[str, ...]] = ()
    """fitted attributes, each a list with one entry per column"""
    fitted_from: ClassVar[FittedFrom] = "nothing"
    """aggregates of a column, every value with its count, rows with labels, or nothing at all"""
    numeric: ClassVar[bool] = False
    """whether a table to fit must hold numbers"""
    missing: ClassVar[str]
    """what a missing value gives, in words"""
    unseen: ClassVar[str]
    """what a value gives that was not there when fitting, in words"""

    def needs(self, n_rows: int | None = None) -> StatisticsNeeded:
        """Return which aggregates suffice to fit a column of so many rows (None: of many)."""
        return StatisticsNeeded()

    def check(self) -> None:
        """Raise ConfigurationError where an option is not allowed."""
        check_options(self.kind, self.options, self.get_params(deep=False))

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit to a table; `y` is ignored."""
        self.check()
        columns = self._split(X, reset=True)
        return self.fit_columns([columns], len(columns))

    def fit_columns(self, chunks: Iterable[Columns], n_columns: int = 1) -> Self:
        """Fit to chunks of so many columns, read once; only statistics stay in memory."""
        collectors = self.start(n_columns)
        for columns in chunks:
            for collector, values in zip(collectors, columns, strict=True):
                collector.add(values)
        return self.finish(collectors)

    def start(self, n_columns: int) -> list[Collector]:
        """Return one collector per column, to which chunks are added before `finish`."""
        self.check()
        return [self._collector() for _ in range(n_columns)]

    def finish(self, collectors: Sequence[Collector]) -> Self:
        """Fit to what the collectors have been given."""
        self.n_features_in_ = len(collectors)
        self._learn(collectors)
        return self

    @classmethod
    def from_statistics(cls, statistics: Sequence[ColumnStatistics], **options: Any) -> Self:
        """Return the transformer that `fit` gives on the rows which the statistics are of.

        Raises
        ------
        ConfigurationError
            A statistic that `needs` names is not there.
        """
        transform = cls(**options)
        transform.check()
        return transform.finish([transform._collected(one) for one in statistics])

    def transform(self, X: Any) -> Any:
        """Transform a table: float32 [n, width]."""
        check_is_fitted(self)
        return self.transform_columns(self._split(X, reset=False))

    def transform_columns(self, columns: Columns) -> NDArray[np.float32]:
        """Transform columns of raw values: float32 [n, width]."""
        n_rows = len(columns[0]) if columns else 0
        parts: list[Array] = [np.zeros((n_rows, 0))]
        for position, values in enumerate(columns):
            parts.append(self._column(position, values))
            if getattr(self, "add_indicator", False):
                parts.append(self._is_missing(values)[:, None])
        whole = np.concatenate(parts, axis=1, dtype=np.float64)
        return np.clip(whole, -LARGEST, LARGEST).astype(np.float32)

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return the name of each column that comes out."""
        check_is_fitted(self)
        names: list[str] = []
        for position, name in enumerate(_check_feature_names_in(self, input_features)):
            names += self._names(position, str(name))
            if getattr(self, "add_indicator", False):
                names.append(f"{name}_missing")
        return np.array(names, object)

    @property
    def width(self) -> int:
        """How many columns come out."""
        return len(self.get_feature_names_out())

    def to_state(self) -> dict[str, Any]:
        """Return everything that `transform_columns` needs, as plain JSON types."""
        check_is_fitted(self)
        fitted = {name: _jsonable(getattr(self, name)) for name in self.fitted}
        return {
            "kind": self.kind,
            "options": _jsonable(self.get_params(deep=False)),
            "n_columns": int(self.n_features_in_),
            "fitted": fitted,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Return the transformer whose `to_state` it is.

        Raises
        ------
        StateError
            It is the state of another kind, or not whole.
        """
        try:
            if state["kind"] != cls.kind:
                raise StateError(
                    f"This is the state of feature kind {state['kind']!r}, but {cls.kind!r} was "
                    "expected. Fit the features again."
                )
            options = {
                name: tuple(value) if isinstance(value, list) else value
                for name, value in state["options"].items()
            }
            transform = cls(**options)
            transform.n_features_in_ = state["n_columns"]
            for name in cls.fitted:
                setattr(transform, name, state["fitted"][name])
        except (KeyError, TypeError, AttributeError) as error:
            raise StateError(
                f"The state of feature kind {cls.kind!r} is not whole ({error!r}). Fit the "
                "features again."
            ) from None
        return transform

    # What a kind fills in.

    @abstractmethod
    def _learn(self, collectors: Sequence[Any]) -> None:
        """Set the fitted attributes from what was collected of each column."""

    @abstractmethod
    def _column(self, position: int, values: Sequence[object]) -> Array:
        """Transform one column: [n, w], never NaN."""

    def _names(self, position: int, name: str) -> list[str]:
        return [name]

    def _is_missing(self, values: Sequence[object]) -> NDArray[np.bool_]:
        return np.array([key is None for key in keys(values)], bool)

    def _collector(self) -> Collector:
        return ColumnCollector(self.needs)

    def _collected(self, statistics: ColumnStatistics) -> Collector:
        """Return a collector as if it had read the rows that the statistics are of."""
        return _Given(statistics)

    # Machinery.

    def _split(self, X: Any, reset: bool) -> Columns:
        if not self.numeric and isinstance(X, list | tuple) and X and isinstance(X[0], list):
            table = np.empty((len(X), len(X[0])), object)
            for position, row in enumerate(X):
                table[position] = row
            X = table
        X = validate_data(
            self,
            X,
            reset=reset,
            dtype=np.float64 if self.numeric else None,
            ensure_all_finite="allow-nan" if self.numeric else False,
        )
        return [X[:, position] for position in range(X.shape[1])]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = not self.numeric
        tags.input_tags.string = not self.numeric
        tags.transformer_tags.preserves_dtype = []
        return tags


class _Given(Collector):
    """Statistics that somebody else computed."""

    def __init__(self, statistics: ColumnStatistics) -> None:
        self._statistics = statistics

    def statistics(self) -> ColumnStatistics:
        return self._statistics


def required(statistics: ColumnStatistics, name: str, kind: str) -> float:
    """Return an aggregate, 0 of a column without values.

    >>> required(ColumnStatistics(2, mean=1.5), "mean", "standard")
    1.5
    """
    found: float | None = getattr(statistics, name)
    if found is None:
        if statistics.n_values == 0:
            return 0.0
        raise ConfigurationError(
            f"Feature kind {kind!r} needs the {name} of its column, but the statistics hold none. "
            "Ask needs() which to compute."
        )
    return float(found)


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _jsonable(one) for name, one in value.items()}
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_jsonable(one) for one in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
