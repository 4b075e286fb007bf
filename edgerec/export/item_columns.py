"""What is known of each item whoever asks: what coarse scores are linear in."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.features.vector import FeatureTables

Array = NDArray[np.float32]
Wide = NDArray[np.float64]
_MOST_CONTENT: Final = 64
"""wider content is left to the taste model's basis, which sums it up"""
_ROWS_AT_ONCE: Final = 65_536


class ItemColumns:
    """What is known of each item whoever asks, standardised; looked up row by row."""

    def __init__(self, tables: FeatureTables) -> None:
        taste = tables.taste
        self._tables = [
            tables.embedding[-1],
            tables.audience[-1],
            taste.basis[-1],
            *taste.latent[-1],
        ]
        if tables.content.shape[1] <= _MOST_CONTENT:
            self._tables.append(tables.content)
        of_taste = [taste.intercept[-1], np.sqrt(taste.intercept_variance[-1])]
        self._numbers = [tables.item_statistics[-1], tables.scales, *(one.T for one in of_taste)]
        self._n_rows = len(tables.content)
        width = self.rows(np.zeros(1, np.int64), standard=False).shape[1]
        total, squares = np.zeros(width), np.zeros(width)
        for rows in self.blocks():
            columns = self.rows(rows, standard=False).astype(np.float64)
            total += columns.sum(axis=0)
            squares += (columns * columns).sum(axis=0)
        mean = total / self._n_rows
        spread = np.sqrt(np.maximum(squares / self._n_rows - mean * mean, 0))
        varies = spread > 1e-5 * np.maximum(np.abs(mean), 1)
        inverse = np.divide(1, spread, out=np.zeros_like(spread), where=varies)
        self._mean, self._inverse_spread = mean.astype(np.float32), inverse.astype(np.float32)

    def blocks(self) -> Iterator[NDArray[np.int64]]:
        """Yield all rows, some at a time."""
        for start in range(0, self._n_rows, _ROWS_AT_ONCE):
            yield np.arange(start, min(start + _ROWS_AT_ONCE, self._n_rows))

    def rows(self, rows: NDArray[np.int64], *, standard: bool = True) -> Array:
        """Return the columns of item rows, standardised if not told otherwise: float32 [n, X]."""
        numbers = [one[rows] for one in self._numbers]
        taken = [*(one[rows] for one in self._tables), *numbers, *(one * one for one in numbers)]
        columns: Array = np.concatenate(taken, axis=1, dtype=np.float32)
        if standard:
            columns -= self._mean
            columns *= self._inverse_spread
        return columns

    def whitening(self) -> tuple[Wide, Wide]:
        """Return a root of the covariance of all items, [X, X], and the inverse of its transpose.

        So `weights @ root` are of as many variances as a user's logits; singular vectors of these
        are what users differ most in.
        """
        covariance = np.zeros((len(self._mean), len(self._mean)))
        for rows in self.blocks():
            columns = self.rows(rows).astype(np.float64)
            covariance += columns.T @ columns / self._n_rows
        squares, vectors = np.linalg.eigh(covariance)
        root = np.sqrt(np.maximum(squares, 1e-6))
        return vectors * root, vectors / root
