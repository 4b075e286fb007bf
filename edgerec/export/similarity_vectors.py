"""Reads the item vectors out of an exported file, as its graph compares them."""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from edgerec.export.table_rows import table_rows
from edgerec.features.similar import joined_vectors
from edgerec.graph.similar import FIRST_TEXT_COLUMN

Array = NDArray[np.float32]


def file_vectors(path: str | Path) -> Array:
    """Return what the graph of NAME.onnx lists similar items by.

    Returns
    -------
    float32 [n_items + 1, D]
        By item row, rounded as the file is. Without such tables in the file, no rows at all.
    """
    graph = onnx.load_from_string(Path(path).read_bytes()).graph
    embedding, audience = table_rows(graph, "item_embedding"), table_rows(graph, "item_audience")
    if embedding is None or audience is None:
        return np.zeros((0, 0), np.float32)
    kinds = table_rows(graph, "item_kinds")
    if kinds is None:
        kinds = np.zeros((len(embedding), 0), np.float32)
    return joined_vectors(embedding, audience, kinds, _texts(graph))


def _texts(graph: onnx.GraphProto) -> Array | None:
    """Return the columns of the content that are those of texts; None: none are compared."""
    first = next((one for one in graph.initializer if one.name == FIRST_TEXT_COLUMN), None)
    content = table_rows(graph, "item_content")
    if first is None or content is None:
        return None
    texts: Array = content[:, int(numpy_helper.to_array(first)[0]) :]
    return texts
