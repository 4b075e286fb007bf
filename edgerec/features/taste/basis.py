"""The directions of a taste that are known before any fit: what items are, and how popular."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
# Standardised features are cut here: one odd item must not be a direction of its own.
_LARGEST: Final = 3.0
_FARTHEST: Final = 5.0
# With more columns than this each counts for less, so that all content together does not drown
# the rest of a taste before the prior has learned what it is worth.
_FULL_WEIGHT_COLUMNS: Final = 4
_SQUARE_WEIGHT: Final = 0.5
_POPULARITY_SQUARE_WEIGHT: Final = 0.3
# A direction with less than this share of the largest one's variance is rounding.
_SMALLEST_SHARE: Final = 1e-6


def content_basis(features: Array, weight: NDArray[np.float64], n_directions: int) -> Array:
    """Return the directions of the items' declared features: float32 [n_items + 1, C].

    Columns are standardised with the `weight` [n_items + 1] of each item; one that is
    more than a flag also gives its square, since a taste may be for the middle of a scale. Of
    all that the directions of largest variance are kept, at most `n_directions` (truncated
    principal components). Constant columns are none; C is 0 where nothing varies.

    >>> content_basis(np.float32([[0.5], [0], [1]]), np.array([0.0, 2, 2]), 8).tolist()
    [[0.0], [-1.0], [1.0]]
    """
    share = weight / max(weight.sum(), 1)
    numbers = features.astype(np.float64)
    is_flag = [len(np.unique(column)) <= 2 for column in numbers[1:].T]
    columns = _standardised(numbers, share)
    squares = columns[:, ~np.array(is_flag, bool)] ** 2
    columns = np.concatenate([columns, (squares - share @ squares) * _SQUARE_WEIGHT], axis=1)
    columns /= np.sqrt(max(1, columns.shape[1] / _FULL_WEIGHT_COLUMNS))
    variance, directions = np.linalg.eigh((columns * share[:, None]).T @ columns)
    largest_first = np.argsort(-variance, kind="stable")[:n_directions]
    kept = largest_first[variance[largest_first] > _SMALLEST_SHARE * variance.max(initial=0)]
    kept = kept[variance[kept] > 0]
    # A direction and its opposite are the same; which one eigh returns is chance.
    signs = np.where(directions.sum(axis=0) < 0, -1, 1)
    basis: Array = (columns @ (directions * signs)[:, kept]).astype(np.float32)
    return basis


def _standardised(columns: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.float64]:
    mean = share @ columns
    spread = np.sqrt(share @ (columns - mean) ** 2)
    varies = spread > 1e-9 * np.maximum(np.abs(mean), 1)
    scaled = np.where(varies, (columns - mean) / np.where(varies, spread, 1), 0)
    return np.clip(scaled, -_LARGEST, _LARGEST)


def popularity_basis(log_count: Array, count: NDArray[np.float64]) -> Array:
    """Return popularity and its square for each fit: float32 [F, n_items + 1, 2].

    Parameters
    ----------
    log_count : float32 [F, n_items + 1]
        Of `ItemStatistics`. The scale is that of the last fit.
    count : float64 [n_items + 1]
        Interactions of each item, by which the mean and the spread are weighted.
    """
    share = count / max(count.sum(), 1)
    of_all = log_count[-1].astype(np.float64)
    mean = share @ of_all
    spread = np.sqrt(share @ (of_all - mean) ** 2)
    popularity = (log_count - mean) / (spread if spread > 1e-6 else 1.0)
    # Where all items are about as popular, one that nobody met would lie hundreds of spreads out.
    popularity = np.clip(popularity, -_FARTHEST, _FARTHEST)
    columns = [popularity, _POPULARITY_SQUARE_WEIGHT * popularity**2]
    return np.stack(columns, axis=2).astype(np.float32)
