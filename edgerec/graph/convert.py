"""The whole graph: inputs, lookup, history, network, top."""

import onnx

from edgerec.config import ExportSettings
from edgerec.features.vector import FeatureTables
from edgerec.graph.history import HistoryFeatures, history_inputs
from edgerec.graph.idmaps import IdMap, choose_id_map
from edgerec.graph.lookup import Candidates, Lookup, effective_history, newest_slots, user_row
from edgerec.graph.neighbours import neighbour_features
from edgerec.graph.network import add_network
from edgerec.graph.nodes import GraphBuilder
from edgerec.graph.taste import TasteFeatures
from edgerec.schema import input_specifications, output_specifications
from edgerec.train.ranker import Ranker


def to_graph(ranker: Ranker, producer_version: str, settings: ExportSettings) -> onnx.ModelProto:
    """Return the ranker as one ONNX model that follows the graph contract, version 1."""
    graph = GraphBuilder(settings.precision)
    maps = id_maps(ranker, settings)
    lookup = Lookup(graph, maps["item"])
    user = user_row(graph, maps["user"])
    candidates = lookup.candidates()
    slots = effective_history(graph, lookup, user, ranker.known, ranker.settings.n_history)
    compared = newest_slots(graph, slots, ranker.settings)
    n_compared = min(ranker.settings.n_compared, ranker.settings.n_history)
    inputs = history_inputs(
        graph, compared, candidates.rows, ranker.tables, ranker.facts.last_timestamp
    )
    dynamic = HistoryFeatures(graph, inputs, ranker.tables, n_compared)
    user_history = [dynamic.user_features()]
    if ranker.tables.kinds.shape[1]:
        user_history.append(dynamic.profile())
    taste = TasteFeatures(
        graph,
        ranker.tables.taste,
        compared.rows,
        inputs.stated,
        inputs.value_and_liked,
        n_compared,
        ranker.tables.label_above is not None,
    )
    per_candidate = [*dynamic.candidate_features(), taste.candidate_columns(candidates.rows)]
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


def id_maps(ranker: Ranker, settings: ExportSettings) -> dict[str, IdMap]:
    """Return how the graph finds users and items."""
    return {
        "user": choose_id_map(ranker.user_ids, ranker.user_id_type, settings),
        "item": choose_id_map(ranker.item_ids, ranker.item_id_type, settings),
    }


def _feature_vectors(
    graph: GraphBuilder,
    tables: FeatureTables,
    user: str,
    candidates: Candidates,
    user_history: list[str],
    per_candidate: list[str],
) -> str:
    """Concatenate in the order of `edgerec.features.vector.feature_vectors`: [N, width]."""
    repeats = graph.add("Concat", [candidates.count, graph.constant([1])], axis=0)

    def repeated(row: str) -> str:
        return graph.add("Expand", [row, repeats])

    blocks = []
    # A table of width 0 has no place in a graph: not every runtime reads it.
    if tables.user_features.shape[1]:
        blocks.append(repeated(graph.rows("user_features", tables.user_features, user)))
    if tables.item_features.shape[1]:
        blocks.append(graph.rows("item_features", tables.item_features, candidates.rows))
    blocks.append(graph.rows("item_statistics", tables.item_statistics[-1], candidates.rows))
    blocks += [repeated(row) for row in user_history]
    blocks += per_candidate
    return graph.add("Concat", blocks, "features", axis=1)
