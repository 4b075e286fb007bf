"""Negative sampling: items that a user did not touch, drawn as label 0.

Never an item among the user's own training interactions. How often an item is drawn goes by its
count to a power. With 0, all alike, scores rank as probabilities of being taken do. Drawn by
popularity (1, or word2vec's .75: Mikolov et al. 2013, "Distributed representations of words and
phrases", section 2.2), negatives take popularity out of the scores: such a ranker tells apart
what people of different taste take, and puts what nearly nobody takes on top.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

# Draws per wanted item before a user who touched nearly everything goes without.
_TRIES: Final = 20


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

    >>> sampler = NegativeSampler(np.array([5, 1, 1]), exponent=0.0, random_state=0)
    >>> set(sampler.draw(np.array([0, 1]), 3).tolist())
    {2}
    """

    def __init__(self, counts: NDArray[np.int64], exponent: float, random_state: int) -> None:
        weight = np.where(counts > 0, np.maximum(counts, 1) ** exponent, 0.0)
        self._cumulative = np.cumsum(weight)
        self._random = np.random.default_rng([random_state, 3])

    def draw(self, own_items: NDArray[np.int64], n_negatives: int) -> NDArray[np.int64]:
        """Return at most `n_negatives` items, none of them in `own_items` (sorted, distinct).

        Fewer where hardly an item is left.
        """
        drawn = np.zeros(0, np.int64)
        for _ in range(_TRIES):
            missing = n_negatives - len(drawn)
            if not missing or not len(self._cumulative):
                break
            point = self._random.random(missing) * self._cumulative[-1]
            some = np.searchsorted(self._cumulative, point, side="right")
            place = np.minimum(np.searchsorted(own_items, some), max(len(own_items) - 1, 0))
            is_own = own_items[place] == some if len(own_items) else np.zeros(len(some), bool)
            drawn = np.concatenate([drawn, some[~is_own]])
        return drawn
