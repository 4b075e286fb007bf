"""The shortlist as ONNX nodes: `edgerec.training.shortlist`, for one request. Change both.

All of it stands in a branch, which requests for something else never take. The anchors are scored
by copies of the nodes that score candidates: see `edgerec.graph.repeats`.
"""

from typing import Final

import numpy as np

from edgerec.features.neighbours.tables import Neighbours
from edgerec.graph.lookup import CANDIDATE_ROWS, SCORES_OF_CANDIDATES
from edgerec.graph.nodes import GraphBuilder
from edgerec.graph.precision import narrow
from edgerec.graph.repeats import Repeat
from edgerec.schema import TensorSpecification
from edgerec.training.shortlist import NEVER, SMALLEST_ODDS, Shortlist

LISTED: Final = "shortlisted_rows"
"""name of the tensor that the branch gives"""


def shortlisted_rows(
    graph: GraphBuilder,
    shortlist: Shortlist,
    asked: str,
    neighbours: Neighbours | None,
    history_rows: str,
    counted_slots: str,
    excluded_rows: str,
) -> str:
    """Return the item rows of the list, ascending: int64 [n_items], or [0] where none is asked for.

    Parameters
    ----------
    asked : str
        int64 [1]: 1 where the list is wanted, else 0.
    counted_slots : str
        float32 [H, weightings]: what each slot counts; not read where there are no neighbours.
    excluded_rows : str
        int64 [E]: -1 and 0 are no item.
    """
    zero, one = graph.constant([0]), graph.constant([1])

    def found() -> list[str]:
        added = ""
        if neighbours is not None:
            added = _by_neighbours(graph, shortlist, neighbours, history_rows, counted_slots)
        scores = _coarse_scores(graph, shortlist, added)
        return [_best(graph, shortlist, scores, excluded_rows)]

    def none() -> list[str]:
        return [graph.add("Slice", [asked, one, one])]

    is_asked = graph.add("Greater", [asked, zero])
    graph.branch(is_asked, found, none, [TensorSpecification(LISTED, "int64", ("L",))])
    return LISTED


def _coarse_scores(graph: GraphBuilder, shortlist: Shortlist, added: str) -> str:
    """Return the coarse score of each item row, without its neighbours: [1, M]."""
    anchors = graph.table("shortlist_anchors", shortlist.anchors)
    of_anchors = graph.repeated(Repeat(SCORES_OF_CANDIDATES, CANDIDATE_ROWS, anchors, "anchors"))
    inside = graph.add(
        "Clip", [of_anchors, graph.number(SMALLEST_ODDS), graph.number(1 - SMALLEST_ODDS)]
    )
    other = graph.add("Sub", [graph.number(1.0), inside])
    logits = graph.add("Sub", [graph.add("Log", [inside]), graph.add("Log", [other])])
    expected = graph.table("shortlist_of_anyone", shortlist.directions[-1:, shortlist.anchors])
    if added:
        expected = graph.add("Add", [expected, graph.add("Gather", [added, anchors], axis=1)])
    better = graph.add("Sub", [logits, expected])
    direction = graph.add(
        "MatMul", [better, graph.table("shortlist_of_anchors", shortlist.of_anchors)]
    )
    direction = graph.add("Concat", [direction, graph.constant([[1.0]], np.float32)], axis=1)
    places = graph.whole("shortlist_directions", shortlist.directions)
    scores = graph.add("MatMul", [direction, places])
    return graph.add("Add", [scores, added]) if added else scores


def _by_neighbours(
    graph: GraphBuilder,
    shortlist: Shortlist,
    neighbours: Neighbours,
    history_rows: str,
    counted_slots: str,
) -> str:
    """Return what the history's neighbours add to each item: [1, M]."""
    mixed = graph.table("shortlist_of_neighbours", shortlist.of_neighbours.T.copy())
    slots = graph.add("MatMul", [counted_slots, mixed])
    slots = graph.add("Unsqueeze", [slots, graph.constant([2, 3])])
    weights = graph.rows(
        "neighbour_weights", neighbours.weights[-1, :, :, None, :], history_rows, coarse=True
    )
    line = graph.constant([1, -1])
    updates = graph.add("Reshape", [graph.add("Mul", [slots, weights]), line])
    rows = graph.rows("neighbour_rows", narrow(neighbours.rows[-1]), history_rows)
    rows = graph.add("Reshape", [rows, line])
    shape = graph.constant([1, shortlist.directions.shape[1]])
    nothing = graph.add("Expand", [graph.number(0.0), shape])
    return graph.add("ScatterElements", [nothing, rows, updates], axis=1, reduction="add")


def _best(graph: GraphBuilder, shortlist: Shortlist, scores: str, excluded_rows: str) -> str:
    """Return the rows of the best scores [1, M], ascending: int64 [n_items]."""
    n_rows = shortlist.directions.shape[1]
    one = graph.constant([1])
    # Row 0 has the score of what is excluded already, so whatever is no item may go there.
    places = graph.add("Max", [excluded_rows, graph.constant(0)])
    places = graph.add("Unsqueeze", [places, graph.constant([0])])
    never = graph.add("Expand", [graph.number(NEVER), graph.add("Shape", [places])])
    scores = graph.add("ScatterElements", [scores, places, never], axis=1)
    of_items = graph.add("Slice", [scores, one, graph.constant([n_rows]), one])
    n_listed = graph.constant([min(shortlist.n_items, n_rows - 1)])
    best = graph.add_many("TopK", [of_items, n_listed], ["", ""], axis=1, largest=1, sorted=0)[1]
    best = graph.add("Reshape", [best, graph.constant([-1])])
    # Ascending, so that of equal scores the lower row comes first.
    ascending = graph.add_many("TopK", [best, n_listed], ["", ""], axis=0, largest=0, sorted=1)[0]
    return graph.add("Add", [ascending, one])
