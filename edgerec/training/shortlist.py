"""Finds the items worth ranking, when the best of a whole catalogue are asked for.

Ranking every item with every feature takes time in proportion to the catalogue. So a few hundred
items, the anchors, are ranked first, the same for everyone. How the ranker likes these tells in
which direction of the items' space the user's best lie, whatever its features are: from that each
item gets a coarse score, which is one product of a vector with a table, and the best some hundred
of these are ranked. The method is that of Yadav et al., Efficient Nearest Neighbor Search for
Cross-Encoder Models using Matrix Factorization, EMNLP 2022. How anchors and directions are found
is in `edgerec.export.shortlist`. `edgerec.graph.shortlist` builds the same in ONNX; the parity
gate of the export proves the two equal. Change both or neither.

Axes: M = n_items + 1 item rows, A anchors, R directions, T tables of neighbours, H history slots.
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
LISTED_PER_ASKED: Final = 8
"""items in the list for each that may be asked for: the more, the fewer of the best are missed"""
SMALLEST_ODDS: Final = 1e-6
"""scores nearer to 0 or 1 have no useful logit"""


@dataclass(frozen=True)
class Shortlist:
    """How a catalogue's items are scored coarsely, and how many of them are ranked."""

    n_items: int
    """length of the list"""
    anchors: NDArray[np.int64]
    """[A]: rows of the items that are ranked first"""
    of_anchors: Array
    """[A, R]: from how much better the anchors are than for anybody, in logits, to directions"""
    directions: Array
    """[R + 1, M]: where the items lie; the last row is the logit whoever asks"""
    of_neighbours: Array
    """[T, weightings of the neighbours]: what their columns count; [0, 0] where there are none"""

    @property
    def largest_k(self) -> int:
        """How many may be asked for at most; for more, every item is ranked."""
        return self.n_items // LISTED_PER_ASKED

    def scores(
        self,
        of_anchors: Array,
        neighbours: Neighbours | None,
        history: NDArray[np.int64],
        liked: Array,
    ) -> Array:
        """Return the coarse score of each item row: float32 [M].

        Parameters
        ----------
        of_anchors : float32 [A]
            The ranker's scores of the anchors.
        history : int64 [H]
            Item rows, newest first, each once; 0: nothing there.
        liked : float32 [H]
        """
        by_neighbours = np.zeros((1, self.directions.shape[1]), np.float32)
        if neighbours is not None:
            slots = counted_slots(neighbours, history, liked) @ self.of_neighbours.T
            weights = neighbours.weights[-1, history] * slots[:, :, None]
            np.add.at(by_neighbours[0], neighbours.rows[-1, history].ravel(), weights.ravel())
        expected = self.directions[-1, self.anchors] + by_neighbours[0, self.anchors]
        direction = (logits(of_anchors) - expected)[None] @ self.of_anchors
        direction = np.append(direction, np.ones((1, 1), np.float32), axis=1)
        scores: Array = (direction @ self.directions + by_neighbours)[0]
        return scores

    def best(self, scores: Array, excluded: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the item rows of the list, ascending; rows in `excluded` come last.

        >>> nothing = np.zeros((0, 0), np.float32)
        >>> shortlist = Shortlist(2, np.zeros(0, np.int64), nothing, nothing, nothing)
        >>> shortlist.best(np.float32([-1e4, 3, 1, 2]), np.array([1])).tolist()
        [2, 3]
        """
        allowed = scores.copy()
        allowed[excluded] = NEVER
        allowed[0] = NEVER
        order = np.argsort(-allowed[1:], kind="stable")[: self.n_items]
        best: NDArray[np.int64] = np.sort(order) + 1
        return best


def logits(scores: Array) -> Array:
    """Return the log odds of probabilities, float32; of those beside 0 and 1 not the utmost.

    >>> logits(np.float32([0.5, 1])).astype(int).tolist()
    [0, 13]
    """
    inside = np.clip(scores, np.float32(SMALLEST_ODDS), np.float32(1 - SMALLEST_ODDS))
    found: Array = np.log(inside) - np.log(1 - inside)
    return found
