"""Rows of integers that nearly follow each other: the id less the smallest is the place to look."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.graph.nodes import GraphBuilder
from edgerec.ids import PADDING_INTEGER, IdArray, IdType

_LARGEST_SHARE_OF_GAPS: Final = 4
"""places per id at most: four of 4 bytes take less memory than a hash table's entry"""
_INT64: Final = 7


def is_dense(ids: NDArray[np.int64]) -> bool:
    """Return whether ascending ids leave few gaps.

    >>> is_dense(np.array([1, 2, 6])), is_dense(np.array([1, 2**62]))
    (True, False)
    """
    # As Python's integers: the span of int64 does not fit into int64.
    return int(ids[-1]) - int(ids[0]) + 1 <= _LARGEST_SHARE_OF_GAPS * len(ids)


def add_dense(
    graph: GraphBuilder, name: str, ids: IdArray, id_type: IdType, asked: str, known_ids: str = ""
) -> str:
    """Add the nodes: int64 [n] to rows int64 [n]; 0: unknown, -1: padding."""
    known = np.asarray(ids, np.int64)
    first, last = int(known[0]), int(known[-1])
    span = last - first + 1
    # Two places more: for what lies outside, and for the padding id.
    rows = np.zeros(span + 2, np.int32)
    rows[known - first] = np.arange(1, len(known) + 1)
    rows[span + 1] = -1
    table = graph.table(f"{name}_row_of_place", rows)
    low, high = graph.constant(first), graph.constant(last)
    # Cut before it is subtracted from: a difference of two ids may not fit into 64 bits.
    cut = graph.add("Max", [graph.add("Min", [asked, high]), low])
    place = graph.add("Sub", [cut, low])
    inside = graph.add("Equal", [cut, asked])
    place = graph.add("Where", [inside, place, graph.constant(span)])
    is_padding = graph.add("Equal", [asked, graph.constant(PADDING_INTEGER)])
    place = graph.add("Where", [is_padding, graph.constant(span + 1), place])
    return graph.add("Cast", [graph.add("Gather", [table, place])], to=_INT64)
