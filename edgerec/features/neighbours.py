"""Item-item weights: how much having one item says for another, learned in closed form.

EASE (Steck 2019, "Embarrassingly shallow autoencoders for sparse data"): the ridge regression of
each item on all others, B = -P / diag(P) with P = (X'X + ridge I)^-1, where X says who took what.
Each item keeps the other items that say most of it; the history is scattered into a vector over
the catalogue, and a candidate's score is the sum of its neighbours' weights there. The diagonal
is 0, so whether the candidate itself stands in the history is a feature of its own: people buy
the same again.

The statistics' rule holds here too: the weights that a training sample sees are fitted without
its own fold of users, since his own items say for each other that he took them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack
from scipy.sparse import csr_matrix

Array = NDArray[np.float32]
Blocks = Callable[[], Iterator[NDArray[np.void]]]

_RIDGE: Final = 200.0
# Items that are weighed, the most taken ones: memory and time go with the square and the cube.
_MOST_ITEMS: Final = 4096
# The newest of a history count more in the second feature: exp(-rank / this).
RECENT_RANKS: Final = 20.0
NAMES: Final = ("neighbours", "recent_neighbours", "had", "had_recently")
# Cells of the scattered histories in memory at a time.
_CELLS: Final = 4_000_000


@dataclass(frozen=True)
class Neighbours:
    """The neighbours of K + 1 fits; the last one is of all users. Item row 0 has none."""

    rows: NDArray[np.int32]
    """[K + 1, n_items + 1, n_neighbours]: item rows; 0 where there is none"""
    weights: Array
    """[K + 1, n_items + 1, n_neighbours]: 0 where there is none"""

    def full(self) -> "Neighbours":
        """Return the fit of all users alone (K = 0): what the file holds."""
        return Neighbours(self.rows[-1:].copy(), self.weights[-1:].copy())


def slot_weights(n_slots: int) -> Array:
    """Return what each slot of a history counts, evenly and by recency: [2, n_slots].

    >>> slot_weights(2).astype(float).round(3).tolist()
    [[1.0, 1.0], [1.0, 0.951]]
    """
    rank = np.arange(n_slots)
    return np.stack([np.ones(n_slots), np.exp(-rank / RECENT_RANKS)]).astype(np.float32)


def neighbour_features(
    neighbours: Neighbours,
    history: NDArray[np.int64],
    candidates: NDArray[np.int64],
    fit: NDArray[np.int64],
) -> Array:
    """Return the summed weights of each candidate's neighbours in the history.

    Parameters
    ----------
    history : int64 [G, H]
        Item rows, newest first, each once; 0: nothing there.
    candidates : int64 [G, N]
    fit : int64 [G]
        Which fit may be seen.

    Returns
    -------
    float32 [G, N, len(NAMES)]
    """
    features = np.zeros((*candidates.shape, len(NAMES)), np.float32)
    n_rows = neighbours.rows.shape[1]
    step = max(1, _CELLS // n_rows)
    weight_of_slot = slot_weights(history.shape[1])
    for start in range(0, len(history), step):
        part = slice(start, start + step)
        rows = neighbours.rows[fit[part, None], candidates[part]]
        weights = neighbours.weights[fit[part, None], candidates[part]]
        request = np.arange(len(rows))
        for column, slots in enumerate(weight_of_slot):
            scattered = np.zeros((len(rows), n_rows), np.float32)
            scattered[request[:, None], history[part]] = slots
            scattered[:, 0] = 0
            there = scattered[request[:, None, None], rows]
            features[part, :, column] = (there * weights).sum(axis=2)
            features[part, :, len(weight_of_slot) + column] = scattered[
                request[:, None], candidates[part]
            ]
    return features


def fit_neighbours(
    blocks: Blocks,
    n_items: int,
    fold_of_user: NDArray[np.int64],
    n_folds: int,
    n_neighbours: int,
) -> Neighbours:
    """Fit the weights of each fold, one pass over the samples for each.

    Parameters
    ----------
    blocks : callable
        Returns an iterator over record arrays of whole users with fields user, item, label and
        value (NaN: no value). Memory is that of one block and of the square of the items that
        are weighed, at most `_MOST_ITEMS`; rarer ones have no neighbours.
    fold_of_user : int64 [n_users + 1]
    """
    count = np.zeros(n_items + 1, np.int64)
    for block in blocks():
        count += np.bincount(_taken(block)["item"], minlength=n_items + 1)
    # Stable: of items taken as often, those of lower rows are weighed.
    chosen = np.sort(np.argsort(-count[1:], kind="stable")[:_MOST_ITEMS]) + 1
    shape = (n_folds + 1, n_items + 1, n_neighbours)
    rows, weights = np.zeros(shape, np.int32), np.zeros(shape, np.float32)
    for fit in range(n_folds + 1):
        gram, share = _gram(blocks, chosen, n_items, fold_of_user, fit)
        found = _ease(gram, _RIDGE * share)
        n_kept = min(n_neighbours, len(chosen))
        order = np.argsort(-found, axis=1, kind="stable")[:, :n_kept]
        kept = np.take_along_axis(found, order, axis=1)
        rows[fit, chosen, :n_kept] = np.where(kept > 0, chosen[order], 0)
        weights[fit, chosen, :n_kept] = np.maximum(kept, 0)
    return Neighbours(rows, weights)


def _taken(block: NDArray[np.void]) -> NDArray[np.void]:
    taken: NDArray[np.void] = block[~np.isnan(block["value"]) & (block["label"] == 1)]
    return taken


def _gram(
    blocks: Blocks,
    chosen: NDArray[np.int64],
    n_items: int,
    fold_of_user: NDArray[np.int64],
    fit: int,
) -> tuple[Array, float]:
    """Return who took both, of the users outside of fold `fit`, and their share of all users."""
    column = np.full(n_items + 1, -1)
    column[chosen] = np.arange(len(chosen))
    gram = np.zeros((len(chosen), len(chosen)), np.float32)
    for block in blocks():
        taken = _taken(block)
        kept = (fold_of_user[taken["user"]] != fit) & (column[taken["item"]] >= 0)
        user, item = taken["user"][kept], column[taken["item"][kept]]
        pairs = np.unique(np.stack([user, item], axis=1), axis=0)
        if not len(pairs):
            continue
        first = pairs[0, 0]
        size = (int(pairs[-1, 0] - first) + 1, len(chosen))
        who = csr_matrix(
            (np.ones(len(pairs), np.float32), (pairs[:, 0] - first, pairs[:, 1])), size
        )
        together = (who.T @ who).tocoo()
        gram[together.row, together.col] += together.data
    return gram, float((fold_of_user[1:] != fit).mean())


def _ease(gram: Array, ridge: float) -> Array:
    """Return B with 0 on its diagonal: [candidate, neighbour]. `gram` is overwritten."""
    diagonal = np.diag_indices(len(gram))
    gram[diagonal] += np.float32(ridge)
    # The matrix is symmetric and positive: Cholesky's inverse takes half of a general one's time.
    factor, failed = lapack.spotrf(gram, lower=0, overwrite_a=1)
    inverse, failed_too = lapack.spotri(factor, lower=0, overwrite_c=1)
    assert not failed and not failed_too
    upper = np.triu(inverse)
    whole = upper + np.triu(upper, 1).T
    # Column j of B predicts item j, so the candidate is the column.
    found: Array = -whole / np.diag(whole)[:, None]
    found[diagonal] = 0
    return found
