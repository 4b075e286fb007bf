"""Conditions on a column, and the feature that depends on one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from edgerec.errors import ConfigurationError
from edgerec.features.tabular.collect import Collector
from edgerec.features.tabular.options import anything, choice, is_number, real
from edgerec.features.tabular.transform import Array, Transform
from edgerec.features.tabular.values import keys, moment, number, numbers, seconds, texts
from edgerec.names import nearest

Operator = Literal["==", "!=", "<", "<=", ">", ">=", "in", "is_null"]
OPERATORS: Final[tuple[Operator, ...]] = get_args(Operator)

_COMPARE: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def check_condition(where: str, operator: object, value: object) -> None:
    """Raise ConfigurationError where the operator is none, or the value not fit for it."""
    if operator not in OPERATORS:
        hint = nearest(operator, OPERATORS, "'")
        raise ConfigurationError(
            f"The operator of {where} must be one of {', '.join(OPERATORS)}, but is "
            f"{operator!r}.{hint}"
        )
    if operator == "is_null":
        fits, expected = value is None, "None, since is_null takes none"
    elif operator == "in":
        fits = isinstance(value, list | tuple) and len(value) > 0 and all(map(_is_plain, value))
        expected = "a list of numbers, texts or dates"
    else:
        fits, expected = _is_plain(value), "a number, a text or a date"
    if not fits:
        raise ConfigurationError(f"The value of {where} must be {expected}, but is {value!r}.")


def _is_plain(value: object) -> bool:
    return isinstance(value, str | bool | date) or is_number(value)


def holds(values: Sequence[object], operator: str, value: Any) -> NDArray[np.bool_]:
    """Return for which values of a column a condition holds.

    A missing value meets `is_null` and nothing else. Numbers compare as numbers, dates (and texts
    that are dates, with one that is) as moments, everything else as text by code point.

    >>> holds([1, 2, None], "<", 2).tolist(), holds([None, "a"], "is_null", None).tolist()
    ([True, False, False], [True, False])
    """
    there = np.array([one is not None for one in keys(values)], bool)
    if operator == "is_null":
        return ~there
    if operator == "in":
        return np.asarray(np.any([holds(values, "==", one) for one in value], axis=0), bool)
    compare = _COMPARE[operator]
    if isinstance(value, bool) or is_number(value):
        met = compare(numbers(values), number(value))
        return np.asarray(there & met, bool)
    text = value.isoformat() if isinstance(value, date) else str(value)
    of_text = np.array([compare(one, text) for one in texts(values)], bool)
    if "-" in text and moment(text) is not None:
        times = np.array([seconds(one) for one in values], np.float64)
        of_text = np.where(np.isnan(times), of_text, compare(times, seconds(text)))
    return np.asarray(there & of_text, bool)


@dataclass(frozen=True)
class Condition:
    """What the value of a column must meet."""

    column: str
    """the column that is looked at"""
    operator: Operator
    """one of ==, !=, <, <=, >, >=, in, is_null"""
    value: object = None
    """what it is compared with: a number, a text or a date; for `in`, a list of them"""

    def __post_init__(self) -> None:
        check_condition(f"the condition on column {self.column!r}", self.operator, self.value)

    def holds(self, values: Sequence[object]) -> NDArray[np.bool_]:
        """Return for which values of the column it holds.

        >>> Condition("price", "<", 5).holds([3, 7, None]).tolist()
        [True, False, False]
        """
        return holds(values, self.operator, self.value)


class When(Transform):
    """One number where a condition holds, another where it does not.

    >>> transform = When("in", ("DVD", "VHS"), then=1, otherwise=-1).fit_columns([])
    >>> transform.transform_columns([["DVD", "Book", None]]).tolist()
    [[1.0], [-1.0], [-1.0]]
    """

    kind = "when"
    options = (
        choice("operator", "is_null", "how the value is compared", OPERATORS),
        anything(
            "value",
            "a number, a text or a date; for `in` a list of them; None for `is_null`",
            None,
            "what it is compared with",
        ),
        real("then", 1.0, "the number where the condition holds"),
        real("otherwise", 0.0, "the number where it does not"),
    )
    missing = "`then` for `is_null`; `otherwise` for each other operator"
    unseen = "compared like any other"

    def __init__(
        self,
        operator: Operator = "is_null",
        value: object = None,
        then: float = 1.0,
        otherwise: float = 0.0,
    ) -> None:
        self.operator = operator
        self.value = value
        self.then = then
        self.otherwise = otherwise

    def check(self) -> None:
        """Raise ConfigurationError where an option is not allowed."""
        super().check()
        check_condition("feature kind 'when'", self.operator, self.value)

    def _learn(self, collectors: Sequence[Collector]) -> None:
        """Nothing is fitted."""

    def _column(self, position: int, values: Sequence[object]) -> Array:
        met = holds(values, self.operator, self.value)
        return np.where(met, self.then, self.otherwise)[:, None]
