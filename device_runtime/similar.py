"""What is asked of the graph about similar items, and what is said where it has no answer."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from device_runtime.bundle import Bundle
from device_runtime.errors import RequestError, shown
from device_runtime.tensors import DTYPES, ids_tensor


def similar_feeds(
    bundle: Bundle,
    neutral: Mapping[str, NDArray[Any]],
    item_ids: ArrayLike,
    minus: ArrayLike,
    among: ArrayLike | None,
    exclude: ArrayLike,
    k: int,
) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """Return the inputs of the graph, and the names of those that hold raw ids of the caller.

    ``history`` is one of these: the items that are added, then those that are taken away.

    Raises
    ------
    RequestError
        Status 404: the file cannot say what is similar. Status 400: no item is added, an id is of
        another kind, or `k` is below 1.
    """
    if not bundle.has_similar:
        raise RequestError(
            f"similar: the model {shown(bundle.name)} was exported before files could say what is "
            "similar; export it again",
            status=404,
        )
    dtype = DTYPES[bundle.item_id_type]
    added, taken = ids_tensor("item_ids", item_ids, dtype), ids_tensor("minus", minus, dtype)
    if not added.size:
        raise RequestError("item_ids: expected one item or more, got none; name what to compare to")
    if k < 1:
        raise RequestError(f"k: expected an integer of 1 or more, got {shown(k)}")
    feeds = {
        **neutral,
        "history": np.concatenate([added, taken]),
        "history_values": np.repeat(np.array([1, -1], np.float32), [len(added), len(taken)]),
        # Below 0, the graph ranks by similarity; no list is longer than this.
        "k": np.array([-min(k, 2**31)], np.int64),
    }
    given = ["history"]
    for name, ids in (("item_ids", among), ("exclude", exclude)):
        tensor = None if ids is None else ids_tensor(name, ids, dtype)
        if tensor is not None and tensor.size:
            feeds[name] = tensor
            given.append(name)
    return feeds, given


def require_known(asked: NDArray[Any], known: NDArray[np.bool_]) -> None:
    """Refuse items that were not in training.

    Raises
    ------
    RequestError
        Status 404; the sentence names the first.
    """
    if not known.all():
        missing = asked.tolist()[int(known.argmin())]
        raise RequestError(
            f"item {shown(missing)}: it is not in the catalogue of this model, so nothing is known "
            "to be similar; ask for another",
            status=404,
        )


def nothing_similar(asked: NDArray[Any]) -> RequestError:
    """Return the error that says why nothing is similar to items of the catalogue."""
    if len(asked) == 1:
        item = shown(asked.tolist()[0])
        return RequestError(
            f"item {item}: it has no vector, since nobody did anything with it in training and it "
            "has neither features nor a text; ask for another",
            status=404,
        )
    return RequestError(
        "items: they have no vectors, or cancel each other out; ask for others", status=404
    )
