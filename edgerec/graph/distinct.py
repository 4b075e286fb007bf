"""Tables of few distinct rows: those rows once, and for each row the number of its own.

Many items share their genres, or were met by the same few people, so that whole rows of a table,
or of some of its columns, repeat. A table is cut into runs of columns, each stored the cheaper way.
Nothing is rounded: the graph gathers the same bits. Runs whose rows repeat alike, in one table or
in several, share their codes.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[Any]
RUN_BYTES: Final = 8192
"""what a run of its own must save: it is some nodes more, and so some microseconds a request"""
_LEAST_SHARE: Final = 0.1


@dataclass(frozen=True)
class Run:
    """Some columns of a table, side by side."""

    values: NDArray[Any]
    """the table's columns: of every row, or of each distinct row once"""
    codes: Codes | None = None
    """uint8, uint16 or int32 [n_rows]: which distinct row each row is; None: every row is stored"""

    @property
    def nbytes(self) -> int:
        """Of values and codes."""
        return self.values.nbytes + (0 if self.codes is None else self.codes.nbytes)


@dataclass(frozen=True)
class _Columns:
    """Columns `start` to `stop`, and which of their rows are equal."""

    start: int
    stop: int
    classes: NDArray[np.int64]
    """[n_rows]: numbers of distinct rows"""
    n_distinct: int


def runs_of(table: NDArray[Any], axis: int = 0) -> list[Run]:
    """Cut a table into runs of columns; side by side again, they are the table.

    Parameters
    ----------
    table : ndarray
        [n_rows], [n_rows, width], or [several, n_rows, width] with `axis` 1.

    >>> table = np.float32([[0, 1, number % 2] for number in range(9000)])
    >>> [(run.values.tolist(), run.codes.dtype.name) for run in runs_of(table)]
    [([[0.0, 1.0, 0.0], [0.0, 1.0, 1.0]], 'uint8')]
    >>> len(runs_of(np.random.default_rng(0).random((9000, 3))))
    1
    """
    whole = [Run(table)]
    if table.ndim > axis + 2 or table.nbytes < 2 * RUN_BYTES:
        return whole
    wide = table[:, None] if table.ndim == 1 else table
    n_rows, width = wide.shape[axis:]
    row_bytes = table.nbytes // (n_rows * width)

    def cost(one: _Columns) -> int:
        """Return the bytes of a run, stored the cheaper way."""
        own_bytes = row_bytes * (one.stop - one.start)
        coded = one.n_distinct * own_bytes + n_rows * _code_type(one.n_distinct).itemsize
        return int(min(n_rows * own_bytes, coded + RUN_BYTES))

    def merged(left: _Columns, right: _Columns) -> tuple[int, _Columns]:
        """Return what it saves to store two runs as one, and that one."""
        both = left.classes * right.n_distinct + right.classes
        one = _Columns(left.start, right.stop, *_numbered(both))
        return cost(left) + cost(right) - cost(one), one

    runs = [_Columns(at, at + 1, *_classes_of_column(wide[..., at], axis)) for at in range(width)]
    pairs = [merged(left, right) for left, right in pairwise(runs)]
    # The greatest saving first. What saves nothing is done too, in the end: wide rows may repeat
    # where no two of their columns save anything yet.
    while pairs and max(saved for saved, _ in pairs) >= 0:
        at = max(range(len(pairs)), key=lambda place: pairs[place][0])
        runs[at : at + 2] = [pairs.pop(at)[1]]
        for beside in (at - 1, at):
            if 0 <= beside < len(pairs):
                pairs[beside] = merged(runs[beside], runs[beside + 1])
    found = [_run(table, one, axis, cost(one)) for one in runs]
    stored = sum(run.nbytes for run in found)
    return found if stored <= (1 - _LEAST_SHARE) * table.nbytes else whole


def fits(values: NDArray[Any], codes: Codes, axis: int = 0) -> NDArray[Any] | None:
    """Return the distinct rows of `values` under the codes of another run; None: they differ.

    >>> codes = np.uint8([0, 1, 0])
    >>> fits(np.array([7, 8, 7]), codes).tolist(), fits(np.array([7, 8, 9]), codes)
    ([7, 8], None)
    """
    if values.shape[axis] != len(codes):
        return None
    first = np.unique(codes, return_index=True)[1]
    distinct = values.take(first, axis=axis)
    again = distinct.take(codes.astype(np.int64), axis=axis)
    return distinct if again.tobytes() == values.tobytes() else None


def _run(table: NDArray[Any], one: _Columns, axis: int, cost: int) -> Run:
    values = np.ascontiguousarray(table if table.ndim == 1 else table[..., one.start : one.stop])
    if cost >= values.nbytes:
        return Run(values)
    # Numbered by where they occur first: equal codes are then the same bytes, in every table.
    first = np.sort(np.unique(one.classes, return_index=True)[1])
    number = np.empty(one.n_distinct, np.int64)
    number[one.classes[first]] = np.arange(one.n_distinct)
    codes = number[one.classes].astype(_code_type(one.n_distinct))
    return Run(values.take(first, axis=axis), codes)


def _code_type(n_distinct: int) -> np.dtype[Any]:
    for kind in (np.uint8, np.uint16):
        if n_distinct <= np.iinfo(kind).max + 1:
            return np.dtype(kind)
    return np.dtype(np.int32)


def _classes_of_column(column: NDArray[Any], axis: int) -> tuple[NDArray[np.int64], int]:
    """Return the number of each row's value, [n_rows] or [several, n_rows], and how many."""
    bits = np.ascontiguousarray(column).view(f"u{column.dtype.itemsize}")
    classes, n_distinct = _numbered(bits if axis == 0 else bits[0])
    for other in bits[1:] if axis == 1 else ():
        more, n_more = _numbered(other)
        classes, n_distinct = _numbered(classes * n_more + more)
    return classes, n_distinct


def _numbered(keys: NDArray[Any]) -> tuple[NDArray[np.int64], int]:
    values, number = np.unique(keys, return_inverse=True)
    return number.astype(np.int64), len(values)
