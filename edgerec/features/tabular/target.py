"""Target mean: what share of a category's rows have label 1, out of fold.

A row must not see a mean that its own label went into; leaving the one row out is no cure, since
that gives the label away inversely. So there are K + 1 fits, as in `features.statistics`: fit
k < K leaves the users of fold k out and serves their rows, fit K has all and goes into the file.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_consistent_length, column_or_1d

from edgerec.errors import ConfigurationError
from edgerec.features.statistics import folds
from edgerec.features.tabular.options import integer, real
from edgerec.features.tabular.transform import Array, Columns, Transform
from edgerec.features.tabular.values import Key, key, keys, order

LabelledColumns = tuple[Columns, Sequence[float] | Array, Sequence[int] | Array]
"""columns of raw values, the label of each row, the fold (0 to K - 1) of each row's user"""

Group = tuple[object, int, int, float]
"""category, fold, count of rows, sum of their labels: a row of SQL's GROUP BY"""

_OPTIONS: Final = (
    real("smooth", 20.0, "how many rows the mean of all rows counts as", 0),
    integer("n_folds", 5, "groups of users; a row sees the mean without its user's group", 2, 100),
    integer("random_state", 0, "seed of the groups that `fit` draws itself", 0),
)


class Sums:
    """Count and sum of labels of each category in each fold."""

    def __init__(self, n_folds: int) -> None:
        self._n_folds = n_folds
        self.of_category: dict[Key | None, NDArray[np.float64]] = {}

    def add(self, category: Key | None, fold: int, n: float, total: float) -> None:
        """Add rows that are summed up already."""
        if category not in self.of_category:
            self.of_category[category] = np.zeros((self._n_folds, 2))
        self.of_category[category][fold] += n, total

    def add_rows(self, values: Sequence[object], labels: Array, fold: Array) -> None:
        """Add rows; those without a label do not count."""
        there = np.isfinite(labels)
        if not there.all():
            values = [value for value, stated in zip(values, there, strict=True) if stated]
            labels, fold = labels[there], fold[there]
        read = keys(values)
        places = {one: place for place, one in enumerate(dict.fromkeys(read))}
        cell = np.array([places[one] for one in read], np.int64) * self._n_folds + fold
        size = len(places) * self._n_folds
        counts = np.bincount(cell, minlength=size).reshape(-1, self._n_folds)
        totals = np.bincount(cell, labels, minlength=size).reshape(-1, self._n_folds)
        for one, place in places.items():
            known = self.of_category.setdefault(one, np.zeros((self._n_folds, 2)))
            known[:, 0] += counts[place]
            known[:, 1] += totals[place]


