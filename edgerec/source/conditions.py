"""Conditions on rows: a column, a comparison, a value."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement

from edgerec.errors import SourceError

__all__ = ["RowCondition"]

_OPERATORS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class RowCondition:
    """A row counts where `column` compares so with `value`; never where the cell is NULL.

    Text is compared by code point, whatever the column's collation.

    Raises
    ------
    SourceError
        The operator is not known.
    """

    column: str
    """The column's name."""
    operator: str
    """One of ==, !=, <, <=, >, >=."""
    value: int | float | str | bool
    """What the cell is compared with."""

    def __post_init__(self) -> None:
        if self.operator not in _OPERATORS:
            raise SourceError(
                f"the condition on column {self.column!r} has the operator {self.operator!r}; "
                f"expected one of {', '.join(_OPERATORS)}"
            )

    def compares(self, cell: ColumnElement[Any], bound: Any) -> ColumnElement[bool]:
        """Return the comparison of two expressions."""
        compared: ColumnElement[bool] = _OPERATORS[self.operator](cell, bound)
        return compared
