"""Cuts an exported graph in two at its features, to look at them or to change them."""

from typing import Final

import onnx
from onnx import shape_inference, utils

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
