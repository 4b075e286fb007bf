"""The neighbours' columns as ONNX nodes: `edgerec.features.neighbours.columns`. Change both."""

import numpy as np

from edgerec.features.neighbours.columns import OWN_NAMES, slot_weights, weightings
from edgerec.features.neighbours.tables import Neighbours
from edgerec.graph.effective_history import HistorySlots
from edgerec.graph.nodes import GraphBuilder, narrow

_FLOAT = 1


def counted_slots(
    graph: GraphBuilder,
    neighbours: Neighbours,
    slots: HistorySlots,
    label_above: float | None,
    n_history: int,
) -> str:
    """Return what each slot counts: [H, weightings]."""
    chosen = weightings(neighbours)
    # The blank slot stands one behind the oldest, so there is one more than n_history at most.
    every = graph.table("neighbour_slots", slot_weights(n_history + 1, chosen))
    zero, n_slots = graph.constant([0]), graph.add("Shape", [slots.rows])
    even = graph.add("Slice", [every, zero, n_slots, zero])
    # Which of (present, liked) a column counts, picked by a product.
    picks = np.array([[not one.liked for one in chosen], [one.liked for one in chosen]], np.float32)
    present = graph.add("Greater", [slots.rows, graph.constant(0)])
    # What is not stated (NaN) is not above.
    above = graph.number(np.inf if label_above is None else label_above)
    liked = graph.add("And", [present, graph.add("Greater", [slots.values, above])])
    column = graph.constant([1])
    counts = graph.add(
        "Concat",
        [
            graph.add("Unsqueeze", [graph.add("Cast", [one], to=_FLOAT), column])
            for one in (present, liked)
        ],
        axis=1,
    )
    counted = graph.add("MatMul", [counts, graph.table("neighbour_picks", picks)])
    return graph.add("Mul", [even, counted])


def neighbour_features(
    graph: GraphBuilder,
    neighbours: Neighbours,
    slots: HistorySlots,
    counted: str,
    candidate_rows: str,
) -> str:
    """Return the columns of each candidate: [N, len(column_names(neighbours))].

    `counted` is what `counted_slots` returned.
    """
    n_rows, chosen = neighbours.rows.shape[1], weightings(neighbours)
    zero = graph.constant([0])
    empty = graph.add("Expand", [graph.number(0.0), graph.constant([n_rows, len(chosen)])])
    places = graph.add("Unsqueeze", [slots.rows, graph.constant([1])])
    scattered = graph.add("ScatterND", [empty, places, counted])
    rows = graph.rows("neighbour_rows", narrow(neighbours.rows[-1]), candidate_rows)
    weights = graph.rows(
        "neighbour_weights", neighbours.weights[-1, :, :, None, :], candidate_rows, coarse=True
    )
    there = graph.add("Gather", [scattered, rows])
    total = graph.add("MatMul", [weights, there])
    n_columns = len(neighbours.names) * len(chosen)
    total = graph.add("Reshape", [total, graph.constant([-1, n_columns])])
    own = graph.add("Gather", [scattered, candidate_rows])
    first = graph.constant([len(OWN_NAMES)])
    own = graph.add("Slice", [own, zero, first, graph.constant([1])])
    return graph.add("Concat", [total, own], axis=1)
