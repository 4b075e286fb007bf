"""The item embedding that stands in a file."""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from edgerec.export.table_rows import table_rows


def item_embedding(path: str | Path) -> NDArray[np.float32]:
    """Return the item2vec vectors as the graph of NAME.onnx has them.

    Returns
    -------
    float32 [n_items + 1, embedding_dim]
        By item row: the catalogue in ascending order from row 1 on. Without a table in the file,
        no rows at all.
    """
    rows = table_rows(onnx.load(str(path)).graph, "item_embedding")
    return np.zeros((0, 0), np.float32) if rows is None else rows
