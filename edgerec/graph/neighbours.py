"""The neighbours' features as ONNX nodes: `edgerec.features.neighbours`. Change both or neither."""

from edgerec.features.neighbours import Neighbours, slot_weights
from edgerec.graph.lookup import HistorySlots
from edgerec.graph.nodes import GraphBuilder

_FLOAT = 1


def neighbour_features(
    graph: GraphBuilder,
    neighbours: Neighbours,
    slots: HistorySlots,
    candidate_rows: str,
    n_history: int,
) -> str:
    """Return the features of each candidate: [N, len(NAMES)] in the order of the reference."""
    n_rows = neighbours.rows.shape[1]
    rows_table = graph.table("neighbour_rows", neighbours.rows[-1])
    weights_table = graph.table("neighbour_weights", neighbours.weights[-1])
    # The blank slot stands one behind the oldest, so there is one more than n_history at most.
    weight_of_slot = slot_weights(n_history + 1)
    every = graph.table("neighbour_slots", weight_of_slot)
    n_slots = graph.add("Shape", [slots.rows])
    counted = graph.add("Slice", [every, graph.constant([0]), n_slots, graph.constant([1])])
    present = graph.add("Greater", [slots.rows, graph.constant(0)])
    counted = graph.add("Mul", [counted, graph.add("Cast", [present], to=_FLOAT)])
    both = graph.add("Concat", [graph.constant([len(weight_of_slot)]), n_slots], axis=0)
    places = graph.add("Expand", [slots.rows, both])
    empty = graph.add("Expand", [graph.number(0.0), graph.constant([len(weight_of_slot), n_rows])])
    scattered = graph.add("ScatterElements", [empty, places, counted], axis=1)
    rows = graph.add("Gather", [rows_table, candidate_rows])
    there = graph.add("Gather", [scattered, rows], axis=1)
    weights = graph.add("Gather", [weights_table, candidate_rows])
    products = graph.add("Mul", [there, weights])
    total = graph.add("ReduceSum", [products, graph.constant([2])], keepdims=0)
    own = graph.add("Gather", [scattered, candidate_rows], axis=1)
    features = graph.add("Concat", [total, own], axis=0)
    return graph.add("Transpose", [features], perm=[1, 0])
