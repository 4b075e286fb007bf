"""Part of a text by a regular expression: the year in a title, the unit in a size."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgerec.columns import ColumnStatistics
from edgerec.errors import ConfigurationError
from edgerec.features.tabular.categories import RARE, OneHot
from edgerec.features.tabular.collect import Collector
from edgerec.features.tabular.from_rows import FromRows
from edgerec.features.tabular.options import choice, group, pattern, real
from edgerec.features.tabular.scaling import Identity
from edgerec.features.tabular.transform import INDICATOR, Array, Transform
from edgerec.features.tabular.values import number, texts


class _Through(Collector):
    """Hands on what is extracted of each value."""

    def __init__(self, read: Callable[[Sequence[object]], list[Any]], inner: Collector) -> None:
        self._read = read
        self.inner = inner

    def add(self, values: Sequence[object], counts: Sequence[int] | None = None) -> None:
        self.inner.add(self._read(values), counts)

    def statistics(self) -> ColumnStatistics:
        return self.inner.statistics()


class Extract(FromRows):
    """The first match of a regular expression, as a number or as a category.

    >>> transform = Extract(r"\\((\\d{4})\\)$").fit_columns([[["Heat (1995)", "Solaris"]]])
    >>> transform.transform_columns([["Alien (1979)", "Solaris", None]]).tolist()
    [[1979.0], [1995.0], [1995.0]]
    """

    kind = "extract"
    options = (
        pattern("pattern", None, "what is searched in the text"),
        group("group", 1, "which group of the match is taken; 0: the whole match"),
        choice(
            "output",
            "number",
            "what the group becomes: as `identity` or `one_hot` has it",
            ("number", "category"),
        ),
        real("fill_value", None, "the number without a match; None: the mean of the others"),
        *RARE,
        INDICATOR,
    )
    accepts = ("text",)
    fitted = ("inner_",)
    missing = "as a text without a match: the mean number, or `fill_value`; zeros for categories"
    unseen = "the number itself; of categories, `_rare` where there is one, else zeros"

    def __init__(
        self,
        pattern: str | None = None,
        group: int | str = 1,
        output: str = "number",
        fill_value: float | None = None,
        min_frequency: float | None = None,
        max_categories: int | None = None,
        add_indicator: bool = False,
    ) -> None:
        self.pattern = pattern
        self.group = group
        self.output = output
        self.fill_value = fill_value
        self.min_frequency = min_frequency
        self.max_categories = max_categories
        self.add_indicator = add_indicator

    def check(self) -> None:
        """Raise ConfigurationError where an option is not allowed."""
        super().check()
        compiled = re.compile(self.pattern or "")
        if self.group not in (*range(compiled.groups + 1), *compiled.groupindex):
            raise ConfigurationError(
                f"Option group of feature kind 'extract' must be one of the {compiled.groups} "
                f"groups of {self.pattern!r}, but is {self.group!r}. Put what is wanted in "
                "parentheses, or take group 0."
            )

    def _inner(self) -> Transform:
        if self.output == "number":
            return Identity(self.fill_value)
        return OneHot(self.min_frequency, self.max_categories)

    def _read(self, values: Sequence[object]) -> list[Any]:
        search = re.compile(self.pattern or "").search
        found = [search(text) if text else None for text in texts(values)]
        parts = [None if match is None else match[self.group] for match in found]
        if self.output == "category":
            return parts
        return [None if np.isnan(read := number(part)) else read for part in parts]

    def _collector(self) -> _Through:
        return _Through(self._read, self._inner()._collector())

    def _learn(self, collectors: Sequence[Any]) -> None:
        self.inner_ = []
        for collector in collectors:
            inner = self._inner()
            inner.n_features_in_ = 1
            inner._learn([collector.inner])
            self.inner_.append(inner.to_state())

    def _fitted_inner(self, position: int) -> Transform:
        return type(self._inner()).from_state(self.inner_[position])

    def _column(self, position: int, values: Sequence[object]) -> Array:
        return self._fitted_inner(position).transform_columns([self._read(values)])

    def _names(self, position: int, name: str) -> list[str]:
        names: list[str] = self._fitted_inner(position).get_feature_names_out([name]).tolist()
        return names

    def _is_missing(self, values: Sequence[object]) -> NDArray[np.bool_]:
        return np.array([one is None for one in self._read(values)], bool)
