"""Scores of test rows that need no model: what any shop could say of an item and a user.

All are counted on the training rows; the user's part is of his strictly earlier rows, training and
test rows alike, as the model's history is.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.evaluate.baselines import ItemNeighbours, Popularity
from edgerec.evaluate.owned import OwnedItems
from edgerec.evaluate.prequential import Question

Array = NDArray[np.float64]

PROBABILITIES: Final = ("item mean",)
"""names of the baselines that are probabilities, and so have a log loss"""
_RECENT_SHARE: Final = 0.1
# What a mean is shrunk by: as many rows of the mean of all.
_SHRINKAGE: Final = 5.0
# Neighbours that are less alike than this together say little.
_LIKENESS: Final = 1.0


class LabelBaselines:
    """Popularity, recent popularity, item mean, user + item mean and item-kNN.

    Parameters
    ----------
    owned : OwnedItems
        The training rows, over the file's catalogue.
    label_above : float, optional
        A value above this is labelled 1. None: values do not decide labels, as where negatives
        are drawn; then there are no means, and item-kNN sums what the items of the history are
        alike.

    References
    ----------
    Item-kNN: Koren 2010, "Factor in the neighbors", equation 3: what a user's rows leave of the
    means, averaged over the neighbours of the item, by cosine of who has them.
    """

    def __init__(self, owned: OwnedItems, label_above: float | None) -> None:
        self._owned = owned
        self._label_above = label_above
        n_items = len(owned.catalogue)
        self._rate = None if label_above is None else _liked_rates(owned, label_above)
        nobody = np.zeros(0, np.int32)
        self._popularity = np.r_[Popularity(owned).scores(nobody), 0]
        self._recent = np.r_[Popularity(owned, _RECENT_SHARE).scores(nobody), 0]
        self._neighbours = ItemNeighbours(owned, "cosine")
        self._position = {id_: place for place, id_ in enumerate(owned.catalogue)}
        self._rest = np.full(n_items + 1, np.nan)

    def scores(self, asked: Question) -> dict[str, Array]:
        """Return the score of each row asked about [n], by name."""
        items = np.array([self._position.get(id_, -1) for id_ in asked.item_ids])
        return {
            "popularity": self._popularity[items],
            "recent popularity": self._recent[items],
            **(
                {"item-kNN": self._alike(asked, items)}
                if self._rate is None or self._label_above is None
                else self._expected(asked, items, self._rate, self._label_above)
            ),
        }

    def _alike(self, asked: Question, items: NDArray[np.int64]) -> Array:
        new = [self._position.get(one.item_id, -1) for one in asked.history]
        own = np.r_[self._owned.of(asked.rows[0].user_id, asked.timestamp), new].astype(np.int32)
        own = own[own >= 0]
        # Who has nothing gets equal scores, and not the counts: those are on another scale.
        alike = self._neighbours.scores(own) if len(own) else np.zeros(len(self._position))
        found: Array = np.r_[alike, 0.0][items]
        return found

    def _expected(
        self, asked: Question, items: NDArray[np.int64], rate: Array, above: float
    ) -> dict[str, Array]:
        had, label = self._labels_before(asked, above)
        rest = label - rate[had]
        tendency = float(rest.sum() / (len(rest) + _SHRINKAGE))
        expected = rate[items] + tendency
        self._rest[had] = rest - tendency
        alike = np.array([self._from_neighbours(item) for item in items.tolist()])
        self._rest[had] = np.nan
        return {
            "item mean": rate[items],
            "user + item mean": expected,
            "item-kNN": expected + alike,
        }

    def _labels_before(self, asked: Question, above: float) -> tuple[NDArray[np.int64], Array]:
        """Return the items that the user had strictly before, by position, and the newest label."""
        items, values = self._owned.stated(asked.rows[0].user_id, asked.timestamp)
        position = self._position
        new = [(position.get(one.item_id, -1), one.value) for one in asked.history]
        stated = [pair for pair in new if pair[0] >= 0 and pair[1] is not None]
        had = np.r_[items, [place for place, _ in stated]].astype(np.int64)
        label = (np.r_[values, [value for _, value in stated]] > above).astype(np.float64)
        # Backwards, the first of each item is its newest.
        had, newest = np.unique(had[::-1], return_index=True)
        return had, label[::-1][newest]

    def _from_neighbours(self, item: int) -> float:
        if item < 0:
            return 0.0
        neighbours, weight = self._neighbours.of(item)
        rest = self._rest[neighbours]
        there = ~np.isnan(rest)
        return float(weight[there] @ rest[there] / (weight[there].sum() + _LIKENESS))


def _liked_rates(owned: OwnedItems, above: float) -> Array:
    """Return the share of 1 of each item, shrunk, and last that of an unknown item."""
    stated = (owned.items >= 0) & ~np.isnan(owned.values)
    item, n_items = owned.items[stated], len(owned.catalogue)
    liked = owned.values[stated] > above
    n_rows = np.bincount(item, minlength=n_items)
    prior = float(liked.mean()) if len(liked) else 0.5
    rates = (np.bincount(item, liked, n_items) + _SHRINKAGE * prior) / (n_rows + _SHRINKAGE)
    return np.append(rates, prior)
