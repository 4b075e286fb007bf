"""What the bytes of a file are spent on."""

from pathlib import Path

import onnx

# Names of tables to what people call them; see edgerec.graph for where each is added.
_WORDS = {
    "item_embedding": "item embeddings",
    "item_content": "directions of the item features",
    "item_features": "item features",
    "item_numbers": "item statistics",
    "taste_directions": "directions of taste",
    "taste_variance": "directions of taste",
    "user_features": "user features",
    "known_offsets": "known histories",
    "known_rows": "known histories",
    "known_values": "known histories",
    "known_ages": "known histories",
    "catalogue_ids": "ids",
    "item_row_of_place": "ids",
    "user_row_of_place": "ids",
    "known_user_ids": "ids",
    "item_hash_displacements": "ids",
    "item_hash_positions": "ids",
    "user_hash_displacements": "ids",
    "user_hash_positions": "ids",
}
_SMALL_BYTES = 1024
_ROW_CODES = "row_codes_"
_SHARED = "which rows are shared"


def sizes_of_parts(path: str | Path) -> dict[str, int]:
    """Return the bytes of each part of the file NAME.onnx, the largest first; they add up to it.

    Tables below 1 KB are counted to the nodes.
    """
    data = Path(path).read_bytes()
    model = onnx.load_from_string(data)
    sizes: dict[str, int] = {}
    for tensor in model.graph.initializer:
        n_bytes = tensor.ByteSize()
        # Of a table that is cut into runs of columns, each is named NAME/number.
        name = tensor.name.partition("/")[0].removesuffix("_scale")
        part = _SHARED if name.startswith(_ROW_CODES) else name
        if part == "network" or part in _WORDS or n_bytes >= _SMALL_BYTES:
            part = _WORDS.get(part, part)
            sizes[part] = sizes.get(part, 0) + n_bytes
    for node in model.graph.node:
        if node.op_type == "LabelEncoder":
            sizes["ids"] = sizes.get("ids", 0) + node.ByteSize()
    sizes["nodes and description"] = len(data) - sum(sizes.values())
    return dict(sorted(sizes.items(), key=lambda one: (-one[1], one[0])))
