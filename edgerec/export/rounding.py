"""Rounds a ranker's tables to what its file will hold, before anything is computed with them."""

import dataclasses
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.export_settings import Precision
from edgerec.features.taste.tables import TasteTables, taste_to_arrays
from edgerec.features.vector import FeatureTables
from edgerec.graph.precision import rounded_rows
from edgerec.training.ranker import Ranker

Array = NDArray[np.float32]
# What is derived from the others stays whole, as do a few numbers per item that all scores move
# with: levels, weights, statistics and places on scales.
_TASTE: Final = ("content", "popularity", "latent", "latent_variance")


def rounded(ranker: Ranker, precision: Precision) -> Ranker:
    """Return the ranker whose tables are what `precision` can store, and that answers with them.

    A table that half floats cannot hold, since a number of it is beyond 65 504, stays whole.
    Values of known histories are never rounded, since they decide what was liked; they are stored
    in half floats where these hold all of them.
    """
    if precision == "fp32":
        return ranker
    return ranker.replaced(tables=_tables(ranker.tables, precision))


def _tables(tables: FeatureTables, precision: Precision) -> FeatureTables:
    neighbours = tables.neighbours
    if neighbours is not None:
        weights = rounded_rows(neighbours.weights, precision)
        neighbours = dataclasses.replace(neighbours, weights=weights)
    return dataclasses.replace(
        tables,
        user_features=rounded_rows(tables.user_features, "fp16"),
        item_features=rounded_rows(tables.item_features, "fp16"),
        content=rounded_rows(tables.content, precision),
        kinds=rounded_rows(tables.kinds, precision),
        embedding=rounded_rows(tables.embedding, precision),
        audience=rounded_rows(tables.audience, precision),
        taste=_taste(tables.taste),
        neighbours=neighbours,
    )


def _taste(taste: TasteTables) -> TasteTables:
    arrays: dict[str, Array] = {
        name: rounded_rows(array, "fp16") if name in _TASTE else array
        for name, array in taste_to_arrays(taste).items()
    }
    return TasteTables(**arrays)
