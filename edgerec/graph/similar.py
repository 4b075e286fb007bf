"""Similar items in ONNX: what `edgerec.features.similar` computes, only where it is asked for.

ONNX Runtime runs a whole graph whichever outputs are wanted, so all of this stands in a branch
that ordinary requests, whose `k` is 0 or more, never take.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from onnx import TensorProto

from edgerec.features.similar import (
    BEHIND,
    KINDS_LENGTH,
    SMALLEST_LENGTH,
    TEXTS_LENGTH,
    first_text_column,
)
from edgerec.features.vector import FeatureTables
from edgerec.graph.exclusion import among
from edgerec.graph.lookup import Candidates, Lookup
from edgerec.graph.nodes import GraphBuilder
from edgerec.schema import TensorSpecification

_MOST: Final = 2**31
"""the largest k: a negative int64 has not always a positive one"""
FIRST_TEXT_COLUMN: Final = "first_text_column"
"""name of an int64 [1], only where texts are compared: in `item_content` they begin there"""


def similar_items(
    graph: GraphBuilder,
    lookup: Lookup,
    candidates: Candidates,
    excluded: str,
    tables: FeatureTables,
) -> tuple[str, str]:
    """Return positions and similarities of the items asked for, int64 and float32 [S].

    `excluded` bool [N] are candidates that are left out.
    """
    rows, zero, one = lookup.rows("history"), graph.constant([0]), graph.constant([1])

    def lengths(vectors: str) -> tuple[str, str]:
        """Return the length of each row, [n], and whether it has any."""
        squares = graph.add("Mul", [vectors, vectors])
        length = graph.add("Sqrt", [graph.add("ReduceSum", [squares, one], keepdims=0)])
        return length, graph.add("Greater", [length, graph.number(0.0)])

    def of_length(rows: str, wanted: float) -> str:
        """Return the rows of that length; those that are nothing stay so."""
        length, has_length = lengths(rows)
        divisor = graph.add("Where", [has_length, length, graph.number(1.0)])
        unit = graph.add("Div", [rows, graph.add("Unsqueeze", [divisor, one])])
        return graph.add("Mul", [unit, graph.number(wanted)])

    first_text = ""
    if tables.texts_beside_kinds:
        first_text = graph.table(FIRST_TEXT_COLUMN, np.array([first_text_column(tables)]))

    def vectors(rows: str) -> str:
        """Return what is compared: [n, D]."""
        blocks = [
            graph.rows("item_embedding", tables.embedding[-1], rows, coarse=True),
            graph.rows("item_audience", tables.audience[-1], rows, coarse=True),
        ]
        if tables.kinds.shape[1]:
            kinds = graph.rows("item_kinds", tables.kinds, rows, coarse=True)
            blocks.append(of_length(kinds, KINDS_LENGTH))
        if first_text:
            # They stand there for the features already, shorter: no table of their own.
            content = graph.rows("item_content", tables.content, rows, coarse=True)
            end = graph.constant([tables.content.shape[1]])
            texts = graph.add("Slice", [content, first_text, end, one])
            blocks.append(of_length(texts, TEXTS_LENGTH))
        return graph.add("Concat", blocks, axis=1)

    def none() -> Sequence[str]:
        return [graph.add("Slice", [given, zero, zero]) for given in (zero, candidates.scores)]

    def found() -> Sequence[str]:
        # With row 0, which has no vector, at the end: no list is empty.
        own = graph.add("Concat", [graph.add("Max", [rows, graph.constant(0)]), zero], axis=0)
        direction, summed = _direction(graph, own, vectors(own))
        compared = vectors(candidates.rows)
        length, has_vector = lengths(compared)
        product = graph.add("Squeeze", [graph.add("MatMul", [compared, direction]), one])
        divisor = graph.add("Where", [has_vector, length, graph.number(1.0)])
        cosine = graph.add("Div", [product, divisor])
        left_out = graph.add("Or", [excluded, among(graph, lookup, candidates, own)])
        points = graph.add("Not", [graph.add("Less", [summed, _double(graph, SMALLEST_LENGTH)])])
        listed = graph.add("And", [has_vector, graph.add("Not", [left_out])])
        listed = graph.add("And", [listed, points])
        number = graph.add("Cast", [listed], to=TensorProto.INT64)
        n_listed = graph.add("ReduceSum", [number, zero], keepdims=1)
        asked = graph.add("Neg", [graph.add("Max", ["k", graph.constant([-_MOST])])])
        n_wanted = graph.add("Min", [asked, n_listed])
        ranked = graph.add("Where", [listed, cosine, graph.number(BEHIND)])
        best, at = graph.add_many("TopK", [ranked, n_wanted], ["", ""], axis=0, largest=1, sorted=1)
        return at, best

    is_asked = graph.add("Less", ["k", graph.constant([0])])
    given = [
        TensorSpecification("positions_of_similar", "int64", ("S",)),
        TensorSpecification("similarities_of_similar", "float32", ("S",)),
    ]
    graph.branch(is_asked, found, none, given)
    return given[0].name, given[1].name


def _direction(graph: GraphBuilder, rows: str, vectors: str) -> tuple[str, str]:
    """Return the unit direction of the signed sum, float32 [D, 1], and its length before: [1]."""
    n_items = graph.add("Shape", [rows])
    missing = graph.add("Expand", [graph.number(np.nan), n_items])
    filled = graph.add("Concat", ["history_values", missing], axis=0)
    values = graph.add("Slice", [filled, graph.constant([0]), n_items])
    # NaN, which is not stated, is not below 0.
    is_less = graph.add("Less", [values, graph.number(0.0)])
    signs = graph.add("Where", [is_less, _double(graph, -1.0), _double(graph, 1.0)])
    line = graph.add("Unsqueeze", [signs, graph.constant([0])])
    wide = graph.add("Cast", [vectors], to=TensorProto.DOUBLE)
    total = graph.add("MatMul", [line, wide])
    squares = graph.add("Mul", [total, total])
    length = graph.add("Sqrt", [graph.add("ReduceSum", [squares, graph.constant([1])], keepdims=0)])
    divisor = graph.add("Max", [length, _double(graph, SMALLEST_LENGTH)])
    unit = graph.add("Cast", [graph.add("Div", [total, divisor])], to=TensorProto.FLOAT)
    return graph.add("Transpose", [unit], perm=[1, 0]), length


def _double(graph: GraphBuilder, value: float) -> str:
    return graph.constant(value, np.float64)
