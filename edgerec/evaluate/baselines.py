"""Rankings that need no training, to hold a model's against."""

from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from edgerec.evaluate.owned import OwnedItems

Array = NDArray[np.float64]

# Of the training rows, how many "recent popularity" counts.
_RECENT_SHARE = 0.1
# Okapi BM25's usual constants for items as documents and users as terms.
_K1, _B = 1.2, 0.75
_NEIGHBOURS = 100
# Products of items with all others that stand in memory at a time: 64 MB.
_CHUNK_PRODUCTS = 8_000_000
# Rows of the mean of all that a mean is shrunk by.
_SHRINKAGE = 5.0


class Baseline(Protocol):
    """Scores the whole catalogue from what a user has."""

    name: str

    def scores(self, history: NDArray[np.int32]) -> Array:
        """Return a score for each item of the catalogue, from positions of what the user has."""
        ...


class Popularity:
    """How many training users have the item, whoever asks."""

    def __init__(self, owned: OwnedItems, newest_share: float = 1.0) -> None:
        self.name = "popularity" if newest_share >= 1 else "recent popularity"
        self._count = np.asarray(owned.matrix(newest_share).sum(axis=0)).ravel()

    def scores(self, history: NDArray[np.int32]) -> Array:
        """Return the counts, whatever the history."""
        return self._count


class ItemNeighbours:
    """Item-kNN: how like the items are that the user has, summed over the nearest neighbours.

    Parameters
    ----------
    weighting : str
        "cosine": of the columns of users. "bm25": the rows of users weighted by BM25 first, so
        that users who have everything say less.

    References
    ----------
    Deshpande and Karypis 2004, "Item-based top-N recommendation algorithms". BM25 for
    neighbours: Robertson and Zaragoza 2009, "The probabilistic relevance framework".
    """

    def __init__(
        self, owned: OwnedItems, weighting: str = "bm25", n_neighbours: int = _NEIGHBOURS
    ) -> None:
        self.name = f"item-kNN, {weighting}"
        taken = owned.matrix()
        weighted = _bm25(taken) if weighting == "bm25" else _unit_columns(taken)
        plain = taken if weighting == "bm25" else weighted
        self._weights = _nearest(weighted.T.tocsr(), plain.tocsc(), n_neighbours)
        self._popularity = np.asarray(taken.sum(axis=0)).ravel()

    def scores(self, history: NDArray[np.int32]) -> Array:
        """Return the sum of the weights to the distinct items of the history.

        Who has nothing gets the counts: a baseline must not be weak where any shop would do that.
        """
        own = np.unique(history)
        if not len(own):
            return self._popularity
        total: Array = np.asarray(self._weights[own].sum(axis=0)).ravel()
        return total

    def of(self, item: int) -> tuple[NDArray[np.int32], Array]:
        """Return the positions of an item's neighbours and their weights."""
        row = slice(self._weights.indptr[item], self._weights.indptr[item + 1])
        return self._weights.indices[row], self._weights.data[row]


class ItemMean:
    """The mean value of the item, shrunk towards that of all, whoever asks.

    The user's own mean lifts all items alike, so that by user and item mean the list is the same.
    """

    name = "item mean"

    def __init__(self, owned: OwnedItems) -> None:
        stated = (owned.items >= 0) & ~np.isnan(owned.values)
        item, value = owned.items[stated], owned.values[stated].astype(np.float64)
        n_items = len(owned.catalogue)
        n, total = np.bincount(item, minlength=n_items), np.bincount(item, value, n_items)
        prior = value.mean() if len(value) else 0.0
        self._mean = (total + _SHRINKAGE * prior) / (n + _SHRINKAGE)

    def scores(self, history: NDArray[np.int32]) -> Array:
        """Return the means, whatever the history."""
        return self._mean


def standard_baselines(owned: OwnedItems) -> list[Baseline]:
    """Return what stands beside a model in every table; item means only where values differ."""
    values = owned.values[~np.isnan(owned.values)]
    differ = len(values) and values.min() < values.max()
    return [
        Popularity(owned),
        Popularity(owned, _RECENT_SHARE),
        *([ItemMean(owned)] if differ else []),
        ItemNeighbours(owned, "cosine"),
        ItemNeighbours(owned, "bm25"),
    ]


def _bm25(taken: csr_matrix) -> csr_matrix:
    n_of_user = np.asarray(taken.sum(axis=1)).ravel()
    n_of_item = np.asarray(taken.sum(axis=0)).ravel()
    rarity = np.log(taken.shape[1]) - np.log1p(n_of_user)
    length = (1 - _B) + _B * n_of_item / max(float(n_of_item.mean()), 1e-9)
    weighted = taken.tocoo()
    weight = (_K1 + 1) / (_K1 * length[weighted.col] + 1) * rarity[weighted.row]
    return csr_matrix((weight, (weighted.row, weighted.col)), shape=taken.shape)


def _unit_columns(taken: csr_matrix) -> csr_matrix:
    length = np.sqrt(np.asarray(taken.multiply(taken).sum(axis=0)).ravel())
    return (taken @ diags(1 / np.maximum(length, 1e-9))).tocsr()


def _nearest(by_item: csr_matrix, columns: csr_matrix, n_neighbours: int) -> csr_matrix:
    """Return the `n_neighbours` largest products of each item with the others: [items, items]."""
    rows, cols, data = [], [], []
    n_items = by_item.shape[0]
    step = max(1, _CHUNK_PRODUCTS // max(n_items, 1))
    for start in range(0, n_items, step):
        products = (by_item[start : start + step] @ columns).tocsr()
        products.sort_indices()
        for place, (first, end) in enumerate(pairwise(products.indptr.tolist()), start):
            other, product = products.indices[first:end], products.data[first:end]
            kept = _largest(np.where(other == place, 0.0, product), n_neighbours)
            rows.append(np.full(len(kept), place))
            cols.append(other[kept])
            data.append(product[kept])
    return csr_matrix(
        (np.concatenate(data), (np.concatenate(rows), np.concatenate(cols))),
        shape=(n_items, n_items),
    )


def _largest(product: Array, n: int) -> NDArray[np.int64]:
    """Return where the `n` largest above 0 are, the largest first.

    Of equal ones the earlier in the catalogue is kept. Sorting only those above the n-th largest
    takes a small part of the time of sorting all.

    >>> _largest(np.array([2.0, 3.0, 0.0, 2.0, 3.0]), 3)
    array([1, 4, 0])
    """
    found = np.arange(len(product))
    if len(product) > n:
        least = np.partition(product, -n)[-n]
        larger, equal = np.flatnonzero(product > least), np.flatnonzero(product == least)
        found = np.sort(np.concatenate([larger, equal[: n - len(larger)]]))
    found = found[np.argsort(-product[found], kind="stable")]
    return found[product[found] > 0]
