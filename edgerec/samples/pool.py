"""The candidates that a ranker of the catalogue learns to tell apart: the best of several lists."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

# The newest of a history count more in every second list: exp(-rank / this).
_RECENT_RANKS: Final = 5.0


class CandidatePool:
    """Finds candidates by popularity and by each table of neighbours, evenly and by recency.

    A union of lists needs no weights between scores of different kinds, and holds what any of
    them would put on top.

    Parameters
    ----------
    tables : list of sparse [n_items + 1, n_items + 1]
        The weight of each neighbour (rows) for each candidate (columns).
    log_count : float32 [n_items + 1]
        Popularity.
    n_candidates : int
        How many items the lists have together, those that stand in several counted once.

    >>> nothing = csr_matrix((4, 4))
    >>> CandidatePool([nothing], np.float32([0, 3, 1, 2]), 2).best(np.array([1]), np.array([1]))
    array([2, 3])
    """

    def __init__(
        self, tables: list[csr_matrix], log_count: NDArray[np.float32], n_candidates: int
    ) -> None:
        self._tables = tables
        self._log_count = log_count
        self._n_candidates = n_candidates

    def best(self, history: NDArray[np.int64], had: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the candidates: item rows, ascending, none of them in `had`.

        Parameters
        ----------
        history : int64 [H]
            Item rows, newest first.
        had : int64 [n]
            Item rows that are left out.
        """
        rank = np.arange(len(history))
        scores = [self._log_count]
        for table in self._tables:
            rows = table[history]
            for weight in (np.ones(len(history)), np.exp(-rank / _RECENT_RANKS)):
                scores.append(weight.astype(np.float32) @ rows)
        place = np.empty(len(self._log_count), np.int64)
        best = np.full(len(place), len(place))
        for score in scores:
            # Ties by popularity, then by row: most of the catalogue has no neighbour at all.
            order = np.lexsort((-self._log_count, -score))
            place[order] = np.arange(len(order))
            np.minimum(best, place, out=best)
        best[0] = best[had] = len(best)
        found = np.argsort(best, kind="stable")[: self._n_candidates]
        return np.sort(found[best[found] < len(best)])
