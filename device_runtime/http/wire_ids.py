"""Ids as they come in JSON: integers, or strings, which JavaScript needs above 2**53."""

import re
from collections.abc import Sequence
from typing import Any

from device_runtime.errors import RequestError, shown
from device_runtime.manifest import IdType

_MAX = 2**63 - 1
# -2**63 is the padding id.
_MIN = -_MAX
_DECIMAL = re.compile(r"-?[0-9]{1,19}", re.ASCII)


def parse_ids(name: str, asked: Sequence[Any], id_type: IdType) -> list[int | str]:
    """Return ids in the type of the bundle.

    Parameters
    ----------
    name : str
        Of the list, for messages.
    asked : sequence
        What JSON held. For a bundle with integer ids: integers, or strings of decimal digits; for
        one with string ids: strings, or integers, which stand for their decimal text.
    id_type : str
        ``"int64"`` or ``"string"``.

    Returns
    -------
    list of int or list of str
        One for each that was asked.

    Raises
    ------
    RequestError
        Names the first position that holds something else.

    Examples
    --------
    >>> parse_ids("history", [1, "9007199254740993"], "int64")
    [1, 9007199254740993]
    >>> parse_ids("history", [1, True], "int64")
    Traceback (most recent call last):
    ...
    device_runtime.errors.RequestError: history[1]: expected an id ..., got True; ...
    """
    if not asked:
        return []
    # Most lists are of one type and right: those are checked without a step of Python for each.
    types = set(map(type, asked))
    if id_type == "int64" and types == {int} and min(asked) >= _MIN and max(asked) <= _MAX:
        return list(asked)
    if id_type == "string" and types == {str} and "" not in asked and _is_text("".join(asked)):
        return list(asked)
    return [one_id(f"{name}[{index}]", each, id_type) for index, each in enumerate(asked)]


def one_id(name: str, asked: Any, id_type: IdType, advice: str = "leave it out") -> int | str:
    """Return one id in the type of the bundle.

    Parameters
    ----------
    name : str
        Of the field, for messages.
    asked : object
        What JSON held.
    id_type : str
        ``"int64"`` or ``"string"``.
    advice : str
        What to do where it is none.

    Returns
    -------
    int or str
        The id.

    Raises
    ------
    RequestError
        It is of another type, out of range, no Unicode text, or the padding id.

    Examples
    --------
    >>> one_id("userId", "108", "int64")
    108
    >>> one_id("userId", 108, "string")
    '108'
    """
    # type() rather than isinstance(): true must not pass for the id 1.
    if id_type == "int64":
        number = asked
        if type(asked) is str and _DECIMAL.fullmatch(asked):
            number = int(asked)
        if type(number) is int and _MIN <= number <= _MAX:
            return number
        expected = "an id (an integer within 64 bits, or a string of its digits)"
        padding = number == _MIN - 1
    else:
        # The bound keeps Python from refusing to print a huge integer.
        if type(asked) is int and asked.bit_length() <= 256:
            return str(asked)
        if type(asked) is str and asked and _is_text(asked):
            return asked
        expected = "an id (a string of Unicode text)"
        padding = asked == ""
    reason = ", the padding id" if padding else ""
    raise RequestError(f"{name}: expected {expected}, got {shown(asked)}{reason}; {advice}")


def _is_text(text: str) -> bool:
    """Whether a string can be written as UTF-8, which a lone surrogate cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
