"""The context of a request: numbers that say when, where or on what somebody asks.

Each has a name and a default, which stands where a request does not state it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgerec.errors import ConfigurationError, shown

Array = NDArray[np.float32]
_MOST: Final = 64
_DAY: Final = 86_400
# Shares of a turn. The first of January 1970 was a Thursday, and weeks begin on Monday.
_TURNS: Final[Mapping[str, Callable[[int], float]]] = {
    "hour": lambda seconds: seconds % _DAY / _DAY,
    "weekday": lambda seconds: (seconds // _DAY + 3) % 7 / 7,
}


@dataclass(frozen=True)
class Context:
    """The names of the numbers, in their order, and their defaults.

    >>> Context(("hour", "is_phone"), np.float32([12, 0])).row([9.0])
    array([9., 0.], dtype=float32)
    """

    names: tuple[str, ...] = ()
    defaults: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    """[C]"""

    def __len__(self) -> int:
        return len(self.names)

    def row(self, stated: Sequence[float]) -> Array:
        """Return what a request states, cut to C or filled up; defaults for NaN: float32 [C]."""
        given = np.full(len(self.names), np.nan, np.float32)
        cut = np.asarray(stated, np.float32)[: len(given)]
        given[: len(cut)] = cut
        row: Array = np.where(np.isnan(given), self.defaults, given)
        return row


@dataclass(frozen=True)
class ContextColumns:
    """What an edgerec.toml makes a context of: the time of a row, and columns of its table.

    >>> ContextColumns(("weekday",), ("is_phone",), (0.5,)).defaults()
    {'weekday_sin': 0.0, 'weekday_cos': 0.0, 'is_phone': 0.5}
    """

    time: tuple[str, ...] = ()
    """of "hour" and "weekday", in UTC: each is a place on a circle, its sine and cosine"""
    columns: tuple[str, ...] = ()
    column_defaults: tuple[float, ...] = ()

    def defaults(self) -> dict[str, float]:
        """Return the names of the numbers, each with its default; a time's is in no direction."""
        of_time = {f"{kind}_{part}": 0.0 for kind in self.time for part in ("sin", "cos")}
        return of_time | dict(zip(self.columns, self.column_defaults, strict=True))

    def row(self, timestamp: int, cells: Sequence[float]) -> tuple[float, ...]:
        """Return the numbers of a row: those of its Unix time, then its cells.

        >>> ContextColumns(("hour",)).row(6 * 3600, ())
        (1.0, 0.0)
        """
        numbers: list[float] = []
        for kind in self.time:
            turn = 2 * math.pi * _TURNS[kind](timestamp)
            # The cosine of a quarter turn is 6e-17, which nobody means.
            numbers += (round(math.sin(turn), 9), round(math.cos(turn), 9))
        return (*numbers, *cells)


def declared_context(returned: object) -> Context:
    """Return what `get_context_defaults` returned.

    Raises
    ------
    ConfigurationError
        It is no mapping of names to finite numbers.

    >>> declared_context({"is_phone": 0.5}).names
    ('is_phone',)
    """
    if not isinstance(returned, Mapping) or len(returned) > _MOST:
        raise ConfigurationError(
            f"get_context_defaults returned {shown(returned)}; expected a mapping of at most "
            f"{_MOST} names to their defaults, such as {{'is_phone': 0.5}}."
        )
    for name, default in returned.items():
        if not isinstance(name, str) or not name or not _is_finite(default):
            raise ConfigurationError(
                f"get_context_defaults returned {shown(name)}: {shown(default)}; expected a name "
                "and a finite number, which stands where a request states none."
            )
    return Context(tuple(returned), np.array(list(returned.values()), np.float32))


def _is_finite(number: Any) -> bool:
    try:
        return bool(np.isfinite(np.float32(number)))
    except (TypeError, ValueError):
        return False
