"""Cuts an exported graph in two at its features, to look at them or to change them."""

from collections.abc import Sequence
from typing import Final

import onnx
from onnx import helper, shape_inference

from edgerec.errors import EvaluationError
from edgerec.graph.feature_sides import COMPUTED, PRODUCTS

FEATURES: Final = (
    COMPUTED["user"],
    PRODUCTS["user"],
    COMPUTED["candidates"],
    PRODUCTS["candidates"],
)
"""the tensors that every score is computed from: [1, …] and [N, …]; products are there where
static rows are folded"""
SEEN: Final = ("history_rows", "history_slot_values", "candidate_ids")
"""what the first half answers beside them"""
_SCORES: Final = ("scores_of_candidates", "scores")
"""the first is there where the graph has a shortlist"""


def cut_at_features(graph: bytes) -> tuple[bytes, bytes, tuple[str, ...]]:
    """Return the nodes before and after the features as two graphs, and which tensors are between.

    The nodes and tables are those of `graph`, untouched. The first half takes its inputs and
    answers FEATURES (those that there are) and SEEN; the second takes FEATURES, of n rows on
    either side, and answers the scores of all.

    Raises
    ------
    EvaluationError
        The graph has no such tensor: it was not written by this version.
    """
    model = shape_inference.infer_shapes(onnx.load_from_string(graph))
    known = {one.name for one in model.graph.value_info}
    missing = sorted({*COMPUTED.values(), *SEEN} - known)
    if missing:
        raise EvaluationError(
            f"The graph has no tensor {missing[0]!r} to look into, so it was written by another "
            "version of edgeRec. Export it again with `edgerec export`."
        )
    between = tuple(name for name in FEATURES if name in known)
    inputs = [one.name for one in model.graph.input]
    before = _part(model, inputs, [*between, *SEEN])
    scores = next(name for name in _SCORES if name in known or name == _SCORES[-1])
    after = _part(model, between, [scores])
    # One user's features are a single row in the graph; here each row may be of another user.
    for tensor in after.graph.input:
        tensor.type.tensor_type.shape.dim[0].dim_param = "n"
    return before.SerializeToString(), after.SerializeToString(), between


def _part(model: onnx.ModelProto, inputs: Sequence[str], outputs: Sequence[str]) -> onnx.ModelProto:
    """Return what leads from some tensors of a graph to others.

    `onnx.utils.Extractor` does not see what the branches inside a node read.
    """
    graph = model.graph
    wanted, nodes = set(outputs), []
    for node in reversed(graph.node):
        if wanted.intersection(node.output) and not set(node.output) <= set(inputs):
            nodes.append(node)
            wanted.update(_read_by(node))
    described = {one.name: one for one in (*graph.input, *graph.value_info, *graph.output)}
    part = helper.make_graph(
        nodes[::-1],
        graph.name,
        [described[name] for name in inputs],
        [described[name] for name in outputs],
        [one for one in graph.initializer if one.name in wanted],
    )
    return helper.make_model(part, opset_imports=model.opset_import, ir_version=model.ir_version)


def _read_by(node: onnx.NodeProto) -> set[str]:
    """Return what a node reads, the branches inside it too."""
    read = set(node.input)
    for attribute in node.attribute:
        inner: set[str] = set()
        own: set[str] = set()
        for one in attribute.g.node:
            inner |= _read_by(one)
            own.update(one.output)
        read |= {*inner, *(one.name for one in attribute.g.output)} - own
    return read
