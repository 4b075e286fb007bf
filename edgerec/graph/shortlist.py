"""The shortlist as ONNX nodes: `edgerec.train.shortlist`, for one request. Change both.

Where no list is asked for, every tensor here has no rows, and the nodes compute nothing: that is
faster than a branch, and every runtime has it.
"""

import numpy as np

from edgerec.features.neighbours.tables import Neighbours
from edgerec.graph.nodes import GraphBuilder, narrow
from edgerec.train.shortlist import NEVER, Shortlist


def shortlisted_rows(
    graph: GraphBuilder,
    shortlist: Shortlist,
    asked: str,
    taste: str,
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
    taste : str
        float32 [S, D, W]
    counted_slots : str
        float32 [H, weightings]: what each slot counts; not read where there are no neighbours.
    excluded_rows : str
        int64 [E]: -1 and 0 are no item.
    """
    n_rows = shortlist.directions.shape[1]
    flat = graph.add("Reshape", [taste, graph.constant([1, -1])])
    direction = graph.add("MatMul", [flat, graph.table("shortlist_of_taste", shortlist.of_taste)])
    direction = graph.add("Concat", [direction, graph.constant([[1.0]], np.float32)], axis=1)
    zero, one = graph.constant([0]), graph.constant([1])
    direction = graph.add("Slice", [direction, zero, asked])
    scores = graph.add(
        "MatMul", [direction, graph.whole("shortlist_directions", shortlist.directions)]
    )

    def by_request(tensor: str) -> str:
        """Return [1, n] of a tensor of any shape, or [0, n]."""
        row = graph.add("Reshape", [tensor, graph.constant([1, -1])])
        return graph.add("Slice", [row, zero, asked])

    if neighbours is not None:
        mixed = graph.table("shortlist_of_neighbours", shortlist.of_neighbours.T.copy())
        slots = graph.add("MatMul", [counted_slots, mixed])
        slots = graph.add("Unsqueeze", [slots, graph.constant([2, 3])])
        weights = graph.rows(
            "neighbour_weights", neighbours.weights[-1, :, :, None, :], history_rows, coarse=True
        )
        updates = by_request(graph.add("Mul", [slots, weights]))
        rows = by_request(graph.rows("neighbour_rows", narrow(neighbours.rows[-1]), history_rows))
        scores = graph.add("ScatterElements", [scores, rows, updates], axis=1, reduction="add")
    # Row 0 has the score of what is excluded already, so whatever is no item may go there.
    places = by_request(graph.add("Max", [excluded_rows, graph.constant(0)]))
    never = graph.add("Expand", [graph.number(NEVER), graph.add("Shape", [places])])
    scores = graph.add("ScatterElements", [scores, places, never], axis=1)
    of_items = graph.add("Slice", [scores, one, graph.constant([n_rows]), one])
    n_items = min(shortlist.n_items, n_rows - 1)
    n_listed = graph.add("Mul", [asked, graph.constant([n_items])])
    best = graph.add_many("TopK", [of_items, n_listed], ["", ""], axis=1, largest=1, sorted=0)[1]
    best = graph.add("Reshape", [best, graph.constant([-1])])
    # Ascending, so that of equal scores the lower row comes first.
    ascending = graph.add_many("TopK", [best, n_listed], ["", ""], axis=0, largest=0, sorted=1)[0]
    return graph.add("Add", [ascending, one])
