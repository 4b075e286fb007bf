"""The dynamic features as ONNX nodes: `edgerec.features.history`, function for function."""

from edgerec.graph.history.columns import HistoryFeatures
from edgerec.graph.history.inputs import (
    CandidateTensors,
    SlotTensors,
    candidate_inputs,
    slot_inputs,
)

__all__ = [
    "CandidateTensors",
    "HistoryFeatures",
    "SlotTensors",
    "candidate_inputs",
    "slot_inputs",
]
