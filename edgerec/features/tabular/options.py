"""Options of feature kinds: what each takes, its default, and the sentence when it is wrong."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from edgerec.errors import ConfigurationError
from edgerec.features.tabular.values import moment
from edgerec.names import nearest


@dataclass(frozen=True)
class Option:
    """One option of a kind."""

    name: str
    """as in the constructor and in a configuration file"""
    type: str
    """what is expected, in words; a part of the error and of the documentation"""
    default: object
    """what holds when nothing is said"""
    doc: str
    """what it does"""
    accepts: Callable[[Any], bool]
    """whether a value may be used"""


def check_options(kind: str, options: Sequence[Option], given: Mapping[str, object]) -> None:
    """Raise ConfigurationError where an option is unknown or its value is not allowed."""
    known = {option.name: option for option in options}
    for name, value in given.items():
        if name not in known:
            takes = f"It takes {', '.join(known)}." if known else "It takes no options."
            hint = nearest(name, known, "'")
            raise ConfigurationError(f"Feature kind {kind!r} has no option {name!r}.{hint} {takes}")
        if not known[name].accepts(value):
            option = known[name]
            default = f"Its default is {option.default!r}."
            raise ConfigurationError(
                f"Option {name} of feature kind {kind!r} must be {option.type}, but is {value!r}. "
                + (default if option.accepts(option.default) else "It must be given.")
            )


def is_number(value: object) -> bool:
    """Return whether it is a finite number, and no boolean."""
    return type(value) in (int, float) and -1e300 < value < 1e300  # type: ignore[operator]


def integer(name: str, default: int | None, doc: str, low: int, high: int | None = None) -> Option:
    """An integer in a range; None too, where that is the default."""
    words = f"an integer from {low}" if high is None else f"an integer from {low} to {high}"

    def accepts(value: object) -> bool:
        if value is None:
            return default is None
        return type(value) is int and low <= value and (high is None or value <= high)

    return Option(name, words + (" or None" if default is None else ""), default, doc, accepts)


def real(name: str, default: float | None, doc: str, low: float | None = None) -> Option:
    """A number, from `low` on; None too, where that is the default."""
    words = "a number" if low is None else f"a number from {low:g}"

    def accepts(value: Any) -> bool:
        if value is None:
            return default is None
        return is_number(value) and (low is None or low <= value)

    return Option(name, words + (" or None" if default is None else ""), default, doc, accepts)


def flag(name: str, default: bool, doc: str) -> Option:
    """A boolean."""
    return Option(name, "true or false", default, doc, lambda value: type(value) is bool)


def choice(name: str, default: str, doc: str, choices: Sequence[str]) -> Option:
    """One of a few words."""
    words = "one of " + ", ".join(map(repr, choices))
    return Option(
        name, words, default, doc, lambda value: isinstance(value, str) and value in choices
    )


def several(name: str, default: Sequence[str], doc: str, choices: Sequence[str]) -> Option:
    """Some of a few words, each once."""

    def accepts(value: object) -> bool:
        return (
            isinstance(value, list | tuple)
            and len(value) > 0
            and all(one in choices for one in value)
            and len(set(value)) == len(value)
        )

    return Option(name, f"some of {', '.join(choices)}", tuple(default), doc, accepts)


def interval(
    name: str,
    default: tuple[float, float] | None,
    doc: str,
    low: float | None = None,
    high: float | None = None,
) -> Option:
    """Two rising numbers, in a range; None too, where that is the default."""
    words = "two rising numbers" + ("" if low is None else f" from {low:g} to {high:g}")

    def accepts(value: object) -> bool:
        if value is None:
            return default is None
        return (
            isinstance(value, list | tuple)
            and len(value) == 2
            and all(map(is_number, value))
            and value[0] < value[1]
            and (low is None or (low <= value[0] and value[1] <= (high or low)))
        )

    return Option(name, words + (" or None" if default is None else ""), default, doc, accepts)


def lengths(name: str, default: tuple[int, int], doc: str) -> Option:
    """The smallest and largest n of n-grams."""

    def accepts(value: object) -> bool:
        return (
            isinstance(value, list | tuple)
            and len(value) == 2
            and all(type(one) is int for one in value)
            and 1 <= value[0] <= value[1] <= 10
        )

    return Option(name, "two integers from 1 to 10, not falling", default, doc, accepts)


def pattern(name: str, default: str | None, doc: str) -> Option:
    """A regular expression."""

    def accepts(value: object) -> bool:
        try:
            re.compile(value)  # type: ignore[call-overload]
        except (re.error, TypeError):
            return False
        return isinstance(value, str)

    return Option(name, "a regular expression", default, doc, accepts)


def group(name: str, default: int, doc: str) -> Option:
    """The number or the name of a group of a regular expression."""

    def accepts(value: object) -> bool:
        return isinstance(value, str) or (type(value) is int and value >= 0)

    return Option(name, "the number or the name of a group", default, doc, accepts)


def anything(name: str, type_: str, default: object, doc: str) -> Option:
    """A value that the kind itself checks, together with others."""
    return Option(name, type_, default, doc, lambda value: True)


def frequency(name: str, doc: str) -> Option:
    """A count or a share of the rows, or None."""

    def accepts(value: object) -> bool:
        if type(value) is int:
            return value >= 1
        return value is None or (type(value) is float and 0 < value < 1)

    words = "a count from 1, a share of the rows above 0 and below 1, or None"
    return Option(name, words, None, doc, accepts)


def time(name: str, doc: str) -> Option:
    """A date or a time."""

    def accepts(value: object) -> bool:
        return isinstance(value, date | str) and moment(value) is not None

    return Option(name, "a date or a time, such as 2024-01-31", None, doc, accepts)


def separator(name: str, default: str, doc: str) -> Option:
    """A text that is not empty."""

    def accepts(value: object) -> bool:
        return isinstance(value, str) and value != ""

    return Option(name, "a text that is not empty", default, doc, accepts)
