"""Train a recommender on a workstation, ship one ONNX file, rank on any device."""

import importlib
import os
from typing import TYPE_CHECKING, Any, Final

# ONNX Runtime 1.29 and later sends telemetry unless this is set before its first import.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

from edgerec.version import __version__ as __version__

if TYPE_CHECKING:
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

# Where each name stands. A module is imported when one of its names is asked for: who serves need
# not wait for scikit-learn, who splits a table not for ONNX.
_MODULES: Final = {
    **dict.fromkeys(("Interaction", "ItemEmbedding", "RecSys", "Sample"), "recsys"),
    **dict.fromkeys((name for name in __all__ if name.endswith("Settings")), "config"),
    "Model": "model",
    "add_items": "additions",
    "start_http_api": "serving",
    "train": "pipeline",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
