"""The dynamic features as ONNX nodes: `edgerec.features.history`, function for function.

One request at a time, so the axis G of the reference is not there. Change both or neither. A
node costs about half a microsecond before it computes anything, so what the reference does
column by column is done here on all columns at once.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.features.history.candidate import (
    CENTRED,
    COSINE_MEANS,
    KERNELS,
    MAX_COSINES,
    WEIGHTS,
    Space,
)
from edgerec.features.history.profile import RESIDUAL_COUNT, SHARE_COUNT
from edgerec.features.history.user import (
    SIGNALS,
    SPREAD_COUNT,
    USER_NAMES,
    USER_RATIOS,
    decays,
)
from edgerec.features.vector import FeatureTables
from edgerec.graph.history.inputs import CandidateTensors, SlotTensors
from edgerec.graph.nodes import GraphBuilder

# A vector of the widest processors.
_BLANK: Final = 16
_GENTLEST: Final[dict[Space, float]] = {
    space: min(kernel.sharpness for kernel in KERNELS if kernel.space == space)
    for space in dict.fromkeys(kernel.space for kernel in KERNELS)
}
"""the sharpness of each space that others are powers of"""


class HistoryFeatures:
    """Adds the features of one request."""

    def __init__(
        self, graph: GraphBuilder, inputs: SlotTensors, tables: FeatureTables, n_history: int
    ) -> None:
        self._graph = graph
        self._n_history = n_history
        self._inputs = inputs
        self._tables = tables
        self._residuals = self._mul(inputs.stated, self._sub(inputs.value_and_liked, inputs.means))
        self._centred = ""
        self._mean_residuals = ""

    def user_features(self) -> str:
        """Return [1, len(USER_NAMES)]."""
        inputs, graph, statistics = self._inputs, self._graph, self._tables.statistics
        signals = self._concat(
            [
                inputs.present,
                inputs.stated,
                inputs.value_and_liked,
                self._residuals,
                inputs.log_count,
            ]
        )
        n_slots = graph.add("Slice", [graph.add("Shape", [signals]), *self._ends(0, 1)])
        every = graph.table("decays", decays(self._n_history))
        weight = graph.add("Slice", [every, graph.constant([0]), n_slots, graph.constant([1])])
        total = graph.add("MatMul", [weight, signals])
        total = graph.add("Reshape", [total, graph.constant([1, -1])])
        priors = [
            0.0 if ratio.prior is None else getattr(statistics, ratio.prior)[-1] * ratio.count
            for ratio in USER_RATIOS
        ]
        ratios = self._ratios(
            total,
            [ratio.decay * len(SIGNALS) + SIGNALS.index(ratio.signal) for ratio in USER_RATIOS],
            [ratio.decay * len(SIGNALS) + SIGNALS.index(ratio.over) for ratio in USER_RATIOS],
            [ratio.count for ratio in USER_RATIOS],
            priors,
        )
        names = [ratio.name for ratio in USER_RATIOS]
        self._mean_residuals = self._columns(
            ratios, [names.index("mean_residual"), names.index("mean_liked_residual")]
        )
        self._centred = self._mul(inputs.stated, self._sub(self._residuals, self._mean_residuals))
        centred = self._columns(self._centred, [0])
        squares = graph.add(
            "ReduceSum", [self._mul(centred, centred), graph.constant([0])], keepdims=1
        )
        spread_prior = float(statistics.prior_spread[-1] * np.float32(SPREAD_COUNT))
        count = self._columns(total, [SIGNALS.index("stated")])
        spread = graph.add(
            "Div",
            [
                graph.add("Add", [squares, graph.number(spread_prior)]),
                graph.add("Add", [count, graph.number(SPREAD_COUNT)]),
            ],
        )
        n_present = self._columns(total, [SIGNALS.index("present")])
        log_count = graph.add("Log", [graph.add("Add", [n_present, graph.number(1.0)])])
        assert ("log_count", *names, "residual_spread") == USER_NAMES
        return self._concat([log_count, ratios, graph.add("Sqrt", [spread])])

    def profile(self) -> str:
        """Return [1, 2 C]; `user_features` comes first."""
        inputs, graph = self._inputs, self._graph
        kinds = graph.rows("item_kinds", self._tables.kinds, inputs.rows, coarse=True)
        signals = self._concat([self._columns(self._centred, [0]), inputs.present])

        def total(of: str, over: str) -> str:
            return graph.add("MatMul", [graph.add("Transpose", [of], perm=[1, 0]), over])

        sums = total(signals, kinds)
        weight = total(inputs.stated, graph.add("Abs", [kinds]))
        n_present = graph.add("ReduceSum", [inputs.present, graph.constant([0])], keepdims=1)
        over = [
            graph.add("Add", [weight, graph.number(RESIDUAL_COUNT)]),
            graph.add("Add", [n_present, graph.number(SHARE_COUNT)]),
        ]
        rows = [
            graph.add("Div", [graph.add("Gather", [sums, graph.constant([at])], axis=0), count])
            for at, count in enumerate(over)
        ]
        return self._concat(rows)

    def candidate_features(self, candidates: CandidateTensors) -> list[str]:
        """Return blocks [N, …] in the order of CANDIDATE_NAMES; `user_features` comes first."""
        graph = self._graph
        expected = graph.add("Add", [candidates.means, self._mean_residuals])
        centred = self._concat([self._inputs.stated, self._centred])
        likeness = {space: self._likeness(space, candidates) for space in _GENTLEST}
        weights: dict[tuple[str, float], str] = {}
        totals = []
        for kernel in KERNELS:
            gentler = weights.get((kernel.space, kernel.sharpness / 2))
            if gentler is None:
                assert kernel.sharpness == _GENTLEST[kernel.space]
                weight = graph.add("Exp", [likeness[kernel.space]])
            else:
                weight = self._mul(gentler, gentler)
            weights[kernel.space, kernel.sharpness] = weight
            totals.append(graph.add("MatMul", [weight, centred]))
        total = self._concat(totals)
        # Columns are picked by products with 0 and 1: a Gather copies number by number.
        signal, over, counts = _kernel_columns()
        numerator = graph.add("MatMul", [total, graph.table("kernel_signals", signal)])
        denominator = graph.add(
            "Gemm", [total, graph.table("kernel_weights", over), graph.constant(counts, np.float32)]
        )
        residuals = graph.add("Div", [numerator, denominator])
        largest = self._concat(
            [
                graph.add("ReduceMax", [likeness[space]], axes=[1], keepdims=1)
                for space in MAX_COSINES
            ]
        )
        # Likeness was multiplied by a sharpness; an empty slot has a cosine of 0.
        unscaled = graph.constant([[1 / _GENTLEST[space] for space in MAX_COSINES]], np.float32)
        return [
            expected,
            residuals,
            *self._cosine_means(candidates),
            self._mul(graph.add("Max", [largest, graph.number(0.0)]), unscaled),
            self._log_age(candidates),
        ]

    def _log_age(self, candidates: CandidateTensors) -> str:
        """Return log(1 + age): [N, 1].

        ONNX Runtime computes the last few logarithms of an array in another way, a bit apart, so
        the last are ones that nobody reads: what a score is must not depend on how many are asked.
        """
        graph = self._graph
        blank = graph.constant(np.zeros((_BLANK, 1)), np.float32)
        ages = graph.add("Concat", [candidates.age, blank], axis=0)
        logarithms = graph.add("Log", [graph.add("Add", [ages, graph.number(1.0)])])
        return graph.add("Slice", [logarithms, graph.constant([0]), graph.constant([-_BLANK])])

    def _likeness(self, space: Space, candidates: CandidateTensors) -> str:
        """Return how alike slots and candidates are, times the gentlest sharpness: [N, H]."""
        graph = self._graph
        slots, theirs = getattr(self._inputs, space), getattr(candidates, space)
        if not slots:
            # No features: the reference multiplies arrays of width 0, which gives zeros.
            nothing = graph.constant(np.zeros((1, self._tables.embedding.shape[2])), np.float32)
            slots = self._mul(self._inputs.embedding, nothing)
            theirs = candidates.embedding
        scaled = slots
        if _GENTLEST[space] != 1:
            scaled = self._mul(slots, graph.number(_GENTLEST[space]))
        return graph.add("MatMul", [theirs, graph.add("Transpose", [scaled], perm=[1, 0])])

    def _cosine_means(self, candidates: CandidateTensors) -> list[str]:
        """Return blocks [N, …] in the order of COSINE_MEANS.

        A mean of products is the product with the mean of the slots, which is a row and not one
        for each slot.
        """
        inputs, graph = self._inputs, self._graph
        liked = self._columns(inputs.value_and_liked, [1])
        weights = self._concat([inputs.present, liked, self._sub(inputs.stated, liked)])
        sums = graph.add("ReduceSum", [weights, graph.constant([0])], keepdims=1)
        blocks: dict[tuple[float, ...], str] = {}
        found = []
        for space in dict.fromkeys(mean.space for mean in COSINE_MEANS):
            own = [mean for mean in COSINE_MEANS if mean.space == space]
            assert [mean.weight for mean in own] == list(WEIGHTS[: len(own)])
            counts = tuple(mean.count for mean in own)
            slots, theirs = getattr(inputs, space), getattr(candidates, space)
            if len(own) == 1:
                counts *= 2  # see below
            if counts not in blocks:
                part, over = weights, sums
                if len(own) < len(WEIGHTS):
                    some = [number % len(own) for number in range(len(counts))]
                    part, over = self._columns(weights, some), self._columns(sums, some)
                over = graph.add("Add", [over, graph.constant([counts], np.float32)])
                blocks[counts] = graph.add("Div", [part, over])
            if not slots:
                nothing = graph.constant(
                    np.zeros((self._tables.embedding.shape[2], len(own))), np.float32
                )
                found.append(graph.add("MatMul", [candidates.embedding, nothing]))
                continue
            mean_slot = graph.add(
                "MatMul", [graph.add("Transpose", [slots], perm=[1, 0]), blocks[counts]]
            )
            product = graph.add("MatMul", [theirs, mean_slot])
            # A product of one column is rounded otherwise in its last few rows, and what a score
            # is must not depend on how many are asked: so it has the column twice.
            found.append(self._columns(product, [0]) if len(own) == 1 else product)
        return found

    def _ratios(
        self,
        totals: str,
        signal: Sequence[int],
        over: Sequence[int],
        counts: Sequence[float],
        priors: Sequence[float] = (),
    ) -> str:
        """Return columns (signal + prior) / (over + count) of `totals`."""
        graph = self._graph
        numerator = self._columns(totals, signal)
        if any(priors):
            numerator = graph.add("Add", [numerator, graph.constant([list(priors)], np.float32)])
        count = graph.constant([list(counts)], np.float32)
        denominator = graph.add("Add", [self._columns(totals, over), count])
        return graph.add("Div", [numerator, denominator])

    def _ends(self, start: int, end: int) -> tuple[str, str]:
        return self._graph.constant([start]), self._graph.constant([end])

    def _columns(self, name: str, columns: Sequence[int]) -> str:
        return self._graph.add("Gather", [name, self._graph.constant(list(columns))], axis=1)

    def _concat(self, names: Sequence[str]) -> str:
        return self._graph.add("Concat", list(names), axis=1)

    def _sub(self, left: str, right: str) -> str:
        return self._graph.add("Sub", [left, right])

    def _mul(self, left: str, right: str) -> str:
        return self._graph.add("Mul", [left, right])


def _kernel_columns() -> tuple[NDArray[np.float32], NDArray[np.float32], list[float]]:
    """Return which totals are divided, by which, [kernels * CENTRED, columns], and the counts."""
    of_columns = [
        (number * len(CENTRED), CENTRED.index(name), kernel.count)
        for number, kernel in enumerate(KERNELS)
        for _, name in kernel.columns
    ]
    every = np.eye(len(KERNELS) * len(CENTRED), dtype=np.float32)
    signal = every[:, [first + place for first, place, _ in of_columns]]
    over = every[:, [first + CENTRED.index("stated") for first, _, _ in of_columns]]
    return signal, over, [count for _, _, count in of_columns]