class TargetMean(Transform):
    """The mean label of a category, shrunk to that of all rows (TargetEncoder, binary).

    It is (sum + smooth * prior) / (count + smooth); rows without a label do not count. `fit` and
    `transform` use all rows; `fit_transform` gives each row the mean without its own fold, where
    rows of one of `groups` (the users) share a fold.

    >>> transform = TargetMean(smooth=1.0, n_folds=2)
    >>> rows = [["a", "a", "b", "b"]], [1, 1, 1, 0], [0, 1, 0, 1]
    >>> _ = transform.fit_labelled([rows])
    >>> transform.transform_columns([["a", "b", None]]).tolist()
    [[0.9166...], [0.5833...], [0.75]]
    >>> transform.transform_columns([["a", "b", None]], fold=0).tolist()
    [[0.75], [0.25], [0.5]]
    """

    kind = "target_mean"
    options = _OPTIONS
    fitted_from = "labels"
    fitted = ("categories_", "encodings_", "target_mean_")
    missing = "the mean label of all rows"
    unseen = "the mean label of all rows"

    def __init__(self, smooth: float = 20.0, n_folds: int = 5, random_state: int = 0) -> None:
        self.smooth = smooth
        self.n_folds = n_folds
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Fit to a table and its labels; rows of one of `groups` are in one fold."""
        self.check()
        columns = self._split(X, reset=True)
        labels = _labels(y, len(columns[0]))
        return self.fit_labelled([(columns, labels, self._folds(labels, groups))], len(columns))

    def fit_transform(self, X: Any, y: Any = None, groups: Any = None) -> Array:
        """Fit, and return for each row the mean without its own fold."""
        self.fit(X, y, groups)
        columns = self._split(X, reset=False)
        fold = self._folds(np.zeros(len(columns[0])), groups)
        every = np.stack([self.transform_columns(columns, one) for one in range(self.n_folds)])
        out_of_fold: Array = every[fold, np.arange(len(fold))]
        return out_of_fold

    def fit_labelled(self, chunks: Iterable[LabelledColumns], n_columns: int = 1) -> Self:
        """Fit to chunks of columns with the labels and the folds of their rows."""
        sums = self.start_labelled(n_columns)
        for columns, labels, fold in chunks:
            self.add_labelled(sums, columns, labels, fold)
        return self.finish_labelled(sums)

    @classmethod
    def from_groups(cls, columns: Sequence[Iterable[Group]], **options: Any) -> Self:
        """Return what `fit_labelled` gives on the rows that a database has grouped.

        >>> rows = [("a", 0, 1, 1.0), ("a", 1, 1, 1.0), ("b", 0, 1, 1.0), ("b", 1, 1, 0.0)]
        >>> transform = TargetMean.from_groups([rows], smooth=1.0, n_folds=2)
        >>> transform.transform_columns([["a"]], fold=0).tolist()
        [[0.75]]
        """
        transform = cls(**options)
        sums = transform.start_labelled(len(columns))
        for own, groups in zip(sums, columns, strict=True):
            for value, fold, n, total in groups:
                own.add(key(value), fold, n, total)
        return transform.finish_labelled(sums)

    def transform_columns(self, columns: Columns, fold: int | None = None) -> NDArray[np.float32]:
        """Transform columns for rows of users of a fold (None: of nobody who was fitted on)."""
        fit = self.n_folds if fold is None else fold
        if fold is not None and not 0 <= fold < self.n_folds:
            raise ConfigurationError(
                f"Feature kind 'target_mean' has folds 0 to {self.n_folds - 1}, but fold {fold} is "
                "asked for. Leave it out for rows that nothing was fitted to."
            )
        parts = [np.zeros((len(columns[0]) if columns else 0, 0))]
        for position, values in enumerate(columns):
            encoding: dict[Key | None, float] = dict(
                zip(self.categories_[position], self.encodings_[position][fit], strict=True)
            )
            prior = self.target_mean_[position][fit]
            parts.append(np.array([encoding.get(one, prior) for one in keys(values)])[:, None])
        return np.concatenate(parts, axis=1, dtype=np.float64).astype(np.float32)

    def start_labelled(self, n_columns: int) -> list[Sums]:
        """Return what `add_labelled` adds chunks to, before `finish_labelled`."""
        self.check()
        return [Sums(self.n_folds) for _ in range(n_columns)]

    def add_labelled(
        self,
        sums: Sequence[Sums],
        columns: Columns,
        labels: Sequence[float] | Array,
        folds: Sequence[int] | Array,
    ) -> None:
        """Take in a chunk."""
        label, place = np.asarray(labels, np.float64), np.asarray(folds, np.int64)
        if len(place) and not (place.min() >= 0 and place.max() < self.n_folds):
            raise ConfigurationError(
                f"Feature kind 'target_mean' has folds 0 to {self.n_folds - 1}, but a row is of "
                f"fold {place.max() if place.min() >= 0 else place.min()}. Give n_folds as the "
                "folds were drawn."
            )
        for own, values in zip(sums, columns, strict=True):
            own.add_rows(values, label, place)

    def finish_labelled(self, sums: Sequence[Sums]) -> Self:
        """Fit to what the sums have been given."""
        self.n_features_in_ = len(sums)
        self.categories_: list[list[Key]] = []
        self.encodings_: list[list[list[float]]] = []
        self.target_mean_: list[list[float]] = []
        for own in sums:
            table = np.zeros((len(own.of_category), self.n_folds, 2))
            categories = sorted((one for one in own.of_category if one is not None), key=order)
            for place, one in enumerate([*categories, *({None} & own.of_category.keys())]):
                table[place] = own.of_category[one]
            fits = [table.sum(axis=1) - table[:, fold] for fold in range(self.n_folds)]
            counted = np.stack([*fits, table.sum(axis=1)])  # [K + 1, categories, 2]
            n, total = counted[..., 0], counted[..., 1]
            prior = total.sum(axis=1) / np.maximum(n.sum(axis=1), 1)
            weight = n + self.smooth
            mean = (total + self.smooth * prior[:, None]) / np.where(weight > 0, weight, 1)
            mean = np.where(weight > 0, mean, prior[:, None])
            self.categories_.append(categories)
            self.encodings_.append(mean[:, : len(categories)].tolist())
            self.target_mean_.append(prior.tolist())
        return self

    def _folds(self, labels: Array, groups: Any) -> Array:
        rows = np.arange(len(labels)) if groups is None else np.asarray(groups)
        check_consistent_length(labels, rows)
        _, place = np.unique(rows, return_inverse=True)
        of_group = folds(int(place.max()) + 1, self.n_folds, self.random_state)
        fold: Array = of_group[1:][place]
        return fold

    def _learn(self, collectors: Sequence[Any]) -> None:
        raise ConfigurationError(
            "Feature kind 'target_mean' is fitted to rows with labels and folds, not to columns "
            "alone. Call fit_labelled or from_groups."
        )

    def _column(self, position: int, values: Sequence[object]) -> Array:
        raise NotImplementedError

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


def _labels(y: Any, n: int) -> Array:
    if y is None:
        raise ValueError(
            "Feature kind 'target_mean' requires y to be passed, but the target y is None."
        )
    labels: Array = column_or_1d(y, warn=True)
    if type_of_target(labels) not in ("binary", "multiclass", "continuous"):
        raise ValueError(f"Unknown label type: {type_of_target(labels)}.")
    check_consistent_length(labels, np.zeros(n))
    return labels.astype(np.float64)
