"""How a table's numbers are stored: whole, as half floats, or as bytes with a scale for each row.

Rounding happens once, before anything else: `rounded_rows` makes a table what its stored form
can say exactly, the ranker computes with that, and `stored_rows` then stores it without a loss.
So graph and ranker agree as they do in full precision, and what rounding cost is measured apart.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgerec.export_settings import Precision

Array = NDArray[np.float32]
_LARGEST_BYTE: Final = 127
_SCALE_BITS: Final = 13
"""of a scale's 24, left empty: its product with a byte is then exact"""


@dataclass(frozen=True)
class Stored:
    """A table as it stands in the file."""

    values: NDArray[Any]
    """float32, float16 or int8"""
    scale: Array | None = None
    """float32 [..., n_rows, 1]: what int8 is multiplied with"""


def rounded_rows(table: Array, precision: Precision) -> Array:
    """Return the nearest table that can be stored so; as it is where half floats cannot hold it.

    >>> rounded_rows(np.float32([[1.0001, 70.0]]), "fp16").tolist()
    [[1.0, 70.0]]
    >>> rounded_rows(np.float32([[1.0, 127.0]]), "int8").tolist()
    [[1.0, 127.0]]
    """
    if precision == "fp32":
        return table
    if precision == "fp16":
        with np.errstate(over="ignore"):
            half = table.astype(np.float16).astype(np.float32)
        return half if np.isfinite(half).all() else table
    scale = _scales(table)
    rounded: Array = _bytes(table, scale) * scale
    return rounded


def stored_rows(table: Array, precision: Precision) -> Stored:
    """Return the smallest form of `precision` or above that holds the table exactly."""
    if precision == "int8":
        scale = _scales(table)
        values = _bytes(table, scale)
        if np.array_equal(values * scale, table):
            return Stored(values.astype(np.int8), scale)
    if precision != "fp32":
        with np.errstate(over="ignore"):
            half = table.astype(np.float16)
        if np.array_equal(half.astype(np.float32), table, equal_nan=True):
            return Stored(half)
    return Stored(table)


def _scales(table: Array) -> Array:
    """Return the scale of each row, rounded up to few enough digits: [..., 1]."""
    if not table.size:
        return np.zeros((*table.shape[:-1], 1), np.float32)
    largest = np.abs(table).max(axis=-1, keepdims=True)
    exact = (largest / np.float32(_LARGEST_BYTE)).astype(np.float32)
    cut = exact.view(np.uint32) >> _SCALE_BITS
    up = cut + ((cut << _SCALE_BITS) < exact.view(np.uint32))
    scale: Array = (up << _SCALE_BITS).astype(np.uint32).view(np.float32)
    return scale


def _bytes(table: Array, scale: Array) -> Array:
    rounded: Array = np.rint(np.divide(table, scale, out=np.zeros_like(table), where=scale > 0))
    return rounded


def narrow(numbers: NDArray[Any]) -> NDArray[Any]:
    """Return integers of 0 and more in as few bytes as hold them.

    >>> narrow(np.array([0, 65_535])).dtype, narrow(np.array([65_536])).dtype
    (dtype('uint16'), dtype('int32'))
    """
    largest = int(numbers.max(initial=0))
    for dtype in (np.uint16, np.int32):
        if largest <= np.iinfo(dtype).max:
            return numbers.astype(dtype)
    return numbers.astype(np.int64)
