"""Categories to numbers: one-hot, ordinal, hashing, and multi-hot for lists."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction import FeatureHasher

from edgerec.columns import ColumnStatistics, StatisticsNeeded
from edgerec.errors import ConfigurationError
from edgerec.features.tabular.collect import Collector
from edgerec.features.tabular.from_rows import FromRows, MemberCounter
from edgerec.features.tabular.options import Option, flag, frequency, integer, real, separator
from edgerec.features.tabular.transform import INDICATOR, Array, Transform
from edgerec.features.tabular.values import Key, key, keys, order, tokens

RARE: Final = (
    frequency("min_frequency", "categories of fewer rows share one column, `_rare`"),
    integer(
        "max_categories",
        None,
        "at most so many columns, `_rare` included; of equal counts the last in order stay",
        1,
    ),
)


def value_counts(statistics: ColumnStatistics) -> list[tuple[Key, int]]:
    """Return the counts of the categories, in the order of the categories.

    >>> value_counts(ColumnStatistics(6, 1, top_values=(("b", 2), (True, 2), (1.0, 1))))
    [(1, 3), ('b', 2)]
    """
    counter: Counter[Key] = Counter()
    for value, count in statistics.top_values:
        if (category := key(value)) is not None:
            counter[category] += count
    return sorted(counter.items(), key=lambda one: order(one[0]))


def frequent(
    statistics: ColumnStatistics,
    kind: str,
    min_frequency: float | None,
    max_categories: int | None,
) -> tuple[list[Key], bool]:
    """Return the categories that get a column, and whether there are rare ones besides.

    The rules are those of OneHotEncoder.
    """
    counted = value_counts(statistics)
    counts = np.array([count for _, count in counted], np.int64)
    least = min_frequency or 0
    if isinstance(min_frequency, float):
        least = min_frequency * statistics.n_rows
    complete = statistics.is_complete
    enough = max_categories is not None and len(counted) >= max_categories
    if not complete and not enough and not (len(counts) and counts.min() < least):
        raise ConfigurationError(
            f"Feature kind {kind!r} needs more values of its column than the {len(counted)} that "
            "top_values holds. Ask needs() how many, or fit it on the rows."
        )
    rare = counts < least
    if max_categories is not None:
        n_columns = len(counts) - rare.sum() + 1
        if max_categories < n_columns or not complete:
            rare[np.argsort(counts, kind="stable")[: len(counts) - (max_categories - 1)]] = True
    kept = [category for (category, _), out in zip(counted, rare, strict=True) if not out]
    return kept, bool(rare.any()) or not complete


class OneHot(Transform):
    """A column per category, 1 where the value is it (OneHotEncoder).

    >>> transform = OneHot(max_categories=2).fit_columns([[["a", "b", "a", None]]])
    >>> transform.get_feature_names_out(["size"]).tolist()
    ['size_a', 'size_rare']
    >>> transform.transform_columns([["a", "never seen", None]]).tolist()
    [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]
    """

    kind = "one_hot"
    options: ClassVar[tuple[Option, ...]] = (*RARE, INDICATOR)
    fitted_from = "values"
    fitted = ("categories_", "has_rare_")
    missing = "zeros"
    unseen = "the `_rare` column where there is one, else zeros"

    def __init__(
        self,
        min_frequency: float | None = None,
        max_categories: int | None = None,
        add_indicator: bool = False,
    ) -> None:
        self.min_frequency = min_frequency
        self.max_categories = max_categories
        self.add_indicator = add_indicator

    def needs(self, n_rows: int | None = None) -> StatisticsNeeded:
        """Return that the most frequent values are counted."""
        return StatisticsNeeded(n_top_values=self.max_categories or -1)

    def _learn(self, collectors: Sequence[Collector]) -> None:
        self.categories_: list[list[Key]] = []
        self.has_rare_: list[bool] = []
        for collector in collectors:
            kept, has_rare = frequent(
                collector.statistics(), self.kind, self.min_frequency, self.max_categories
            )
            self.categories_.append(kept)
            self.has_rare_.append(has_rare)

    def _positions(self, position: int) -> tuple[dict[Key, int], int, int]:
        """Return the column of each category, that of any other, and how many there are."""
        known = {category: place for place, category in enumerate(self.categories_[position])}
        if self.has_rare_[position]:
            return known, len(known), len(known) + 1
        return known, -1, len(known)

    def _column(self, position: int, values: Sequence[object]) -> Array:
        known, other, width = self._positions(position)
        places = [-1 if one is None else known.get(one, other) for one in keys(values)]
        one_hot: Array = np.array(places, np.int64)[:, None] == np.arange(width)
        return one_hot

    def _names(self, position: int, name: str) -> list[str]:
        rare = ["rare"] if self.has_rare_[position] else []
        return [f"{name}_{category}" for category in [*self.categories_[position], *rare]]


class MultiHot(FromRows, OneHot):
    """A column per member of lists or separated texts, 1 where it is in (MultiLabelBinarizer).

    >>> transform = MultiHot().fit_columns([[["Drama|Comedy", "Drama", None]]])
    >>> transform.transform_columns([["Comedy", ["Drama", "Comedy"], "War"]]).tolist()
    [[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]
    """

    kind = "multi_hot"
    options = (
        separator("separator", "|", "what stands between members, unless the text is a JSON array"),
        *RARE,
        INDICATOR,
    )
    accepts = ("text", "json")

    def __init__(
        self,
        separator: str = "|",
        min_frequency: float | None = None,
        max_categories: int | None = None,
        add_indicator: bool = False,
    ) -> None:
        self.separator = separator
        super().__init__(min_frequency, max_categories, add_indicator)

    def _collector(self) -> MemberCounter:
        return MemberCounter(lambda value: tokens(value, self.separator))

    def _learn(self, collectors: Sequence[Any]) -> None:
        self.categories_, self.has_rare_ = [], []
        for counter in collectors:
            # Members are counted by rows that have them, and a row has several: the counts are
            # complete whatever they sum up to.
            counted = counter.statistics()
            n_members = sum(count for _, count in counted.top_values)
            rows_as_values = ColumnStatistics(n_members, top_values=counted.top_values)
            least = self.min_frequency
            if isinstance(least, float):
                least = int(np.ceil(least * counter.n_rows))
            kept, rare = frequent(rows_as_values, self.kind, least, self.max_categories)
            self.categories_.append(kept)
            self.has_rare_.append(rare)

    def _column(self, position: int, values: Sequence[object]) -> Array:
        known, other, width = self._positions(position)
        table = np.zeros((len(values), width))
        for row, value in enumerate(values):
            for member in tokens(value, self.separator) or ():
                if (place := known.get(member, other)) >= 0:
                    table[row, place] = 1
        return table

    def _is_missing(self, values: Sequence[object]) -> NDArray[np.bool_]:
        return np.array([tokens(value, self.separator) is None for value in values], bool)


class Ordinal(Transform):
    """The number of the category in the order of all (OrdinalEncoder).

    >>> Ordinal().fit_columns([[["b", "a"]]]).transform_columns([["a", "b", "c", None]]).tolist()
    [[0.0], [1.0], [-1.0], [-1.0]]
    """

    kind = "ordinal"
    options = (
        real("unknown_value", -1, "what a category gives that was not there when fitting"),
        real("encoded_missing_value", -1, "what a missing value gives"),
        INDICATOR,
    )
    fitted_from = "values"
    fitted = ("categories_",)
    missing = "`encoded_missing_value`"
    unseen = "`unknown_value`"

    def __init__(
        self,
        unknown_value: float = -1,
        encoded_missing_value: float = -1,
        add_indicator: bool = False,
    ) -> None:
        self.unknown_value = unknown_value
        self.encoded_missing_value = encoded_missing_value
        self.add_indicator = add_indicator

    def needs(self, n_rows: int | None = None) -> StatisticsNeeded:
        """Return that every value is counted."""
        return StatisticsNeeded(n_top_values=-1)

    def _learn(self, collectors: Sequence[Collector]) -> None:
        self.categories_ = [
            frequent(collector.statistics(), self.kind, None, None)[0] for collector in collectors
        ]

    def _column(self, position: int, values: Sequence[object]) -> Array:
        codes: dict[Key | None, float] = {
            category: place for place, category in enumerate(self.categories_[position])
        }
        codes[None] = self.encoded_missing_value
        return np.array([codes.get(one, self.unknown_value) for one in keys(values)])[:, None]


class Hashing(Transform):
    """Categories spread over few columns by their MurmurHash3 (FeatureHasher); nothing is fitted.

    >>> Hashing(4).fit_columns([]).transform_columns([["red", None]]).tolist()
    [[0.0, 0.0, 0.0, -1.0], [0.0, 0.0, 0.0, 0.0]]
    """

    kind = "hashing"
    options = (
        integer("n_features", 32, "how many columns", 1, 65_536),
        flag("alternate_sign", True, "let half of the categories count -1, so that clashes cancel"),
        INDICATOR,
    )
    missing = "zeros"
    unseen = "hashed like any other"

    def __init__(
        self, n_features: int = 32, alternate_sign: bool = True, add_indicator: bool = False
    ) -> None:
        self.n_features = n_features
        self.alternate_sign = alternate_sign
        self.add_indicator = add_indicator

    def _learn(self, collectors: Sequence[Collector]) -> None:
        """Nothing is fitted."""

    def _column(self, position: int, values: Sequence[object]) -> Array:
        read = keys(values)
        places = {one: place for place, one in enumerate(dict.fromkeys(read))}
        if not places:
            return np.zeros((0, self.n_features))
        hasher = FeatureHasher(
            self.n_features, input_type="string", alternate_sign=self.alternate_sign
        )
        hashed = hasher.transform([] if one is None else [str(one)] for one in places).toarray()
        spread: Array = hashed[[places[one] for one in read]]
        return spread

    def _names(self, position: int, name: str) -> list[str]:
        return [f"{name}_{bucket}" for bucket in range(self.n_features)]
