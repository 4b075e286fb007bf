"""The feature vector as the graph has it: what is the user's once, what is each candidate's a row.

The first layer is linear, so its product with the vector is the sum of its products with the
parts. The user's part is multiplied once and not once for each candidate; and where static rows
are wider than the layer, their products stand in the file instead of them, which is smaller and
leaves a lookup of what was a product.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from edgerec.export_settings import ExportSettings, Precision
from edgerec.features.history import CANDIDATE_NAMES
from edgerec.features.vector import FeatureTables
from edgerec.graph.nodes import GraphBuilder
from edgerec.graph.precision import stored_rows
from edgerec.training.ranker import Ranker
from edgerec.training.rows import standardise

Array = NDArray[np.float32]
Side = Literal["user", "candidates"]
COMPUTED: Final[dict[Side, str]] = {
    "user": "features_of_user",
    "candidates": "features_of_candidates",
}
"""tensors [1, …] and [N, …]: features that the network is still to weigh"""
PRODUCTS: Final[dict[Side, str]] = {
    "user": "products_of_user",
    "candidates": "products_of_candidates",
}
"""tensors [1, L] and [N, L]: what static rows add to the first layer, where they are folded"""
_STATIC: Final[dict[Side, str]] = {"user": "user", "candidates": "item"}


@dataclass(frozen=True)
class Columns:
    """Which columns of the feature vector stand where in the graph."""

    computed: dict[Side, NDArray[np.int64]]
    folded: dict[Side, NDArray[np.int64]]
    """empty where static rows are not folded"""

    def names(self, vector: Sequence[str], layer: int) -> list[str]:
        """Return the name of each column that the cut graph has, in its order.

        That is COMPUTED of the user, PRODUCTS of the user, and both of candidates; `vector` are
        the names of the feature vector, and `layer` is the width of the first layer.
        """
        named: list[str] = []
        for side, static in _STATIC.items():
            named += [vector[column] for column in self.computed[side].tolist()]
            if len(self.folded[side]):
                named += [f"{static}_product_{column}" for column in range(layer)]
        return named


def columns_of(ranker: Ranker, settings: ExportSettings) -> Columns:
    """Return which columns are the user's, and which static rows are folded."""
    tables, layer = ranker.tables, ranker.weights.coefficients[0].shape[1]
    names = tables.names()
    n_user, n_item = tables.user_features.shape[1], tables.item_features.shape[1]
    first_of_history = n_user + n_item + tables.item_statistics.shape[2]
    first_of_candidate = names.index(CANDIDATE_NAMES[0])
    user, item = np.arange(n_user), np.arange(n_user, n_user + n_item)
    users_history = np.arange(first_of_history, first_of_candidate)
    of_candidates = np.r_[n_user + n_item : first_of_history, first_of_candidate : len(names)]
    nothing = np.zeros(0, np.int64)
    folds_user = settings.fold and _pays(tables.user_features, layer, settings.precision)
    folds_item = settings.fold and _pays(tables.item_features, layer, settings.precision)
    return Columns(
        computed={
            "user": users_history if folds_user else np.r_[user, users_history],
            "candidates": of_candidates if folds_item else np.r_[item, of_candidates],
        },
        folded={
            "user": user if folds_user else nothing,
            "candidates": item if folds_item else nothing,
        },
    )


def _pays(table: Array, layer: int, precision: Precision) -> bool:
    """Return whether a table's products with the first layer take no more bytes than it does."""
    n_rows, width = table.shape
    if width < layer:
        return False
    stored = stored_rows(table, "fp32" if precision == "fp32" else "fp16").values
    return bool(stored.nbytes >= n_rows * layer * np.dtype(np.float32).itemsize)


def add_features(
    graph: GraphBuilder,
    tables: FeatureTables,
    columns: Columns,
    rows: dict[Side, str],
    statistics: str,
    dynamic: dict[Side, list[str]],
) -> None:
    """Add the tensors COMPUTED.

    Parameters
    ----------
    rows : by side, name of int64 [1] and [N]
        Rows of the user and of the candidates.
    statistics : str
        Of the candidates, [N, 4].
    dynamic : by side, names of [1, …] and [N, …]
        Blocks, in the order of the feature vector.
    """
    static = {"user": tables.user_features, "candidates": tables.item_features}
    for side, name in COMPUTED.items():
        blocks = [statistics, *dynamic[side]] if side == "candidates" else dynamic[side]
        # A table of width 0 has no place in a graph: not every runtime reads it.
        if static[side].shape[1] and not len(columns.folded[side]):
            table = f"{_STATIC[side]}_features"
            blocks = [graph.rows(table, static[side], rows[side]), *blocks]
        graph.add("Concat", blocks, name, axis=1)


def add_products(
    graph: GraphBuilder, ranker: Ranker, columns: Columns, rows: dict[Side, str]
) -> None:
    """Add the tensors PRODUCTS, of the static rows that are folded."""
    tables, weights = ranker.tables, ranker.weights
    static = {"user": tables.user_features, "candidates": tables.item_features}
    for side, name in PRODUCTS.items():
        own = columns.folded[side]
        if not len(own):
            continue
        standard = standardise(static[side], weights.mean[own], weights.inverse_spread[own])
        layer = weights.coefficients[0][own].astype(np.float64)
        products = (standard.astype(np.float64) @ layer).astype(np.float32)
        table = graph.table(f"{_STATIC[side]}_products", products)
        graph.add("Gather", [table, rows[side]], name, axis=0)
