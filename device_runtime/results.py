"""What the graph answered, as arrays."""

import math
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

    @property
    def is_finite(self) -> bool:
        """Whether every score is a number: a sum tells, since they lie between 0 and 1."""
        checked = self.scores if self.scores.size else self.top_scores
        # A few are added up before NumPy has found out how to.
        return math.isfinite(
            np.add.reduce(checked) if checked.size > 999 else sum(checked.tolist())
        )


class Similar(NamedTuple):
    """Items and how similar they are, the nearest first."""

    ids: NDArray[Any]
    """[S]: raw ids, int64 or str objects."""
    similarities: NDArray[np.float32]
    """[S]: cosines, from -1 to 1."""
