"""Finds the items worth ranking, when the best of a whole catalogue are asked for.

Ranking every item with every feature takes time in proportion to the catalogue. So each item first
gets a coarse score, linear in the user's tastes and in the weights of his items' neighbours, which
is one product of a vector with a table; the best some hundred of these are ranked. How the weights
are found is in `edgerec.export.shortlist`. `edgerec.graph.shortlist` builds the same in ONNX; the
parity gate of the export proves the two equal. Change both or neither.

Axes: M = n_items + 1 item rows, R directions, S signals, D directions of a taste, W weightings of
a taste, T tables of neighbours, H history slots.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.features.neighbours.columns import counted_slots
from edgerec.features.neighbours.tables import Neighbours

Array = NDArray[np.float32]
NEVER: Final = -1e4
"""coarse score of row 0, which is no item, and of what is excluded: below any other"""
LISTED_PER_ASKED: Final = 10
"""items in the list for each that may be asked for: the more, the fewer of the best are missed"""


@dataclass(frozen=True)
class Shortlist:
    """How a catalogue's items are scored coarsely, and how many of them are ranked."""

    n_items: int
    """length of the list"""
    directions: Array
    """[R + 1, M]: where the items lie; the last row is what is added whoever asks"""
    of_taste: Array
    """[S * D * W, R]: from tastes to directions"""
    of_neighbours: Array
    """[T, weightings of the neighbours]: what their columns count; [0, 0] where there are none"""

    @property
    def largest_k(self) -> int:
        """How many may be asked for at most; for more, every item is ranked."""
        return self.n_items // LISTED_PER_ASKED

    def scores(
        self,
        taste: Array,
        neighbours: Neighbours | None,
        history: NDArray[np.int64],
        liked: Array,
    ) -> Array:
        """Return the coarse score of each item row: float32 [M].

        Parameters
        ----------
        taste : float32 [S, W, D]
            As `edgerec.features.taste.columns.tastes` returns them.
        history : int64 [H]
            Item rows, newest first, each once; 0: nothing there.
        liked : float32 [H]
        """
        direction = taste.swapaxes(1, 2).reshape(1, -1) @ self.of_taste
        direction = np.append(direction, np.ones((1, 1), np.float32), axis=1)
        scores: Array = (direction @ self.directions)[0]
        if neighbours is not None:
            slots = counted_slots(neighbours, history, liked) @ self.of_neighbours.T
            weights = neighbours.weights[-1, history] * slots[:, :, None]
            np.add.at(scores, neighbours.rows[-1, history].ravel(), weights.ravel())
        return scores

    def best(self, scores: Array, excluded: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the item rows of the list, ascending; rows in `excluded` come last.

        >>> nothing = np.zeros((0, 0), np.float32)
        >>> shortlist = Shortlist(2, nothing, nothing, nothing)
        >>> shortlist.best(np.float32([-1e4, 3, 1, 2]), np.array([1])).tolist()
        [2, 3]
        """
        allowed = scores.copy()
        allowed[excluded] = NEVER
        allowed[0] = NEVER
        order = np.argsort(-allowed[1:], kind="stable")[: self.n_items]
        best: NDArray[np.int64] = np.sort(order) + 1
        return best
