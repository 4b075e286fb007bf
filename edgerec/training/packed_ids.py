"""Ids as plain arrays, for a file that holds no pickle."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgerec.ids import IdArray, id_array


def pack_ids(name: str, ids: IdArray) -> dict[str, NDArray[Any]]:
    """Return ids as plain arrays: integers as they are, strings as UTF-8 bytes and their ends.

    >>> sorted(pack_ids("item", np.array(["ä", "b"], object)))
    ['item_bytes', 'item_ends']
    """
    if ids.dtype == np.int64:
        return {f"{name}_integers": ids}
    encoded = [str(id_).encode("utf-8", "surrogatepass") for id_ in ids]
    return {
        f"{name}_bytes": np.frombuffer(b"".join(encoded), np.uint8),
        f"{name}_ends": np.cumsum([len(one) for one in encoded], dtype=np.int64),
    }


def unpack_ids(name: str, arrays: Mapping[str, NDArray[Any]]) -> IdArray:
    """Return what `pack_ids` packed."""
    if f"{name}_integers" in arrays:
        return arrays[f"{name}_integers"].astype(np.int64)
    data = arrays[f"{name}_bytes"].tobytes()
    ends = arrays[f"{name}_ends"].tolist()
    texts = [
        data[start:end].decode("utf-8", "surrogatepass")
        for start, end in zip([0, *ends[:-1]], ends, strict=True)
    ]
    return id_array(texts, "string")
