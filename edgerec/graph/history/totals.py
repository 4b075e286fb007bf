"""What is summed over the slots of a history, in one product: [5, H] times [H, columns].

`edgerec.features.history` sums signal by signal and table by table. Here all of a slot's rows
stand side by side, and each sum is a block of one product.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.features.history.candidate import COSINE_MEANS, WEIGHTS
from edgerec.features.history.profile import RESIDUAL_COUNT
from edgerec.features.vector import FeatureTables
from edgerec.graph.history.inputs import CandidateTensors, SlotTensors
from edgerec.graph.nodes import GraphBuilder

SIGNALS: Final = ("stated", "centred", "centred_liked", "present", "liked")
_SPACES: Final = ("embedding", "audience", "content")
_OF_WEIGHTS: Final = {
    "present": {"present": 1.0},
    "liked": {"liked": 1.0},
    "disliked": {"stated": 1.0, "liked": -1.0},
}
"""each of WEIGHTS as a sum of signals"""


class HistoryTotals:
    """Adds the product, and what is read from it.

    Parameters
    ----------
    centred : str
        [2, H]: residuals less the user's mean, 0 where nothing is stated.
    """

    def __init__(
        self, graph: GraphBuilder, inputs: SlotTensors, tables: FeatureTables, centred: str
    ) -> None:
        self._graph, self._tables = graph, tables
        self.centred = graph.add("Concat", [inputs.stated, centred], axis=0)
        """[3, H]: stated and both residuals"""
        signals = graph.add("Concat", [self.centred, inputs.present, inputs.liked], axis=0)
        blocks = _vectors(inputs)
        self._n_kinds = tables.kinds.shape[1]
        if self._n_kinds:
            kinds = graph.rows("item_kinds", tables.kinds, inputs.rows, coarse=True)
            blocks += [kinds, graph.add("Abs", [kinds])]
        blocks.append(graph.add("Transpose", [signals], perm=[1, 0]))
        total = graph.add("MatMul", [signals, graph.add("Concat", blocks, axis=1)])
        widths = [sum(self._widths()), *[self._n_kinds] * (2 * bool(self._n_kinds)), len(SIGNALS)]
        parts = graph.add_many("Split", [total, graph.constant(widths)], [""] * len(widths), axis=1)
        self._vectors, self._products = parts[0], parts[-1]
        self._kinds = parts[1:-1]

    def squares(self) -> str:
        """Return the total of the squared residuals: [1, 1]."""
        return self._row(self._products, "centred", "centred")

    def profile(self, shares_over: str) -> str:
        """Return the mean residual of each kind, and the share of each: [1, 2 C].

        `shares_over` [1, 1] is what the totals of kinds are divided by.
        """
        graph, (kinds, sizes) = self._graph, self._kinds
        count = graph.number(RESIDUAL_COUNT)
        over = graph.add("Add", [self._row(sizes, "stated"), count])
        residual = graph.add("Div", [self._row(kinds, "centred"), over])
        share = graph.add("Div", [self._row(kinds, "present"), shares_over])
        return graph.add("Concat", [residual, share], axis=1)

    def cosine_means(self, candidates: CandidateTensors) -> str:
        """Return [N, len(COSINE_MEANS)].

        A mean of products is the product with the mean of the slots, which is a row and not one
        for each slot.
        """
        graph, widths = self._graph, self._widths()
        space_of_column = np.repeat(_SPACES[: len(widths)], widths)
        mask = [space_of_column == mean.space for mean in COSINE_MEANS]
        picks = graph.table("mean_weights", self._weights())
        slots = graph.add("MatMul", [picks, self._vectors])
        slots = graph.add("Mul", [slots, graph.table("mean_spaces", np.array(mask, np.float32))])
        over = graph.add("MatMul", [picks, self._column(self._products, "present")])
        counts = graph.constant([[mean.count] for mean in COSINE_MEANS], np.float32)
        slots = graph.add("Div", [slots, graph.add("Add", [over, counts])])
        wide = graph.add("Concat", _vectors(candidates), axis=1)
        return graph.add("MatMul", [wide, graph.add("Transpose", [slots], perm=[1, 0])])

    def _widths(self) -> list[int]:
        """Return how wide embedding, audience and content are; the last may not be there."""
        tables = self._tables
        wide = [tables.embedding.shape[2], tables.audience.shape[2], tables.content.shape[1]]
        return wide if wide[-1] else wide[:-1]

    def _weights(self) -> NDArray[np.float32]:
        """Return which signals each of COSINE_MEANS weighs slots with: [means, signals]."""
        assert set(_OF_WEIGHTS) == set(WEIGHTS)
        rows = [
            [_OF_WEIGHTS[mean.weight].get(one, 0.0) for one in SIGNALS] for mean in COSINE_MEANS
        ]
        return np.array(rows, np.float32)

    def _row(self, name: str, row: str, column: str = "") -> str:
        starts, axes = [SIGNALS.index(row)], [0]
        if column:
            starts, axes = [*starts, SIGNALS.index(column)], [0, 1]
        return self._slice(name, starts, axes)

    def _column(self, name: str, column: str) -> str:
        return self._slice(name, [SIGNALS.index(column)], [1])

    def _slice(self, name: str, starts: Sequence[int], axes: Sequence[int]) -> str:
        graph, ends = self._graph, [start + 1 for start in starts]
        bounds = [graph.constant(list(one)) for one in (starts, ends, axes)]
        return graph.add("Slice", [name, *bounds])


def _vectors(of: SlotTensors | CandidateTensors) -> list[str]:
    """Return the tensors of _SPACES that there are."""
    return [name for name in (getattr(of, space) for space in _SPACES) if name]
