"""A block: rules, fitted, that turn chunks of a table into columns of features."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgerec.errors import ConfigurationError, StateError
from edgerec.features.tabular.registry import transform_from_state
from edgerec.features.tabular.rules import FeatureRule, check_column
from edgerec.features.tabular.target import TargetMean
from edgerec.features.tabular.transform import Columns, Transform

Chunk = Mapping[str, Sequence[object]]
"""columns of raw values by name, all of one length"""


@dataclass(frozen=True)
class FeatureBlock:
    """Fitted rules; the features stand in the order of the rules."""

    rules: tuple[FeatureRule, ...]
    """what was asked"""
    transforms: tuple[Transform, ...]
    """the fitted transformer of each rule"""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Name of each feature, each different."""
        names: list[str] = []
        for rule, transform in zip(self.rules, self.transforms, strict=True):
            several = len(rule.columns) > 1
            inputs = [f"{rule.name}_{one}" if several else rule.name for one in rule.columns]
            names += map(str, transform.get_feature_names_out(inputs))
        return tuple(_different(names))

    @property
    def width(self) -> int:
        """How many features there are."""
        return len(self.names)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a chunk must hold."""
        return tuple(dict.fromkeys(column for rule in self.rules for column in rule.reads))

    @property
    def n_folds(self) -> int:
        """Into how many folds the users are divided; 0: the features know no labels."""
        return max(
            (one.n_folds for one in self.transforms if isinstance(one, TargetMean)), default=0
        )

    def transform(self, chunk: Chunk, fold: int | None = None) -> NDArray[np.float32]:
        """Return the features of a chunk: float32 [n, width], finite.

        Parameters
        ----------
        chunk : mapping of columns
        fold : int or None
            Features for training rows of users of this fold; None: for anyone else, as in a file.
            It makes a difference to target means alone.
        """
        n_rows = count_rows(self.rules, chunk)
        parts = [np.zeros((n_rows, 0), np.float32)]
        for rule, transform in zip(self.rules, self.transforms, strict=True):
            columns = selected(rule, chunk)
            if isinstance(transform, TargetMean):
                parts.append(transform.transform_columns(columns, fold))
            else:
                parts.append(transform.transform_columns(columns))
        return np.concatenate(parts, axis=1)

    def nothing(self) -> NDArray[np.float32]:
        """Return the features of a row in which every value is missing: float32 [width]."""
        return self.transform({column: [None] for column in self.columns}).reshape(self.width)

    def to_state(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return {
            "rules": [rule.to_mapping() for rule in self.rules],
            "transforms": [transform.to_state() for transform in self.transforms],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "FeatureBlock":
        """Return the block whose `to_state` it is."""
        try:
            rules = tuple(FeatureRule.from_mapping(rule) for rule in state["rules"])
            transforms = tuple(transform_from_state(one) for one in state["transforms"])
        except (KeyError, TypeError, AttributeError, ConfigurationError) as error:
            raise StateError(
                f"The state of a feature block is not whole ({error!r}). Fit the features again."
            ) from None
        kinds = [transform.kind for transform in transforms]
        if [rule.kind for rule in rules] != kinds:
            raise StateError(
                f"The state of a feature block has {len(rules)} rules for transformers of kinds "
                f"{kinds}. Fit the features again."
            )
        return cls(rules, transforms)


def selected(rule: FeatureRule, chunk: Chunk) -> Columns:
    """Return the columns of a rule; what does not meet its condition is missing."""
    columns = [chunk[column] for column in rule.columns]
    if rule.when is None:
        return columns
    met = rule.when.holds(chunk[rule.when.column]).tolist()
    return [
        [value if meets else None for value, meets in zip(values, met, strict=True)]
        for values in columns
    ]


def count_rows(rules: Sequence[FeatureRule], chunk: Chunk) -> int:
    """Return how many rows a chunk has; raise where a column is missing or of another length."""
    for rule in rules:
        for column in rule.reads:
            check_column(rule, column, chunk)
    lengths = {len(values) for values in chunk.values()}
    if len(lengths) > 1:
        raise ConfigurationError(
            "The columns of a chunk must be of one length, but are of "
            f"{', '.join(map(str, sorted(lengths)))}. Give None where there is no value."
        )
    return lengths.pop() if lengths else 0


def _different(names: Sequence[str]) -> list[str]:
    """Return the names, numbered where one comes again.

    >>> _different(["a", "b", "a"])
    ['a', 'b', 'a_2']
    """
    different: dict[str, None] = {}
    for name in names:
        numbered, n = name, 1
        while numbered in different:
            n += 1
            numbered = f"{name}_{n}"
        different[numbered] = None
    return list(different)
