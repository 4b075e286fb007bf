"""The whole graph: inputs, lookup, history, network, top."""

import numpy as np
import onnx

from edgerec.features.vector import FeatureTables
from edgerec.graph.history import HistoryFeatures, history_inputs
from edgerec.graph.lookup import Candidates, Lookup, effective_history, newest_slots, user_row
from edgerec.graph.neighbours import neighbour_features
from edgerec.graph.network import add_network
from edgerec.graph.nodes import GraphBuilder
from edgerec.schema import input_specifications, output_specifications
from edgerec.train.ranker import Ranker


def to_graph(ranker: Ranker, producer_version: str) -> onnx.ModelProto:
    """Return the ranker as one ONNX model that follows the graph contract, version 1."""
    graph = GraphBuilder()
    lookup = Lookup(graph, ranker.item_ids, ranker.item_id_type)
    user = user_row(graph, ranker.user_ids, ranker.user_id_type)
    candidates = lookup.candidates()
    slots = effective_history(graph, lookup, user, ranker.known, ranker.settings.n_history)
    compared = newest_slots(graph, slots, ranker.settings)
    inputs = history_inputs(graph, compared, candidates.rows, ranker.tables)
    dynamic = HistoryFeatures(graph, inputs, ranker.tables, ranker.settings.n_history)
    user_history = dynamic.user_features()
    per_candidate = dynamic.candidate_features()
    if ranker.tables.neighbours is not None:
        per_candidate.append(
            neighbour_features(
                graph,
                ranker.tables.neighbours,
                slots,
                ranker.tables.label_above,
                candidates.rows,
                ranker.settings.n_history,
            )
        )
    features = _feature_vectors(graph, ranker.tables, user, candidates, user_history, per_candidate)
    add_network(graph, ranker, features, candidates)
    lookup.top(candidates, lookup.excluded(candidates))
    return graph.model(
        "edgerec",
        input_specifications(ranker.user_id_type, ranker.item_id_type),
        output_specifications(ranker.item_id_type),
        producer_version,
    )


def _feature_vectors(
    graph: GraphBuilder,
    tables: FeatureTables,
    user: str,
    candidates: Candidates,
    user_history: str,
    dynamic: list[str],
) -> str:
    """Concatenate in the order of `edgerec.features.vector.feature_vectors`: [N, width]."""
    statistics = tables.statistics
    rows = np.concatenate(
        [
            tables.item_features,
            statistics.mean_value[-1, :, None],
            statistics.liked_rate[-1, :, None],
            statistics.log_count[-1, :, None],
        ],
        axis=1,
        dtype=np.float32,
    )
    per_candidate = graph.add("Concat", [candidates.count, graph.constant([1])], axis=0)

    def repeated(row: str) -> str:
        return graph.add("Expand", [row, per_candidate])

    blocks = []
    # A table of width 0 has no place in a graph: not every runtime reads it.
    if tables.user_features.shape[1]:
        users = graph.table("user_features", tables.user_features)
        blocks.append(repeated(graph.add("Gather", [users, user])))
    items = graph.table("item_features", rows)
    blocks.append(graph.add("Gather", [items, candidates.rows]))
    blocks.append(repeated(user_history))
    blocks += dynamic
    return graph.add("Concat", blocks, "features", axis=1)
