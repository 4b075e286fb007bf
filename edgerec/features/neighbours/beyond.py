"""Neighbours of the items that no ridge regression weighs, since they are too many.

The rarer part of a large catalogue: cosines stand in, brought to the scale of the regression where
the two meet. Every item may be their neighbour. "next" is a cosine anyway, so it stays as it is.
"""

from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix

from edgerec.features.neighbours.cosine import (
    best_of_each,
    cosine_weights,
    normalised,
    parts_that_fit,
)
from edgerec.features.neighbours.successors import follower_pairs
from edgerec.features.neighbours.taken import Blocks, Weighed, weighed, who_took

Array = NDArray[np.float32]
# Items at the seam, those weighed by ridge that were taken least, whose weights are compared.
_SEAM: Final = 256


def add_beyond(
    blocks: Blocks,
    name: str,
    by_ridge: Weighed,
    counts: NDArray[np.int64],
    rows: NDArray[np.int32],
    weights: Array,
) -> None:
    """Write the best neighbours of the items beyond `by_ridge` into one table.

    Parameters
    ----------
    blocks : callable
        Returns an iterator over record arrays of whole users; called once more than there are
        parts that fit into memory.
    name : str
        Of `TABLE_NAMES`.
    counts : int64 [n_items + 1]
        Interactions of each item.
    rows, weights : [n_items + 1, n_neighbours]
        The table, in which the items of `by_ridge` have their neighbours already.
    """
    n_items, n_kept = len(counts) - 1, rows.shape[1]
    every = weighed(np.arange(1, n_items + 1), n_items)
    beyond = np.flatnonzero(by_ridge.position[1:] < 0)
    matrices = partial(who_took, blocks, every, name == "liked")
    scale = np.float32(1)
    if name != "next":
        scale = _scale_at_seam(blocks, name, by_ridge, counts, weights)
    for some in parts_that_fit(matrices, beyond):
        if name == "next":
            found = _next_weights(blocks, some, counts[1:])
        else:
            found = cosine_weights(matrices, some, counts[1:])
        best, weight = best_of_each(found, n_kept)
        rows[some + 1] = best + 1
        weights[some + 1] = scale * weight


def _scale_at_seam(
    blocks: Blocks, name: str, by_ridge: Weighed, counts: NDArray[np.int64], weights: Array
) -> np.float32:
    """Return how much larger ridge's weights are than cosines of the same items."""
    own = counts[by_ridge.rows]
    seam = np.sort(np.argsort(own, kind="stable")[:_SEAM])
    matrices = partial(who_took, blocks, by_ridge, name == "liked")
    total = 0.0
    for some in parts_that_fit(matrices, seam):
        cosines = best_of_each(cosine_weights(matrices, some, own), weights.shape[1])[1]
        total += float(cosines.sum(dtype=np.float64))
    by_them = float(weights[by_ridge.rows[seam]].sum(dtype=np.float64))
    return np.float32(by_them / total if total else 1.0)


def _next_weights(blocks: Blocks, some: NDArray[np.int64], counts: NDArray[np.int64]) -> csr_matrix:
    """Return what users took soon before some candidates: sparse [len(some), items]."""
    place = np.full(len(counts), -1)
    place[some] = np.arange(len(some))
    pairs = [coo_matrix((len(some), len(counts)), dtype=np.float32)]
    for block in blocks():
        item = block["item"].astype(np.int64) - 1
        for candidate, earlier, weight in follower_pairs(block["user"], item):
            asked = place[candidate] >= 0
            row, column = place[candidate[asked]], earlier[asked]
            data = np.full(len(row), weight, np.float32)
            pairs.append(coo_matrix((data, (row, column)), shape=pairs[0].shape))
    row, column, data = (
        np.concatenate([getattr(one, part) for one in pairs]) for part in ("row", "col", "data")
    )
    # Pairs that stand there several times are summed.
    return normalised(csr_matrix((data, (row, column)), shape=pairs[0].shape), some, counts)
