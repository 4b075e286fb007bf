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


# Of a text's vector, its first axes, which tell texts apart best; and what each counts, as a text
# is surer to be noise than what was declared.
_TEXT_AXES: Final = 8
_TEXT_WEIGHT: Final = 1.0


def content_basis(
    features: Array, weight: NDArray[np.float64], n_directions: int, n_text: int = 0
) -> Array:
    """Return the directions of the items' declared features: float32 [n_items + 1, C].

    Columns are standardised with the `weight` [n_items + 1] of each item; one that is
    more than a flag also gives its square, since a taste may be for the middle of a scale. Of
    all that the directions of largest variance are kept, at most `n_directions` (truncated
    principal components). Constant columns are none; C is 0 where nothing varies. The last
    `n_text` columns are the vector of a text, of which the first axes follow as they are.

    >>> content_basis(np.float32([[0.5], [0], [1]]), np.array([0.0, 2, 2]), 8).tolist()
    [[0.0], [-1.0], [1.0]]
    """
    n_declared = features.shape[1] - n_text
    columns = _columns(features[:, :n_declared], weight)
    share = weight / max(weight.sum(), 1)
    variance, directions = np.linalg.eigh((columns * share[:, None]).T @ columns)
    largest_first = np.argsort(-variance, kind="stable")[:n_directions]
    kept = largest_first[variance[largest_first] > _SMALLEST_SHARE * variance.max(initial=0)]
    kept = kept[variance[kept] > 0]
    # A direction and its opposite are the same; which one eigh returns is chance.
    signs = np.where(directions.sum(axis=0) < 0, -1, 1)
    text = _TEXT_WEIGHT * features[:, n_declared : n_declared + _TEXT_AXES]
    basis: Array = np.concatenate(
        [columns @ (directions * signs)[:, kept], text], axis=1, dtype=np.float32
    )
    return basis


def content_like(features: Array, n_text: int, fitted: NDArray[np.bool_], basis: Array) -> Array:
    """Return the directions of more items, as a fit of some of them has them.

    The directions are linear in the standardised columns, so the fitted rows give the map. To find
    the components again might turn those of like variance, on another processor.

    Parameters
    ----------
    features : float32 [n, width]
        Row 0 and the fitted items' as they were; n may be larger than it was.
    fitted : bool [n]
        The items that `content_basis` was fitted to.
    basis : float32 [m, C]
        What it returned: the first m rows.

    Returns
    -------
    float32 [n, C]
    """
    n_declared = features.shape[1] - n_text
    columns = np.concatenate(
        [
            _columns(features[:, :n_declared], fitted.astype(np.float64)),
            features[:, n_declared : n_declared + _TEXT_AXES],
        ],
        axis=1,
    )
    known = fitted[: len(basis)]
    told = columns[: len(basis)][known]
    map_ = np.linalg.lstsq(told, basis[known].astype(np.float64), rcond=_SMALLEST_SHARE)[0]
    directions: Array = (columns @ map_).astype(np.float32)
    return directions


def _columns(features: Array, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what the directions are sums of: [n_items + 1, …]."""
    share = weight / max(weight.sum(), 1)
    numbers = features.astype(np.float64)
    is_flag = [len(np.unique(column)) <= 2 for column in numbers[weight > 0].T]
    columns = _standardised(numbers, share)
    squares = columns[:, ~np.array(is_flag, bool)] ** 2
    columns = np.concatenate([columns, (squares - share @ squares) * _SQUARE_WEIGHT], axis=1)
    columns /= np.sqrt(max(1, columns.shape[1] / _FULL_WEIGHT_COLUMNS))
    return columns


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
