"""The network as ONNX nodes: what scikit-learn trained, converted by skl2onnx."""

import onnx
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType

from edgerec.graph.feature_sides import COMPUTED, PRODUCTS, Columns
from edgerec.graph.lookup import Candidates
from edgerec.graph.nodes import GraphBuilder
from edgerec.schema import OPSET, OPSET_ML
from edgerec.training.penalty import popularity_odds
from edgerec.training.ranker import Ranker
from edgerec.training.rows import CLIP


def add_network(
    graph: GraphBuilder, ranker: Ranker, columns: Columns, candidates: Candidates
) -> None:
    """Add standardisation and network: the features of both sides to the scores [N]."""
    converted = to_onnx(
        ranker.network,
        initial_types=[("features", FloatTensorType([None, len(ranker.weights.mean)]))],
        options={"zipmap": False},
        target_opset={"": OPSET, "ai.onnx.ml": OPSET_ML},
    )
    of_label_1 = graph.include(
        converted.graph,
        _probability_of_label_1(converted.graph),
        "network",
        {_end_of_first_layer(converted.graph): _first_layer(graph, ranker, columns)},
    )
    penalty = ranker.settings.popularity_penalty
    if not penalty:
        graph.add("Reshape", [of_label_1, graph.constant([-1])], candidates.scores)
        return
    likely = graph.add("Reshape", [of_label_1, graph.constant([-1])])
    table = popularity_odds(ranker.tables.statistics.log_count[-1], penalty)
    odds = graph.rows("popularity_odds", table, candidates.rows)
    weighed = graph.add("Mul", [likely, odds])
    unlikely = graph.add("Sub", [graph.number(1.0), likely])
    graph.add("Div", [weighed, graph.add("Add", [unlikely, weighed])], candidates.scores)


def _end_of_first_layer(converted: onnx.GraphProto) -> str:
    """Return the name of what skl2onnx's first layer gives: its product and intercept."""
    product = next(node for node in converted.node if node.op_type == "MatMul")
    added = next(node for node in converted.node if product.output[0] in node.input)
    assert added.op_type == "Add"
    return str(added.output[0])


def _probability_of_label_1(converted: onnx.GraphProto) -> str:
    """Return the name of the second of the two columns that skl2onnx puts beside each other."""
    both = next(node for node in converted.node if "probabilities" in node.output)
    assert both.op_type == "Concat"
    return str(both.input[1])


def _first_layer(graph: GraphBuilder, ranker: Ranker, columns: Columns) -> str:
    """Return what the first layer gives before its activation, [N, L].

    The user's share of it is computed once and then stands for the intercept.
    """
    weights = ranker.weights
    layer = graph.table("first_intercepts", weights.intercepts[0][None])
    for side in COMPUTED:
        if len(columns.folded[side]):
            layer = graph.add("Add", [layer, PRODUCTS[side]])
        own = columns.computed[side]
        mean = graph.table(f"mean_of_{side}", weights.mean[own])
        inverse_spread = graph.table(f"inverse_spread_of_{side}", weights.inverse_spread[own])
        centred = graph.add("Sub", [COMPUTED[side], mean])
        scaled = graph.add("Mul", [centred, inverse_spread])
        limits = graph.number(-float(CLIP)), graph.number(float(CLIP))
        standard = graph.add("Clip", [scaled, *limits])
        coefficients = graph.table(f"first_coefficients_of_{side}", weights.coefficients[0][own])
        layer = graph.add("Gemm", [standard, coefficients, layer])
    return layer
