"""Reads a table out of an exported graph, however `GraphBuilder.rows` stored it."""

from collections.abc import Iterator, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from edgerec.graph.distinct import CODES_NAME

Array = NDArray[np.float32]


def table_rows(graph: onnx.GraphProto, name: str) -> Array | None:
    """Return the rows of a table as the graph takes them: rounded, scaled, the repeated ones too.

    Returns
    -------
    float32 [n_rows, width]
        None: the graph has no such table.

    >>> rows = onnx.numpy_helper.from_array(np.float16([[0.5]]), "rows")
    >>> table_rows(onnx.helper.make_graph([], "one", [], [], [rows]), "rows").tolist()
    [[0.5]]
    """
    tables = {one.name: one for one in graph.initializer}
    runs = list(_runs(tables, name))
    if not runs:
        return None
    codes = _codes(list(_nodes(graph.node)))
    parts = []
    for run in runs:
        values = numpy_helper.to_array(tables[run]).astype(np.float32)
        if run in codes:
            values = values[numpy_helper.to_array(tables[codes[run]]).astype(np.int64)]
        parts.append(values)
    rows: Array = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)
    scale = table_rows(graph, f"{name}_scale")
    return rows if scale is None else rows * scale


def _runs(tables: dict[str, onnx.TensorProto], name: str) -> Iterator[str]:
    """Yield the names of the table's runs of columns, side by side."""
    if name in tables:
        yield name
    number = 0
    while (run := f"{name}/{number}") in tables:
        yield run
        number += 1


def _codes(nodes: Sequence[onnx.NodeProto]) -> dict[str, str]:
    """Return, by table of distinct rows, the table that says which of them each row is."""
    made = {output: node for node in nodes for output in node.output}
    found = {}
    for node in nodes:
        wide = made.get(node.input[1]) if node.op_type == "Gather" else None
        narrow = made.get(wide.input[0]) if wide is not None else None
        if narrow is not None and narrow.input[0].startswith(CODES_NAME):
            found[node.input[0]] = narrow.input[0]
    return found


def _nodes(nodes: Sequence[onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    """Yield nodes and those of the branches inside them."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            yield from _nodes(attribute.g.node)
