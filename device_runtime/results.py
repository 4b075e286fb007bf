"""What the graph answered, as arrays."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Answer(NamedTuple):
    """What the graph answered. N candidates were scored, K of them stand in the ``top_`` arrays.

    An output that was not asked for has length 0.
    """

    scores: NDArray[np.float32]
    """[N]: probability of the label, in the order of the candidates."""
    known: NDArray[np.bool_]
    """[N]: False: the item was not in training."""
    top_positions: NDArray[np.int64]
    """[K]: best first, as positions in the candidates."""
    top_ids: NDArray[Any]
    """[K]: the same as raw ids, int64 or str objects."""
    top_scores: NDArray[np.float32]
    """[K]: the same as scores."""


class Similar(NamedTuple):
    """Items and how similar they are, the nearest first."""

    ids: NDArray[Any]
    """[S]: raw ids, int64 or str objects."""
    similarities: NDArray[np.float32]
    """[S]: cosines, from -1 to 1."""
