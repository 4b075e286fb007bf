"""Numbers as people read them."""

import datetime
import math

from edgerec.evaluate.intervals import Interval
from edgerec.report.content import Cell


def count(number: int) -> str:
    """Return an integer with separators.

    >>> count(12345)
    '12,345'
    """
    return f"{number:,}"


def size(n_bytes: int) -> str:
    """Return bytes in the unit that suits.

    >>> size(812), size(52_000), size(3_610_000)
    ('812 bytes', '52.0 KB', '3.61 MB')
    """
    if n_bytes < 1000:
        return f"{n_bytes} bytes"
    if n_bytes < 1_000_000:
        return f"{n_bytes / 1000:.1f} KB"
    return f"{n_bytes / 1e6:.2f} MB"


def day(seconds: int) -> str:
    """Return the UTC date of Unix seconds, or the number where there is no such date.

    >>> day(0), day(10**15)
    ('1970-01-01', '1000000000000000 s')
    """
    try:
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return f"{seconds} s"


def figure(value: float, digits: int = 3) -> str:
    """Return a metric; "–" where there is none.

    >>> figure(0.81234), figure(float("nan"))
    ('0.812', '–')
    """
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def signed(value: float, digits: int = 3) -> str:
    """Return a difference with its sign, and nothing as 0 without one.

    >>> signed(0.01234), signed(-0.00001)
    ('+0.012', '0.000')
    """
    rounded = round(value, digits)
    return f"{rounded:+.{digits}f}" if rounded else f"{0:.{digits}f}"


def interval_cell(interval: Interval | None, *, is_difference: bool = False) -> Cell:
    """Return a mean with its interval under it."""
    if interval is None:
        return Cell("–")
    shown = signed if is_difference else figure
    between = f"{shown(interval.low)} to {shown(interval.high)}"
    return Cell(shown(interval.mean), between)
