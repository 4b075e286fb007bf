"""A penalty on popularity: lists that reach further into the catalogue, for a little accuracy.

penalty * log(1 + count) is subtracted from an item's logit, which divides its odds by
(1 + count)^penalty. `edgerec.graph.network` does the same.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def popularity_odds(log_count: Array, penalty: float) -> Array:
    """Return what each item's odds are multiplied by: float32 [n].

    >>> popularity_odds(np.log1p(np.float32([0, 3])), 0.5).tolist()
    [1.0, 0.5]
    """
    odds: Array = np.exp(-np.float32(penalty) * log_count).astype(np.float32)
    return odds


def penalised(scores: Array, odds: Array) -> Array:
    """Return the probabilities with their odds multiplied: float32 [n].

    >>> penalised(np.float32([0.5, 0.5]), np.float32([1.0, 0.5])).astype(float).round(3).tolist()
    [0.5, 0.333]
    """
    weighed = scores * odds
    result: Array = (weighed / ((np.float32(1) - scores) + weighed)).astype(np.float32)
    return result
