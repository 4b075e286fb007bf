"""Cuts an exported graph in two at its features, to look at them or to change them."""

from typing import Final

import onnx
from onnx import shape_inference, utils

from edgerec.errors import EvaluationError
from edgerec.graph.feature_sides import COMPUTED, PRODUCTS
from edgerec.graph.lookup import SCORES_OF_CANDIDATES

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
_SCORES: Final = (SCORES_OF_CANDIDATES, "scores")
"""the first is there where the graph has a shortlist"""


def cut_at_features(graph: bytes) -> tuple[bytes, bytes, tuple[str, ...]]:
    """Return the nodes before and after the features as two graphs, and which tensors are between.

    The nodes and tables are those of `graph`, untouched, but nothing is taken that only some
    requests ask for: the best of the catalogue are found among all of it. The first half takes
    its inputs and answers FEATURES (those that there are) and SEEN; the second takes FEATURES, of
    n rows on either side, and answers the scores of all.

    Raises
    ------
    EvaluationError
        The graph has no such tensor: it was not written by this version.
    """
    model = shape_inference.infer_shapes(_without_branches(onnx.load_from_string(graph)))
    known = {one.name for one in model.graph.value_info}
    missing = sorted({*COMPUTED.values(), *SEEN} - known)
    if missing:
        raise EvaluationError(
            f"The graph has no tensor {missing[0]!r} to look into, so it was written by another "
            "version of edgeRec. Export it again with `edgerec export`."
        )
    between = tuple(name for name in FEATURES if name in known)
    extractor = utils.Extractor(model)
    inputs = [one.name for one in model.graph.input]
    before = extractor.extract_model(inputs, [*between, *SEEN])
    scores = next(name for name in _SCORES if name in known or name == _SCORES[-1])
    after = extractor.extract_model(list(between), [scores])
    # One user's features are a single row in the graph; here each row may be of another user.
    for tensor in after.graph.input:
        tensor.type.tensor_type.shape.dim[0].dim_param = "n"
    del after.graph.value_info[:]
    return before.SerializeToString(), after.SerializeToString(), between


def _without_branches(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model as it is where nothing is asked for that stands in a branch."""
    nodes = list(model.graph.node)
    del model.graph.node[:]
    for node in nodes:
        if node.op_type != "If":
            model.graph.node.append(node)
            continue
        otherwise = next(one.g for one in node.attribute if one.name == "else_branch")
        names = {
            inner.name: outer for inner, outer in zip(otherwise.output, node.output, strict=True)
        }
        for inner in otherwise.node:
            inner.output[:] = [names.get(name, name) for name in inner.output]
            model.graph.node.append(inner)
    return model
