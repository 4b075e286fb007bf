"""The tables of features as named arrays, and back: what a checkpoint holds of them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgerec.context import Context
from edgerec.features.history import texts_beside_kinds
from edgerec.features.neighbours.tables import TABLE_NAMES, Neighbours
from edgerec.features.statistics import ItemStatistics
from edgerec.features.taste.tables import TasteTables, taste_from_arrays, taste_to_arrays
from edgerec.features.vector import FeatureTables


def tables_to_arrays(tables: FeatureTables) -> dict[str, NDArray[Any]]:
    """Return the tables as named arrays, for a file."""
    arrays: dict[str, NDArray[Any]] = {
        "user_features": tables.user_features,
        "item_features": tables.item_features,
        "content": tables.content,
        "kinds": tables.kinds,
        "scales": tables.scales,
        "embedding": tables.embedding,
        "audience": tables.audience,
    }
    for name in ItemStatistics.__dataclass_fields__:
        arrays[f"statistics_{name}"] = getattr(tables.statistics, name)
    for name, array in taste_to_arrays(tables.taste).items():
        arrays[f"taste_{name}"] = array
    if len(tables.context):
        arrays["context_names"] = np.array([*tables.context.names])
        arrays["context_defaults"] = tables.context.defaults
    if tables.neighbours is not None:
        for number, name in enumerate(tables.neighbours.names):
            arrays[f"neighbours_{name}_rows"] = tables.neighbours.rows[:, :, number]
            arrays[f"neighbours_{name}_weights"] = tables.neighbours.weights[:, :, number]
    return arrays


def tables_from_arrays(
    arrays: Mapping[str, NDArray[Any]],
    label_above: float | None,
    value_range: tuple[float, float],
    n_compared: int,
    n_text: int,
    most_kinds: int,
) -> FeatureTables:
    """Return the tables that `tables_to_arrays` wrote; `most_kinds` is training's `n_content`."""
    return FeatureTables(
        user_features=arrays["user_features"],
        item_features=arrays["item_features"],
        content=arrays["content"],
        kinds=arrays["kinds"],
        scales=arrays["scales"],
        embedding=arrays["embedding"],
        audience=arrays["audience"],
        statistics=ItemStatistics(
            **{name: arrays[f"statistics_{name}"] for name in ItemStatistics.__dataclass_fields__}
        ),
        taste=taste_from_arrays(
            {name: arrays[f"taste_{name}"] for name in TasteTables.__dataclass_fields__}
        ),
        label_above=label_above,
        value_range=value_range,
        neighbours=_neighbours_from_arrays(arrays),
        n_text=n_text,
        texts_beside_kinds=texts_beside_kinds(
            arrays["item_features"].shape[1] - n_text, n_text, most=most_kinds
        ),
        n_compared=n_compared,
        context=_context_from_arrays(arrays),
    )


def _context_from_arrays(arrays: Mapping[str, NDArray[Any]]) -> Context:
    if "context_names" not in arrays:
        return Context()
    return Context(tuple(arrays["context_names"].tolist()), arrays["context_defaults"])


def _neighbours_from_arrays(arrays: Mapping[str, NDArray[Any]]) -> Neighbours | None:
    names = tuple(name for name in TABLE_NAMES if f"neighbours_{name}_rows" in arrays)
    if not names:
        return None
    rows, weights = (
        np.stack([arrays[f"neighbours_{name}_{part}"] for name in names], axis=2)
        for part in ("rows", "weights")
    )
    return Neighbours(names, rows, weights)
