"""The item embedding that stands in a file."""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

_EMBEDDING = "item_embedding"


def item_embedding(path: str | Path) -> NDArray[np.float32]:
    """Return the item2vec vectors as the graph of NAME.onnx has them.

    Returns
    -------
    float32 [n_items + 1, embedding_dim]
        By item row: the catalogue in ascending order from row 1 on. Without a table in the file,
        no rows at all.
    """
    graph = onnx.load(str(path)).graph
    found = {
        tensor.name: numpy_helper.to_array(tensor).astype(np.float32)
        for tensor in graph.initializer
        if tensor.name in (_EMBEDDING, f"{_EMBEDDING}_scale")
    }
    if _EMBEDDING not in found:
        return np.zeros((0, 0), np.float32)
    return found[_EMBEDDING] * found.get(f"{_EMBEDDING}_scale", np.float32(1))
