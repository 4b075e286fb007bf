"""Train a recommender on a workstation, ship one ONNX file, rank on any device."""

import os

# ONNX Runtime 1.29 and later sends telemetry unless this is set before its first import.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

from edgerec.additions import add_items
from edgerec.config import (
    EmbeddingSettings,
    NetworkSettings,
    TasteSettings,
    TextSettings,
    TrainSettings,
)
from edgerec.model import Model
from edgerec.pipeline import train
from edgerec.recsys import Interaction, ItemEmbedding, RecSys, Sample
from edgerec.serving import start_http_api
from edgerec.version import __version__ as __version__

__all__ = [
    "EmbeddingSettings",
    "Interaction",
    "ItemEmbedding",
    "Model",
    "NetworkSettings",
    "RecSys",
    "Sample",
    "TasteSettings",
    "TextSettings",
    "TrainSettings",
    "add_items",
    "start_http_api",
    "train",
]
