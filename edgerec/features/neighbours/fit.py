"""Fits the tables of neighbours.

The statistics' rule holds here too: the weights that a training sample sees are fitted without
what the sample tells: its own fold of users, or all that came after his cut.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import vstack

from edgerec.features.neighbours.beyond import add_beyond
from edgerec.features.neighbours.ease import ease_by_items, ease_by_users
from edgerec.features.neighbours.successors import add_followers, follower_weights
from edgerec.features.neighbours.tables import TABLE_NAMES, Neighbours
from edgerec.features.neighbours.taken import (
    Blocks,
    Weighed,
    count_interactions,
    most_taken,
    weighed,
    who_took,
)

Array = NDArray[np.float32]

_RIDGE: Final = 200.0
# Items that are weighed by ridge, the most taken ones: memory goes with the square, time with the
# cube. The rarer ones get cosines.
_MOST_ITEMS: Final = 4096


def fit_neighbours(
    blocks: Blocks,
    n_items: int,
    fold_of_user: NDArray[np.int64],
    n_folds: int,
    n_neighbours: int,
    *,
    by_liking: bool,
) -> Neighbours:
    """Fit the tables without each fold and, last, with all users.

    Parameters
    ----------
    blocks : callable
        Returns an iterator over record arrays of whole users with fields user, item, label and
        value (NaN: no value); called some times per fit. Memory is that of one block and of the
        square of the items that ridge weighs, at most `_MOST_ITEMS`; rarer ones get cosines.
    fold_of_user : int64 [n_users + 1]
    by_liking : bool
        Labels tell what was liked from what was merely taken.
    """
    names = TABLE_NAMES if by_liking else TABLE_NAMES[1:]
    shape = (n_folds + 1, n_items + 1, len(names), n_neighbours)
    rows, weights = np.zeros(shape, np.int32), np.zeros(shape, np.float32)
    for fit in range(n_folds + 1):

        def seen(fit: int = fit) -> Iterator[NDArray[np.void]]:
            for block in blocks():
                yield block[(fold_of_user[block["user"]] != fit) & ~np.isnan(block["value"])]

        counts, n_users = count_interactions(seen, n_items)
        chosen = weighed(most_taken(counts, _MOST_ITEMS), n_items)
        ridge = _RIDGE * float((fold_of_user[1:] != fit).mean())
        for table, name in enumerate(names):
            if name == "next":
                found = _successors(seen, chosen, counts[chosen.rows])
            else:
                found = _ease(seen, chosen, n_users, ridge, name == "liked")
            place = rows[fit, :, table], weights[fit, :, table]
            _keep_best(found, chosen, n_neighbours, *place)
            if len(chosen.rows) < n_items:
                add_beyond(seen, name, chosen, counts, *place)
    return Neighbours(names, rows, weights)


def _ease(
    blocks: Blocks, chosen: Weighed, n_users: int, ridge: float, only_liked: bool
) -> Iterator[tuple[slice, Array]]:
    matrices = who_took(blocks, chosen, only_liked)
    if n_users < len(chosen.rows):
        return ease_by_users(vstack(list(matrices), format="csr"), ridge)
    gram = np.zeros((len(chosen.rows), len(chosen.rows)), np.float32)
    for who in matrices:
        together = (who.T @ who).tocoo()
        gram[together.row, together.col] += together.data
    return ease_by_items(gram, ridge)


def _successors(
    blocks: Blocks, chosen: Weighed, counts: NDArray[np.int64]
) -> Iterator[tuple[slice, Array]]:
    together = np.zeros((len(chosen.rows), len(chosen.rows)), np.float32)
    for block in blocks():
        item = chosen.position[block["item"]]
        add_followers(together, block["user"][item >= 0], item[item >= 0])
    return follower_weights(together, counts)


def _keep_best(
    found: Iterable[tuple[slice, Array]],
    chosen: Weighed,
    n_neighbours: int,
    rows: NDArray[np.int32],
    weights: Array,
) -> None:
    """Write the best neighbours of each candidate, best first, into `rows` and `weights`."""
    n_kept = min(n_neighbours, len(chosen.rows))
    for some, weight in found:
        best = np.argpartition(-weight, n_kept - 1, axis=1)[:, :n_kept]
        # In the order of the rows first, so that equals do not stand as the partition left them.
        best = np.sort(best, axis=1)
        kept = np.take_along_axis(weight, best, axis=1)
        order = np.argsort(-kept, axis=1, kind="stable")
        best = np.take_along_axis(best, order, axis=1)
        kept = np.take_along_axis(kept, order, axis=1)
        candidates = chosen.rows[some]
        rows[candidates, :n_kept] = np.where(kept > 0, chosen.rows[best], 0)
        weights[candidates, :n_kept] = np.maximum(kept, 0)
