"""Successors: what users took soon after an item.

A Markov chain of every order at once: a pair counts exp(-gap / 10) where `gap` rows of its user
lie between. Divided by the square root of both items' counts, as in cosines, so that popular
items do not follow everything.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix

Array = NDArray[np.float32]
_SCALE: Final = 10.0
LONGEST_GAP: Final = 30
"""rows that lie between two of a pair, and one more, at most"""
_COUNT: Final = 5.0
_STEP: Final = 512


def follower_pairs(
    user: NDArray[np.int32], item: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], float]]:
    """Yield candidates, the items earlier than each, and what such a pair counts, gap by gap.

    Parameters
    ----------
    user : int32 [n]
        Rows of one user stand together, in order of time.
    item : int64 [n]
    """
    for gap in range(1, min(LONGEST_GAP, len(user) - 1) + 1):
        same = user[gap:] == user[:-gap]
        yield item[gap:][same], item[:-gap][same], float(np.exp(-gap / _SCALE))


def add_followers(together: Array, user: NDArray[np.int32], item: NDArray[np.int64]) -> None:
    """Add the pairs of some whole users to `together` [candidate, earlier item].

    Parameters
    ----------
    user : int32 [n]
        Rows of one user stand together, in order of time.
    item : int64 [n]
        Position in `together`.
    """
    for candidate, earlier, counts in follower_pairs(user, item):
        pairs = coo_matrix(
            (np.full(len(candidate), counts, np.float32), (candidate, earlier)),
            shape=together.shape,
        )
        pairs.sum_duplicates()
        together[pairs.row, pairs.col] += pairs.data


def follower_weights(together: Array, counts: NDArray[np.int64]) -> Iterator[tuple[slice, Array]]:
    """Yield the weights of some candidates: [candidates, items]."""
    root = np.sqrt(counts + _COUNT).astype(np.float32)
    for start in range(0, len(together), _STEP):
        some = slice(start, min(start + _STEP, len(together)))
        found = together[some] / (root[some, None] * root)
        found[np.arange(len(found)), np.arange(some.start, some.stop)] = 0
        yield some, found
