"""The feature vector: static rows and dynamic features, put together in one order.

`edgerec.graph` builds the same vector in the same order out of the same tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgerec.features import history
from edgerec.features.history import HistoryInputs
from edgerec.features.neighbours.columns import column_names, neighbour_features
from edgerec.features.neighbours.tables import TABLE_NAMES, Neighbours
from edgerec.features.statistics import ItemStatistics

Array = NDArray[np.float32]
STATISTIC_NAMES = ("item_mean_value", "item_liked_rate", "item_log_count")


@dataclass(frozen=True)
class FeatureTables:
    """Everything that features are looked up in; row 0 of each table is the unknown one."""

    user_features: Array
    """[n_users + 1, user width]"""
    item_features: Array
    """[n_items + 1, item width]"""
    content: Array
    """[n_items + 1, item width]: unit directions of the item features"""
    embedding: Array
    """[fits, n_items + 1, D]: unit rows, zero where an item has none; the last fit is of all"""
    statistics: ItemStatistics
    label_above: float | None
    """a history value above this counts as liked; None: liked is not known"""
    value_range: tuple[float, float]
    """smallest and largest value in training; what a request states beyond is cut to it"""
    neighbours: Neighbours | None = None
    """item-item weights; None: none were learned"""
    n_compared: int = 100
    """newest slots of a history that candidates are compared with; neighbours take all slots"""

    def names(self) -> list[str]:
        """Return the name of each column of the feature vector."""
        return [
            *(f"user_{column}" for column in range(self.user_features.shape[1])),
            *(f"item_{column}" for column in range(self.item_features.shape[1])),
            *STATISTIC_NAMES,
            *history.NAMES,
            *(() if self.neighbours is None else column_names(self.neighbours)),
        ]


@dataclass(frozen=True)
class Requests:
    """G requests as rows: what samples in training and calls on a device have in common."""

    user: NDArray[np.int64]
    """[G]: user rows"""
    candidates: NDArray[np.int64]
    """[G, N]: item rows"""
    history: NDArray[np.int64]
    """[G, H]: item rows, newest first; 0: nothing there"""
    values: Array
    """[G, H]: NaN: not stated"""
    fit: NDArray[np.int64]
    """[G]: which fit of the statistics may be seen"""
    embedding_fit: NDArray[np.int64]
    """[G]: which fit of the embedding may be seen"""


def history_inputs(requests: Requests, tables: FeatureTables) -> HistoryInputs:
    """Look up what the dynamic features read."""
    statistics, candidates = tables.statistics, requests.candidates
    rows = requests.history[:, : tables.n_compared]
    values = requests.values[:, : tables.n_compared]
    fit, embedding_fit = requests.fit[:, None], requests.embedding_fit[:, None]
    present = (rows > 0).astype(np.float32)
    stated = present * ~np.isnan(values)
    number = np.where(np.isnan(values), np.float32(0), values)
    low, high = tables.value_range
    value = (stated * np.clip(number, np.float32(low), np.float32(high))).astype(np.float32)
    if tables.label_above is None:
        liked = np.zeros_like(value)
    else:
        liked = stated * (value > np.float32(tables.label_above))
    return HistoryInputs(
        present=present,
        stated=stated.astype(np.float32),
        value=value,
        liked=liked.astype(np.float32),
        mean_value=_taken(statistics.mean_value, fit, rows),
        liked_rate=_taken(statistics.liked_rate, fit, rows),
        embedding=_taken(tables.embedding, embedding_fit, rows),
        content=tables.content.take(rows, axis=0),
        candidate_mean_value=_taken(statistics.mean_value, fit, candidates),
        candidate_liked_rate=_taken(statistics.liked_rate, fit, candidates),
        candidate_embedding=_taken(tables.embedding, embedding_fit, candidates),
        candidate_content=tables.content.take(candidates, axis=0),
        prior_value=statistics.prior_value[requests.fit],
        prior_liked_rate=statistics.prior_liked_rate[requests.fit],
        prior_spread=statistics.prior_spread[requests.fit],
    )


def _liked(requests: Requests, label_above: float | None) -> Array:
    """Return which slots were liked, of all: float32 [G, H]."""
    above = np.inf if label_above is None else label_above
    # What is not stated (NaN) is not above.
    liked: Array = ((requests.history > 0) & (requests.values > np.float32(above))).astype(
        np.float32
    )
    return liked


def _taken(table: Array, fit: NDArray[np.int64], rows: NDArray[np.int64]) -> Array:
    """Return table[fit, rows]; `take` of one axis needs half the time of indexing by two."""
    n_fits, n_rows = table.shape[:2]
    flat = table.reshape(n_fits * n_rows, *table.shape[2:])
    taken: Array = flat.take(fit * n_rows + rows, axis=0)
    return taken


def feature_vectors(requests: Requests, tables: FeatureTables) -> Array:
    """Return the feature vector of each candidate: float32 [G, N, len(tables.names())]."""
    inputs = history_inputs(requests, tables)
    user_dynamic = history.user_features(inputs)
    candidate_dynamic = history.candidate_features(inputs, user_dynamic)
    fit, candidates = requests.fit[:, None], requests.candidates
    shape = candidates.shape
    per_user = (tables.user_features[requests.user], user_dynamic)
    user_static, user_history = (
        np.broadcast_to(part[:, None, :], (*shape, part.shape[1])) for part in per_user
    )
    statistics = tables.statistics
    by_neighbours = (
        []
        if tables.neighbours is None
        else [
            neighbour_features(
                tables.neighbours,
                requests.history,
                _liked(requests, tables.label_above),
                candidates,
                requests.fit,
            )
        ]
    )
    return np.concatenate(
        [
            user_static,
            tables.item_features[candidates],
            statistics.mean_value[fit, candidates][:, :, None],
            statistics.liked_rate[fit, candidates][:, :, None],
            statistics.log_count[fit, candidates][:, :, None],
            user_history,
            candidate_dynamic,
            *by_neighbours,
        ],
        axis=2,
        dtype=np.float32,
    )


def tables_to_arrays(tables: FeatureTables) -> dict[str, NDArray[Any]]:
    """Return the tables as named arrays, for a file."""
    arrays: dict[str, NDArray[Any]] = {
        "user_features": tables.user_features,
        "item_features": tables.item_features,
        "embedding": tables.embedding,
    }
    for name in ItemStatistics.__dataclass_fields__:
        arrays[f"statistics_{name}"] = getattr(tables.statistics, name)
    if tables.neighbours is not None:
        for number, name in enumerate(tables.neighbours.names):
            arrays[f"neighbours_{name}_rows"] = tables.neighbours.rows[:, :, number]
            arrays[f"neighbours_{name}_weights"] = tables.neighbours.weights[:, :, number]
    return arrays


def tables_from_arrays(
    arrays: Mapping[str, NDArray[Any]],
    content: Array,
    label_above: float | None,
    value_range: tuple[float, float],
    n_compared: int,
) -> FeatureTables:
    """Return the tables that `tables_to_arrays` wrote."""
    return FeatureTables(
        user_features=arrays["user_features"],
        item_features=arrays["item_features"],
        content=content,
        embedding=arrays["embedding"],
        statistics=ItemStatistics(
            **{name: arrays[f"statistics_{name}"] for name in ItemStatistics.__dataclass_fields__}
        ),
        label_above=label_above,
        value_range=value_range,
        neighbours=_neighbours_from_arrays(arrays),
        n_compared=n_compared,
    )


def _neighbours_from_arrays(arrays: Mapping[str, NDArray[Any]]) -> Neighbours | None:
    names = tuple(name for name in TABLE_NAMES if f"neighbours_{name}_rows" in arrays)
    if not names:
        return None
    rows, weights = (
        np.stack([arrays[f"neighbours_{name}_{part}"] for name in names], axis=2)
        for part in ("rows", "weights")
    )
    return Neighbours(names, rows, weights)
