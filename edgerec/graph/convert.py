"""The whole graph: inputs, lookup, history, network, top, similar items."""

import onnx

from edgerec.export_settings import ExportSettings
from edgerec.graph.answer import add_answer
from edgerec.graph.context import context_features
from edgerec.graph.effective_history import HistorySlots, effective_history, newest_slots
from edgerec.graph.feature_sides import Side, add_features, add_products, columns_of
from edgerec.graph.history import HistoryFeatures, candidate_inputs, slot_inputs
from edgerec.graph.history.numbers import item_numbers
from edgerec.graph.idmaps import IdMap, choose_id_map
from edgerec.graph.lookup import Lookup, Shortlisted, user_row
from edgerec.graph.neighbours import counted_slots, neighbour_features
from edgerec.graph.network import add_network
from edgerec.graph.nodes import GraphBuilder
from edgerec.graph.shortlist import shortlisted_rows
from edgerec.graph.taste import TasteFeatures
from edgerec.schema import input_specifications, output_specifications
from edgerec.training.ranker import Ranker


def to_graph(ranker: Ranker, producer_version: str, settings: ExportSettings) -> onnx.ModelProto:
    """Return the ranker as one ONNX model that follows the graph contract, version 1."""
    graph = GraphBuilder(settings.precision, deduplicate=settings.deduplicate)
    maps = id_maps(ranker, settings)
    tables, lookup = ranker.tables, Lookup(graph, maps["item"])
    user = user_row(graph, maps["user"])
    slots = effective_history(graph, lookup, user, ranker.known, ranker.settings.n_history)
    compared = newest_slots(graph, slots, ranker.settings)
    n_compared = min(ranker.settings.n_compared, ranker.settings.n_history)
    numbers = item_numbers(tables)
    inputs = slot_inputs(graph, compared, tables, numbers)
    dynamic = HistoryFeatures(graph, inputs, tables, n_compared)
    user_history = [dynamic.user_features()]
    if tables.kinds.shape[1]:
        user_history.append(dynamic.profile())
    if len(ranker.tables.context):
        user_history.append(context_features(graph, ranker.tables.context))
    taste = TasteFeatures(graph, tables.taste, inputs, n_compared, ranker.added_items)
    counted = ""
    if tables.neighbours is not None:
        counted = counted_slots(
            graph, tables.neighbours, slots, tables.label_above, ranker.settings.n_history
        )
    listed = _shortlisted(graph, ranker, lookup, slots, counted)
    candidates = lookup.candidates(listed)
    read = candidate_inputs(graph, candidates.rows, tables, numbers, ranker.facts.last_timestamp)
    of_taste = taste.candidate_columns(candidates.rows, read.of_taste)
    per_candidate = [*dynamic.candidate_features(read), of_taste]
    if tables.neighbours is not None:
        per_candidate.append(
            neighbour_features(graph, tables.neighbours, slots, counted, candidates.rows)
        )
    rows: dict[Side, str] = {"user": user, "candidates": candidates.rows}
    columns = columns_of(ranker, settings)
    dynamics: dict[Side, list[str]] = {"user": user_history, "candidates": per_candidate}
    add_features(graph, tables, columns, rows, read.statistics, dynamics)
    add_products(graph, ranker, columns, rows)
    add_network(graph, ranker, columns, candidates)
    add_answer(graph, lookup, candidates, tables)
    return graph.model(
        "edgerec",
        input_specifications(
            maps["user"].id_type, maps["item"].id_type, ranker.tables.context.defaults.tolist()
        ),
        output_specifications(maps["item"].id_type),
        producer_version,
    )


def _shortlisted(
    graph: GraphBuilder,
    ranker: Ranker,
    lookup: Lookup,
    slots: HistorySlots,
    counted: str,
) -> Shortlisted | None:
    shortlist = ranker.shortlist
    if shortlist is None:
        return None

    def rows(asked: str) -> str:
        return shortlisted_rows(
            graph,
            shortlist,
            asked,
            ranker.tables.neighbours,
            slots.rows,
            counted,
            lookup.rows("exclude"),
        )

    return Shortlisted(shortlist.largest_k, rows)


def id_maps(ranker: Ranker, settings: ExportSettings) -> dict[str, IdMap]:
    """Return how the graph finds users and items."""
    return {
        "user": choose_id_map(ranker.user_ids, ranker.user_id_type, settings),
        "item": choose_id_map(ranker.item_ids, ranker.item_id_type, settings),
    }


def feature_names(ranker: Ranker, settings: ExportSettings) -> list[str]:
    """Return the names of the columns that the graph has, in its order: first the user's."""
    layer = ranker.weights.coefficients[0].shape[1]
    return columns_of(ranker, settings).names(ranker.tables.names(), layer)
