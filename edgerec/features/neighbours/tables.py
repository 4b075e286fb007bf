"""The tables of neighbours: for each item, which others say most of it, and how much."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

Array = NDArray[np.float32]
TABLE_NAMES: Final = ("liked", "taken", "next")
"""in their order; where all that was taken was liked, "taken" says it"""


@dataclass(frozen=True)
class Neighbours:
    """The neighbours of several fits; the last one is of everything. Item row 0 has none."""

    names: tuple[str, ...]
    """of TABLE_NAMES; without "liked", values tell no liking apart"""
    rows: NDArray[np.int32]
    """[fits, n_items + 1, tables, n_neighbours]: item rows; 0 where there is none"""
    weights: Array
    """[fits, n_items + 1, tables, n_neighbours]: 0 where there is none"""

    def full(self) -> "Neighbours":
        """Return the fit of everything alone: what the file holds."""
        return Neighbours(self.names, self.rows[-1:].copy(), self.weights[-1:].copy())

    def transposed(self, fit: int) -> list[csr_matrix]:
        """Return each table of one fit: sparse [neighbour, candidate].

        Its product with a history's weights is the score of every candidate.
        """
        n_rows, _, n_kept = self.rows.shape[1:]
        candidate = np.repeat(np.arange(n_rows), n_kept)
        found = []
        for table in range(len(self.names)):
            rows, weights = self.rows[fit, :, table].ravel(), self.weights[fit, :, table].ravel()
            there = weights > 0
            found.append(
                csr_matrix(
                    (weights[there], (rows[there], candidate[there])), shape=(n_rows, n_rows)
                )
            )
        return found


def stacked(fits: list[Neighbours]) -> Neighbours:
    """Return the fits of several, in their order."""
    return Neighbours(
        fits[0].names,
        np.concatenate([one.rows for one in fits]),
        np.concatenate([one.weights for one in fits]),
    )
