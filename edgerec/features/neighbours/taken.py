"""Who took what, as blocks of a sparse matrix, and which items a ridge regression can weigh."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

Blocks = Callable[[], Iterator[NDArray[np.void]]]


@dataclass(frozen=True)
class Weighed:
    """Some of the items, in order."""

    rows: NDArray[np.int64]
    """ascending item rows"""
    position: NDArray[np.int64]
    """[n_items + 1]: place in `rows`; -1: not among them"""


def weighed(rows: NDArray[np.int64], n_items: int) -> Weighed:
    """Return these items with their places.

    >>> weighed(np.array([1, 3]), 3).position.tolist()
    [-1, 0, -1, 1]
    """
    position = np.full(n_items + 1, -1)
    position[rows] = np.arange(len(rows))
    return Weighed(rows, position)


def count_interactions(blocks: Blocks, n_items: int) -> tuple[NDArray[np.int64], int]:
    """Return each item's interactions, int64 [n_items + 1], and how many users there are."""
    count, n_users = np.zeros(n_items + 1, np.int64), 0
    for block in blocks():
        count += np.bincount(block["item"], minlength=n_items + 1)
        n_users += len(np.unique(block["user"]))
    return count, n_users


def most_taken(count: NDArray[np.int64], n_most: int) -> NDArray[np.int64]:
    """Return the rows of the items taken most, ascending.

    >>> most_taken(np.array([0, 2, 1, 2]), 2).tolist()
    [1, 3]
    """
    # Stable: of items taken as often, those of lower rows are weighed.
    return np.sort(np.argsort(-count[1:], kind="stable")[:n_most]) + 1


def who_took(blocks: Blocks, items: Weighed, only_liked: bool) -> Iterator[csr_matrix]:
    """Yield who took what, each pair once: float32 [users of the block, len(items.rows)]."""
    for block in blocks():
        taken = block[block["label"] == 1] if only_liked else block
        item = items.position[taken["item"]]
        user = np.unique(taken["user"][item >= 0], return_inverse=True)[1]
        pairs = np.unique(np.stack([user, item[item >= 0]], axis=1), axis=0)
        size = (int(user.max(initial=-1)) + 1, len(items.rows))
        yield csr_matrix((np.ones(len(pairs), np.float32), (pairs[:, 0], pairs[:, 1])), size)
