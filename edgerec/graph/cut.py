"""Cuts an exported graph in two at its feature vector, to look at it or to change it."""

from typing import Final

import onnx
from onnx import shape_inference, utils

from edgerec.errors import EvaluationError

FEATURES: Final = "features"
"""the tensor [N, width] that every score is computed from"""
SEEN: Final = (FEATURES, "history_rows", "history_slot_values", "candidate_ids")
"""what the first half answers"""
_SCORES: Final = "scores"


def cut_at_features(graph: bytes) -> tuple[bytes, bytes]:
    """Return the nodes before and after the feature vector as two graphs.

    The nodes and tables are those of `graph`, untouched. The first half takes its inputs and
    answers `SEEN`; the second takes `features` and answers `scores`.

    Raises
    ------
    EvaluationError
        The graph has no such tensor: it was not written by this version.
    """
    model = shape_inference.infer_shapes(onnx.load_from_string(graph))
    known = {one.name for one in model.graph.value_info}
    missing = sorted(set(SEEN) - known)
    if missing:
        raise EvaluationError(
            f"The graph has no tensor {missing[0]!r} to look into, so it was written by another "
            "version of edgeRec. Export it again with `edgerec export`."
        )
    extractor = utils.Extractor(model)
    inputs = [one.name for one in model.graph.input]
    before = extractor.extract_model(inputs, list(SEEN))
    after = extractor.extract_model([FEATURES], [_SCORES])
    return before.SerializeToString(), after.SerializeToString()
