"""Rules: which columns become which features. Checked before any row is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from edgerec.columns import ColumnKind, StatisticsNeeded
from edgerec.errors import ConfigurationError
from edgerec.features.tabular.conditions import Condition
from edgerec.features.tabular.registry import TRANSFORMS, build
from edgerec.features.tabular.transform import Transform
from edgerec.names import nearest


@dataclass(frozen=True)
class FeatureRule:
    """Columns of a table that become features of one kind.

    >>> FeatureRule("year", ("title",), "extract", {"pattern": r"(\\d{4})"}).build().group
    1
    """

    name: str
    """what the features are called"""
    columns: tuple[str, ...]
    """the columns they are made of"""
    kind: str
    """a name in TRANSFORMS"""
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """options of the kind; what is left out has its default"""
    when: Condition | None = None
    """rows that do not meet it count as missing"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", dict(self.options))
        named: object = self.columns
        if not isinstance(named, list | tuple) or not named or not all(map(_is_name, named)):
            raise ConfigurationError(
                f"Feature rule {self.name!r}: columns must be a list of names of columns, but is "
                f"{named!r}."
            )
        object.__setattr__(self, "columns", tuple(self.columns))
        try:
            self.build()
        except ConfigurationError as error:
            raise ConfigurationError(f"Feature rule {self.name!r}: {error}") from None

    def build(self) -> Transform:
        """Return its transformer, not fitted yet."""
        return build(self.kind, self.options)

    @property
    def reads(self) -> tuple[str, ...]:
        """All columns that it looks at, that of its condition too."""
        condition = () if self.when is None else (self.when.column,)
        return tuple(dict.fromkeys((*self.columns, *condition)))

    def to_mapping(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        when = self.when and {
            "column": self.when.column,
            "operator": self.when.operator,
            "value": _plain(self.when.value),
        }
        options = {name: _plain(value) for name, value in self.options.items()}
        return {
            "name": self.name,
            "columns": list(self.columns),
            "kind": self.kind,
            "options": options,
            "when": when,
        }

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> "FeatureRule":
        """Return the rule whose `to_mapping` it is.

        >>> rule = FeatureRule("cheap", ("price",), "when", {"operator": "<", "value": 5})
        >>> FeatureRule.from_mapping(rule.to_mapping()) == rule
        True
        """
        plain = dict(mapping)
        when = plain.pop("when", None)
        return cls(**plain, when=None if when is None else Condition(**when))


def _is_name(column: object) -> bool:
    return isinstance(column, str) and column != ""


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value


def check_rules(rules: Sequence[FeatureRule], columns: Mapping[str, ColumnKind]) -> None:
    """Raise ConfigurationError where two rules have one name, or a column does not fit.

    Parameters
    ----------
    rules : sequence of FeatureRule
    columns : mapping
        The kind of each column of the table.
    """
    names = [rule.name for rule in rules]
    for rule in rules:
        if names.count(rule.name) > 1:
            raise ConfigurationError(
                f"There are {names.count(rule.name)} feature rules with the name {rule.name!r}. "
                "Give each its own."
            )
        for column in rule.reads:
            check_column(rule, column, columns)
        accepts = TRANSFORMS[rule.kind].accepts
        for column in rule.columns:
            if columns[column] not in accepts:
                fitting = [
                    one.name for one in TRANSFORMS.values() if columns[column] in one.accepts
                ]
                raise ConfigurationError(
                    f"Feature rule {rule.name!r}: kind {rule.kind!r} takes columns of "
                    f"{', '.join(accepts)}, but {column!r} is of {columns[column]}. For that there "
                    f"are {', '.join(fitting)}."
                )


def check_column(rule: FeatureRule, column: str, columns: Mapping[str, object]) -> None:
    """Raise ConfigurationError where the table has no such column."""
    if column not in columns:
        hint = nearest(column, columns, "'")
        raise ConfigurationError(
            f"Feature rule {rule.name!r}: there is no column {column!r}.{hint} The columns are "
            f"{', '.join(columns)}."
        )


def statistics_needed(
    rules: Sequence[FeatureRule], n_rows: int | None = None
) -> dict[str, StatisticsNeeded]:
    """Return which aggregates of which columns a database has to compute, in one pass.

    Rules with a condition, and those that need labels or nothing, are not in it.

    >>> rules = [FeatureRule("a", ("x",), "min_max"), FeatureRule("b", ("x",), "one_hot")]
    >>> statistics_needed(rules)
    {'x': StatisticsNeeded(moments=True, quantiles=(), n_top_values=-1, n_distinct=False)}
    """
    parts: dict[str, list[StatisticsNeeded]] = {}
    for rule in rules:
        transform = rule.build()
        if rule.when is None and transform.fitted_from in ("aggregates", "values"):
            for column in rule.columns:
                parts.setdefault(column, []).append(transform.needs(n_rows))
    return {column: StatisticsNeeded.union(needed) for column, needed in parts.items()}
