"""Negative sampling: items that a user did not touch, as label 0.

Never an item among the user's own training interactions. Three ways to draw:

- "uniform": every item alike;
- "popularity": by how often items occur, to a power; word2vec's is .75 (Mikolov et al. 2013,
  "Distributed representations of words and phrases", section 2.2);
- "in_batch": what other users of the same batch took, as two-tower models do (Yi et al. 2019,
  "Sampling-bias-corrected neural modeling for large corpus item recommendations").

Where there are impressions, what was seen but not taken is drawn from:
`edgerec.declared.negatives`.

Drawn evenly, negatives leave popularity in the scores, which then rank as probabilities of being
taken do. Drawn by popularity, by whatever power, they take it out: such a ranker tells apart what
people of different taste take, and puts what nearly nobody takes on top. The correction gives it
back: a negative that is drawn r times as often as evenly weighs 1 / r.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

# Draws per wanted item before a user who touched nearly everything goes without.
_TRIES: Final = 20
# No negative weighs more than this, however seldom it is drawn.
_HEAVIEST: Final = 10.0


class NegativeSampler:
    """Draws items by popularity.

    Parameters
    ----------
    counts : int64 [n_items]
        Interactions of each item.
    exponent : float
        0: every item alike; 1: by popularity.
    random_state : int
        Seed; the draws depend on it and on the order of the calls.
    corrected : bool
        Negatives weigh as if they had been drawn evenly.

    >>> sampler = NegativeSampler(np.array([5, 1, 1]), exponent=0.0, random_state=0)
    >>> set(sampler.draw(np.array([0, 1]), 3).tolist())
    {2}
    """

    def __init__(
        self,
        counts: NDArray[np.int64],
        exponent: float,
        random_state: int,
        *,
        corrected: bool = False,
    ) -> None:
        weight = np.where(counts > 0, np.maximum(counts, 1) ** exponent, 0.0)
        self._cumulative = np.cumsum(weight)
        self._random = np.random.default_rng([random_state, 3])
        self._weight_of = _correction(weight) if corrected else np.ones(len(counts))

    def draw(self, own_items: NDArray[np.int64], n_negatives: int) -> NDArray[np.int64]:
        """Return `n_negatives` items, none of them in `own_items` (sorted, distinct).

        Fewer where hardly an item is left.
        """
        drawn = np.zeros(0, np.int64)
        for _ in range(_TRIES):
            missing = n_negatives - len(drawn)
            if not missing or not len(self._cumulative):
                break
            point = self._random.random(missing) * self._cumulative[-1]
            some = np.searchsorted(self._cumulative, point, side="right")
            drawn = np.concatenate([drawn, some[~_among(some, own_items)]])
        return drawn

    def weights(self, drawn: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return how much each of the drawn items counts: float64 [n]."""
        return self._weight_of[drawn]


class InBatchSampler:
    """Draws what other users of the same batch took: popular items come as often as they are.

    Parameters
    ----------
    batch : int64 [n]
        Items that the users of the batch took, one entry per interaction.
    counts : int64 [n_items]
        Interactions of each item, for the correction.

    >>> sampler = InBatchSampler(np.array([0, 1, 1, 2]), np.array([1, 2, 1]), random_state=0)
    >>> set(sampler.draw(np.array([0, 1]), 3).tolist())
    {2}
    """

    def __init__(
        self,
        batch: NDArray[np.int64],
        counts: NDArray[np.int64],
        random_state: int,
        *,
        number: int = 0,
        corrected: bool = False,
    ) -> None:
        self._batch = batch
        # The number of the batch, so that the next one's draws are others.
        self._random = np.random.default_rng([random_state, 3, number])
        weight = counts.astype(np.float64)
        self._weight_of = _correction(weight) if corrected else np.ones(len(counts))

    def draw(self, own_items: NDArray[np.int64], n_negatives: int) -> NDArray[np.int64]:
        """Return `n_negatives` items of other users, none in `own_items` (sorted)."""
        others = self._batch[~_among(self._batch, own_items)]
        if not len(others):
            return others
        return others[self._random.integers(len(others), size=n_negatives)]

    def weights(self, drawn: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return how much each of the drawn items counts: float64 [n]."""
        return self._weight_of[drawn]


def _correction(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how often an item would be drawn evenly, over how often it is."""
    there = weight > 0
    if not there.any():
        return np.zeros(len(weight))
    evenly = weight[there].mean()
    ratio = np.divide(evenly, weight, out=np.zeros(len(weight)), where=there)
    correction: NDArray[np.float64] = np.minimum(ratio, _HEAVIEST)
    return correction


def _among(items: NDArray[np.int64], own_items: NDArray[np.int64]) -> NDArray[np.bool_]:
    if not len(own_items):
        return np.zeros(len(items), bool)
    place = np.minimum(np.searchsorted(own_items, items), len(own_items) - 1)
    among: NDArray[np.bool_] = own_items[place] == items
    return among
