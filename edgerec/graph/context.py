"""The context of a request in the graph: `edgerec.context.Context.row`, node for node."""

import numpy as np

from edgerec.context import Context
from edgerec.graph.nodes import GraphBuilder


def context_features(graph: GraphBuilder, context: Context) -> str:
    """Return the numbers that the input `context` states, defaults for the others: [1, C]."""
    nothing = graph.constant(np.full(len(context), np.nan), np.float32)
    filled = graph.add("Concat", ["context", nothing], axis=0)
    stated = graph.add("Slice", [filled, graph.constant([0]), graph.constant([len(context)])])
    defaults = graph.table("context_defaults", context.defaults)
    row = graph.add("Where", [graph.add("IsNaN", [stated]), defaults, stated])
    return graph.add("Unsqueeze", [row, graph.constant([0])])
