"""The network as ONNX nodes: what scikit-learn trained, converted by skl2onnx."""

import numpy as np
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType

from edgerec.graph.lookup import Candidates
from edgerec.graph.nodes import GraphBuilder
from edgerec.schema import OPSET, OPSET_ML
from edgerec.train.penalty import popularity_odds
from edgerec.train.ranker import Ranker
from edgerec.train.rows import CLIP


def add_network(graph: GraphBuilder, ranker: Ranker, features: str, candidates: Candidates) -> None:
    """Add standardisation and network: `features` [N, width] to the output `scores` [N]."""
    weights = ranker.weights
    mean = graph.table("feature_mean", weights.mean)
    inverse_spread = graph.table("feature_inverse_spread", weights.inverse_spread)
    centred = graph.add("Sub", [features, mean])
    scaled = graph.add("Mul", [centred, inverse_spread])
    standard = graph.add("Clip", [scaled, graph.number(-float(CLIP)), graph.number(float(CLIP))])
    converted = to_onnx(
        ranker.network,
        initial_types=[("features", FloatTensorType([None, len(weights.mean)]))],
        options={"zipmap": False},
        target_opset={"": OPSET, "ai.onnx.ml": OPSET_ML},
    )
    probabilities = graph.include(
        converted.graph, "probabilities", "network", {"features": standard}
    )
    of_label_1 = graph.add("Gather", [probabilities, graph.constant([1], np.int64)], axis=1)
    penalty = ranker.settings.popularity_penalty
    if not penalty:
        graph.add("Reshape", [of_label_1, graph.constant([-1])], "scores")
        return
    likely = graph.add("Reshape", [of_label_1, graph.constant([-1])])
    table = popularity_odds(ranker.tables.statistics.log_count[-1], penalty)
    odds = graph.rows("popularity_odds", table, candidates.rows)
    weighed = graph.add("Mul", [likely, odds])
    unlikely = graph.add("Sub", [graph.number(1.0), likely])
    graph.add("Div", [weighed, graph.add("Add", [unlikely, weighed])], "scores")
