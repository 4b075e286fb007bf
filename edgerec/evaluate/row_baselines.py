"""Scores of test rows that need no model, out of features that the file computes anyway.

They are fitted on training rows alone, and the user's part on strictly earlier rows, since that
is how the features are made: a baseline sees what the model sees and no more.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Name of the baseline to the feature that it is. See `edgerec.features.vector`.
_FEATURES = {
    "user + item mean": "expected_liked",
    "item mean": "item_liked_rate",
    "popularity": "item_log_count",
}
PROBABILITIES = frozenset({"item mean"})
"""baselines that are probabilities, and so have a log loss"""


def row_baselines(names: Sequence[str], features: NDArray[np.float32]) -> dict[str, Array]:
    """Return the score of each row [n] by each baseline whose feature the file has.

    Parameters
    ----------
    names : sequence of str
        Of the columns.
    features : [n, width]

    >>> list(row_baselines(["item_log_count"], np.ones((2, 1), np.float32)))
    ['popularity']
    """
    at = {name: column for column, name in enumerate(names)}
    return {
        baseline: features[:, at[feature]].astype(np.float64)
        for baseline, feature in _FEATURES.items()
        if feature in at
    }
