"""Which candidates a request excludes, known and unknown ids alike."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgerec.graph.lookup import Candidates, Lookup
from edgerec.graph.nodes import GraphBuilder
from edgerec.ids import IdType, padding_id


def excluded_candidates(graph: GraphBuilder, lookup: Lookup, candidates: Candidates) -> str:
    """Return which candidates stand in `exclude`: bool [N]."""
    zero, raw = graph.constant([0]), lookup.rows("exclude")
    clipped = graph.add("Concat", [graph.add("Max", [raw, graph.constant(0)]), zero], axis=0)
    known = among(graph, lookup, candidates, clipped)
    # Unknown ids all have row 0, so they are compared as ids: `Unique` numbers them, which
    # works for strings too, where opset 17 has no Equal.
    is_unknown = graph.add("Not", [candidates.known])
    position = graph.add("Squeeze", [graph.add("NonZero", [is_unknown]), zero])
    theirs = graph.add("Gather", [candidates.ids, position])
    unknown_row = graph.add("Equal", [raw, graph.constant(0)])
    ours = graph.add("Compress", ["exclude", unknown_row], axis=0)
    sentinel = graph.table("padding_id", _padding_table(lookup.items.id_type))
    together = graph.add("Concat", [ours, sentinel, theirs], axis=0)
    number = graph.add_many("Unique", [together], ["", "", ""], sorted=1)[2]
    n_ours = graph.add("Shape", [ours])
    n_all = graph.add("Shape", [together])
    our_numbers = graph.add("Slice", [number, zero, n_ours])
    their_numbers = graph.add(
        "Slice", [number, graph.add("Add", [n_ours, graph.constant([1])]), n_all]
    )
    match = graph.add("Gather", [_scatter_ones(graph, n_all, our_numbers), their_numbers])
    unknown = _scatter(graph, candidates.count, position, match)
    return graph.add("Or", [known, unknown])


def among(graph: GraphBuilder, lookup: Lookup, candidates: Candidates, rows: str) -> str:
    """Return which candidates stand in these item rows: bool [N]; row 0 is none of them."""
    marked = _scatter_ones(graph, graph.constant([len(lookup.items.ids) + 1]), rows)
    return graph.add("And", [graph.add("Gather", [marked, candidates.rows]), candidates.known])


def _padding_table(id_type: IdType) -> NDArray[Any]:
    return np.array([padding_id(id_type)], np.int64 if id_type == "int64" else object)


def _scatter(graph: GraphBuilder, shape: str, positions: str, values: str) -> str:
    base = graph.add("Expand", [graph.constant([False], np.bool_), shape])
    return graph.add("ScatterElements", [base, positions, values], axis=0)


def _scatter_ones(graph: GraphBuilder, shape: str, positions: str) -> str:
    count = graph.add("Shape", [positions])
    ones = graph.add("Expand", [graph.constant([True], np.bool_), count])
    return _scatter(graph, shape, positions, ones)
