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
    label_above : float
        A value above this is labelled 1.

    References
    ----------
    Item-kNN: Koren 2010, "Factor in the neighbors", equation 3: what a user's rows leave of the
    means, averaged over the neighbours of the item, by cosine of who has them.
    """

    def __init__(self, owned: OwnedItems, label_above: float) -> None:
        self._owned = owned
        self._label_above = label_above
        stated = (owned.items >= 0) & ~np.isnan(owned.values)
        item, n_items = owned.items[stated], len(owned.catalogue)
        liked = owned.values[stated] > label_above
        n_rows = np.bincount(item, minlength=n_items)
        prior = float(liked.mean()) if len(liked) else 0.5
        # The last place is that of an item which training does not know.
        self._rate = np.r_[
            (np.bincount(item, liked, n_items) + _SHRINKAGE * prior) / (n_rows + _SHRINKAGE), prior
        ]
        nobody = np.zeros(0, np.int32)
        self._popularity = np.r_[Popularity(owned).scores(nobody), 0]
        self._recent = np.r_[Popularity(owned, _RECENT_SHARE).scores(nobody), 0]
        self._neighbours = ItemNeighbours(owned, "cosine")
        self._position = {id_: place for place, id_ in enumerate(owned.catalogue)}
        self._rest = np.full(n_items + 1, np.nan)

    def scores(self, asked: Question) -> dict[str, Array]:
        """Return the score of each row asked about [n], by name."""
        items = np.array([self._position.get(id_, -1) for id_ in asked.item_ids])
        own = self._labels_before(asked)
        had = np.fromiter(own, np.int64, len(own))
        rest = np.fromiter(own.values(), np.float64, len(own)) - self._rate[had]
        tendency = float(rest.sum() / (len(rest) + _SHRINKAGE))
        expected = self._rate[items] + tendency
        self._rest[had] = rest - tendency
        alike = np.array([self._from_neighbours(item) for item in items.tolist()])
        self._rest[had] = np.nan
        return {
            "popularity": self._popularity[items],
            "recent popularity": self._recent[items],
            "item mean": self._rate[items],
            "user + item mean": expected,
            "item-kNN": expected + alike,
        }

    def _labels_before(self, asked: Question) -> dict[int, float]:
        """Return the newest label of each item that the user had strictly before, by position."""
        user_id, before = asked.rows[0].user_id, asked.timestamp
        found = {}
        for position, value in self._owned.stated(user_id, before):
            found[position] = float(value > self._label_above)
        for one in asked.history:
            position = self._position.get(one.item_id, -1)
            if position >= 0 and one.value is not None:
                found[position] = float(one.value > self._label_above)
        return found

    def _from_neighbours(self, item: int) -> float:
        if item < 0:
            return 0.0
        neighbours, weight = self._neighbours.of(item)
        rest = self._rest[neighbours]
        there = ~np.isnan(rest)
        return float(weight[there] @ rest[there] / (weight[there].sum() + _LIKENESS))
