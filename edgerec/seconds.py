"""Unix seconds: how they are read, and how to tell that a number counts something finer."""

from datetime import UTC, datetime
from typing import Final

# 2200-01-01: later than what any recommender is asked about, earlier than April 1970 in
# milliseconds.
_LATEST: Final = 7_258_118_400
# 1973: what is earlier is a number that grows with each row, and no time.
_EARLIEST: Final = 100_000_000
_UNITS: Final = (
    ("milliseconds", 1_000, 10**14),
    ("microseconds", 1_000_000, 10**17),
    ("nanoseconds", 1_000_000_000, 2**63),
)


def moment(timestamp: int) -> str:
    """Return a timestamp as people read it; one that is no Unix seconds as it is.

    >>> moment(1537799250), moment(17)
    ('2018-09-24 14:27:30 UTC', '17')
    """
    if not _EARLIEST <= timestamp <= _LATEST:
        return str(timestamp)
    return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d %H:%M:%S} UTC"


def finer_unit(earliest: int) -> tuple[str, int] | None:
    """Return the unit that timestamps look like which are no seconds, and what to divide it by.

    Parameters
    ----------
    earliest : int
        The earliest of many; one alone may be far out for another reason, such as 9999-12-31.

    Returns
    -------
    tuple of str and int, or None
        None: seconds.

    >>> finer_unit(1_700_000_000), finer_unit(1_700_000_000_000)
    (None, ('milliseconds', 1000))
    """
    if earliest <= _LATEST:
        return None
    return next((unit, divisor) for unit, divisor, end in _UNITS if earliest < end)
