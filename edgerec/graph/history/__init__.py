"""The dynamic features as ONNX nodes: `edgerec.features.history`, function for function."""

from edgerec.graph.history.columns import HistoryFeatures
from edgerec.graph.history.inputs import HistoryTensors, history_inputs

__all__ = ["HistoryFeatures", "HistoryTensors", "history_inputs"]
