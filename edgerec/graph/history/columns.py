"""The dynamic features as ONNX nodes: `edgerec.features.history`, function for function.

One request at a time, so the axis G of the reference is not there. Change both or neither. A
node costs about half a microsecond before it computes anything, so what the reference does
column by column is done here on all columns at once.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.features.history.candidate import CENTRED, KERNELS, MAX_COSINES, Space
from edgerec.features.history.profile import SHARE_COUNT
from edgerec.features.history.user import (
    SIGNALS,
    SPREAD_COUNT,
    USER_RATIOS,
    decays,
)
from edgerec.features.vector import FeatureTables
from edgerec.graph.history.inputs import CandidateTensors, SlotTensors
from edgerec.graph.history.numbers import N_MEANS
from edgerec.graph.history.totals import HistoryTotals
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
        self._inputs = inputs
        self._tables = tables
        own = inputs.value_and_liked
        residuals = self._mul(inputs.stated, self._sub(own, inputs.means))
        signals = [inputs.present, inputs.stated, own, residuals, inputs.log_count]
        by_slot = graph.add("Transpose", [self._concat(signals, 0)], perm=[1, 0])
        every = graph.table("decays", decays(n_history))
        one = graph.constant([1])
        weight = graph.add("Slice", [every, graph.constant([0]), inputs.count, one])
        total = graph.add("MatMul", [weight, by_slot])
        self._ratios, counts = self._user_totals(total)
        self._spread_over, self._log_of, self._shares_over = counts
        names = [ratio.name for ratio in USER_RATIOS]
        means = [names.index("mean_residual"), names.index("mean_liked_residual")]
        self._mean_residuals = graph.add("Gather", [self._ratios, graph.constant(means)], axis=1)
        turned = graph.add("Transpose", [self._mean_residuals], perm=[1, 0])
        centred = self._mul(inputs.stated, self._sub(residuals, turned))
        self._totals = HistoryTotals(graph, inputs, tables, centred)

    def user_features(self) -> str:
        """Return [1, len(USER_NAMES)]."""
        graph, statistics = self._graph, self._tables.statistics
        prior = float(statistics.prior_spread[-1] * np.float32(SPREAD_COUNT))
        squares = graph.add("Add", [self._totals.squares(), graph.number(prior)])
        spread = graph.add("Sqrt", [graph.add("Div", [squares, self._spread_over])])
        log_count = graph.add("Log", [self._log_of])
        return self._concat([log_count, self._ratios, spread], 1)

    def profile(self) -> str:
        """Return [1, 2 C]."""
        return self._totals.profile(self._shares_over)

    def candidate_features(self, candidates: CandidateTensors) -> list[str]:
        """Return blocks [N, …] in the order of CANDIDATE_NAMES."""
        graph = self._graph
        ends = [graph.constant([bound]) for bound in (0, N_MEANS, 1)]
        means = graph.add("Slice", [candidates.statistics, *ends])
        return [
            graph.add("Add", [means, self._mean_residuals]),
            *self._kernels(candidates),
            self._log_age(candidates),
        ]

    def _user_totals(self, total: str) -> tuple[str, list[str]]:
        """Return the ratios [1, len(USER_RATIOS)], and three counts [1, 1] that others divide by.

        Totals are picked and priors added in one product.
        """
        graph, statistics = self._graph, self._tables.statistics
        flat = graph.add("Reshape", [total, graph.constant([1, -1])])

        def place(decay: int, signal: str) -> int:
            return decay * len(SIGNALS) + SIGNALS.index(signal)

        counted = [("stated", SPREAD_COUNT), ("present", 1.0), ("present", SHARE_COUNT)]
        picked = [
            *(place(ratio.decay, ratio.signal) for ratio in USER_RATIOS),
            *(place(ratio.decay, ratio.over) for ratio in USER_RATIOS),
            *(place(0, signal) for signal, _ in counted),
        ]
        added = [
            *(
                0.0 if ratio.prior is None else getattr(statistics, ratio.prior)[-1] * ratio.count
                for ratio in USER_RATIOS
            ),
            *(ratio.count for ratio in USER_RATIOS),
            *(count for _, count in counted),
        ]
        every = np.eye(len(SIGNALS) * len(decays(1)), dtype=np.float32)
        read = graph.table("read_of_totals", every[:, picked])
        sums = graph.add("Gemm", [flat, read, graph.constant([added], np.float32)])
        widths = [len(USER_RATIOS), len(USER_RATIOS), *[1] * len(counted)]
        numerator, denominator, *counts = graph.add_many(
            "Split", [sums, graph.constant(widths)], [""] * len(widths), axis=1
        )
        return graph.add("Div", [numerator, denominator]), counts

    def _kernels(self, candidates: CandidateTensors) -> list[str]:
        """Return the blocks of KERNELS, COSINE_MEANS and MAX_COSINES."""
        graph = self._graph
        likeness = {space: self._likeness(space, candidates) for space in _GENTLEST}
        weights: dict[tuple[str, float], str] = {}
        totals = []
        centred = graph.add("Transpose", [self._totals.centred], perm=[1, 0])
        for kernel in KERNELS:
            gentler = weights.get((kernel.space, kernel.sharpness / 2))
            if gentler is None:
                assert kernel.sharpness == _GENTLEST[kernel.space]
                weight = graph.add("Exp", [likeness[kernel.space]])
            else:
                weight = self._mul(gentler, gentler)
            weights[kernel.space, kernel.sharpness] = weight
            # The other way round, three rows and not three columns, it would be faster, but ONNX
            # Runtime then adds more than 128 slots in an order that the number of rows decides.
            totals.append(graph.add("MatMul", [weight, centred]))
        total = self._concat(totals, 1)
        # Columns are picked by products with 0 and 1: a Gather copies number by number.
        signal, over, counts = _kernel_columns()
        numerator = graph.add("MatMul", [total, graph.table("kernel_signals", signal)])
        weights_of_all = [graph.table("kernel_weights", over), graph.constant(counts, np.float32)]
        denominator = graph.add("Gemm", [total, *weights_of_all])
        largest = self._concat(
            [
                graph.add("ReduceMax", [likeness[space]], axes=[1], keepdims=1)
                for space in MAX_COSINES
            ],
            1,
        )
        # Likeness was multiplied by a sharpness; an empty slot has a cosine of 0.
        unscaled = graph.constant([[1 / _GENTLEST[space] for space in MAX_COSINES]], np.float32)
        return [
            graph.add("Div", [numerator, denominator]),
            self._totals.cosine_means(candidates),
            self._mul(graph.add("Max", [largest, graph.number(0.0)]), unscaled),
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
        if space not in ("popularity", "scale"):
            scaled = graph.add("Transpose", [scaled], perm=[1, 0])
        return graph.add("MatMul", [theirs, scaled])

    def _concat(self, names: Sequence[str], axis: int) -> str:
        return self._graph.add("Concat", list(names), axis=axis)

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
