"""Reads the item vectors out of an exported file, as its graph compares them."""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from edgerec.features.similar import joined_vectors

Array = NDArray[np.float32]


def file_vectors(path: str | Path) -> Array:
    """Return what the graph of NAME.onnx lists similar items by.

    Returns
    -------
    float32 [n_items + 1, D]
        By item row, rounded as the file is. Without such tables in the file, no rows at all.
    """
    model = onnx.load_from_string(Path(path).read_bytes())
    tables = {one.name: one for one in model.graph.initializer}

    def table(name: str) -> Array | None:
        if name not in tables:
            return None
        values = numpy_helper.to_array(tables[name]).astype(np.float32)
        scale = tables.get(f"{name}_scale")
        return values if scale is None else values * numpy_helper.to_array(scale)

    embedding, audience = table("item_embedding"), table("item_audience")
    if embedding is None or audience is None:
        return np.zeros((0, 0), np.float32)
    kinds = table("item_kinds")
    if kinds is None:
        kinds = np.zeros((len(embedding), 0), np.float32)
    return joined_vectors(embedding, audience, kinds)
