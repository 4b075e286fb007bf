"""Reading raw values, as a database yields them: as number, category, text, moment or list.

Each reader is total: what it cannot read is missing. Two databases that hold the same rows in
other types (True and 1, Decimal and float) give the same answer.
"""

import json
import math
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LARGEST: Final = float(np.finfo(np.float32).max)
_HUGE: Final = 10**40

Key = int | float | str


def plain(value: object) -> object:
    """Return NumPy's scalars as Python's, NaN and infinity as None, everything else as it is.

    >>> plain(np.float32(2.5)), plain(float("inf"))
    (2.5, None)
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Decimal) and not value.is_finite():
        return None
    return value


def number(value: object) -> float:
    """Return a value as a finite number of float32's range; NaN: missing, or beyond float64.

    >>> number(True), number(Decimal("1.5")), number(" 7 "), number(1e300), number("many")
    (1.0, 1.5, 7.0, 3.4028234663852886e+38, nan)
    """
    value = plain(value)
    if not isinstance(value, int | float | Decimal | str | bytes):
        return math.nan
    try:
        read = float(value)
    except (OverflowError, ValueError):
        return math.nan
    return min(max(read, -LARGEST), LARGEST) if math.isfinite(read) else math.nan


def numbers(values: Sequence[object] | NDArray[Any]) -> NDArray[np.float64]:
    """Return a column as float64, NaN where a number is missing.

    >>> numbers([None, 1, 2.5, "x"]).tolist()
    [nan, 1.0, 2.5, nan]
    """
    try:
        read = np.array(values, np.float64)
        if read.ndim != 1:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        return np.array([number(value) for value in values], np.float64)
    read[~np.isfinite(read)] = np.nan
    return np.clip(read, -LARGEST, LARGEST, out=read)


def key(value: object) -> Key | None:
    """Return a value as a category: an int, a float or a text; None: missing.

    >>> key(True), key(1.0), key(Decimal("1.50")), key(date(2020, 1, 2)), key([1, 2])
    (1, 1, 1.5, '2020-01-02', '[1, 2]')
    """
    value = plain(value)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float | Decimal):
        if not -_HUGE < value < _HUGE:  # of more digits than Python writes in decimals
            return hex(value) if isinstance(value, int) else str(value)
        return int(value) if value == int(value) else float(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, datetime):
        return _in_utc(value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return str(value)


def keys(values: Sequence[object]) -> list[Key | None]:
    """Return a column as categories."""
    return [value if type(value) is str else key(value) for value in values]


def order(category: Key) -> tuple[bool, float, str]:
    """Return what sorts categories: numbers first, then texts by code point, in any locale.

    >>> sorted(["b", 2, "B", 1.5], key=order)
    [1.5, 2, 'B', 'b']
    """
    if isinstance(category, str):
        return True, 0.0, category
    return False, min(max(category, -LARGEST), LARGEST), f"{category:>40}"


def texts(values: Sequence[object]) -> list[str]:
    """Return a column as texts; missing is the empty one.

    >>> texts([None, "Up", 3.0])
    ['', 'Up', '3']
    """
    return ["" if read is None else str(read) for read in keys(values)]


def moment(value: object) -> datetime | None:
    """Return a date, a time, an ISO 8601 text or Unix seconds as a time in UTC; None: missing.

    A time without a zone counts as UTC, a date as its midnight.

    >>> moment("2020-01-02T03:04:05+01:00"), moment(86400), moment("soon")
    (datetime.datetime(2020, 1, 2, 2, 4, 5, tzinfo=datetime.timezone.utc),
     datetime.datetime(1970, 1, 2, 0, 0, tzinfo=datetime.timezone.utc), None)
    """
    value = plain(value)
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value.strip())
        if isinstance(value, datetime):
            return _in_utc(value)
        if isinstance(value, date):
            return datetime(value.year, value.month, value.day, tzinfo=UTC)
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            return datetime.fromtimestamp(float(value), UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def _in_utc(time: datetime) -> datetime:
    try:
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError:  # year 1 or 9999, moved over the edge by its zone
        return time.replace(tzinfo=UTC)


def seconds(value: object) -> float:
    """Return a moment as Unix seconds; NaN: missing.

    >>> seconds(date(1970, 1, 2))
    86400.0
    """
    time = moment(value)
    return math.nan if time is None else time.timestamp()


def tokens(value: object, separator: str) -> list[Key] | None:
    """Return the different members of a list in their order; None: missing.

    A list (or the keys of a mapping) is taken as it is, and so is a text that is a JSON array;
    any other text is split at the separator.

    >>> tokens("Action| Comedy|Action", "|"), tokens('["a", 1]', "|"), tokens([], "|")
    (['Action', 'Comedy'], ['a', 1], [])
    """
    value = plain(value)
    if value is None:
        return None
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, str):
        array = _json_array(value)
        parts = (part.strip() for part in value.split(separator))
        value = [part for part in parts if part] if array is None else array
    if isinstance(value, list | tuple | dict | set | frozenset):
        members = sorted(map(str, value)) if isinstance(value, set | frozenset) else value
        return list(dict.fromkeys(read for one in members if (read := key(one)) is not None))
    read = key(value)
    return None if read is None else [read]


def _json_array(text: str) -> list[object] | None:
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        try:
            return list(json.loads(text))
        except (ValueError, RecursionError):
            pass
    return None
