"""Rows of any ids by ONNX Runtime's own hash table, LabelEncoder."""

from typing import Any

from edgerec.graph.nodes import GraphBuilder
from edgerec.ids import IdArray, IdType, padding_id


def add_encoder(
    graph: GraphBuilder, name: str, ids: IdArray, id_type: IdType, asked: str, known_ids: str = ""
) -> str:
    """Add the node: raw ids [n] to rows int64 [n]; 0: unknown, -1: padding."""
    listed = ids.tolist()
    if id_type == "string":
        listed = [text.encode("utf-8", "surrogatepass") for text in listed]
    padding = padding_id(id_type)
    first = padding if isinstance(padding, int) else padding.encode()
    keys = "keys_int64s" if id_type == "int64" else "keys_strings"
    attributes: dict[str, Any] = {
        keys: [first, *listed],
        "values_int64s": [-1, *range(1, len(listed) + 1)],
        "default_int64": 0,
    }
    return graph.add("LabelEncoder", [asked], **attributes)
