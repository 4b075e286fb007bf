"""The dynamic features as ONNX nodes: `edgerec.features.history`, function for function.

One request at a time, so the axis G of the reference is not there. Change both or neither. A
node costs about half a microsecond before it computes anything, so what the reference does
column by column is done here on all columns at once.
"""

from collections.abc import Sequence

import numpy as np

from edgerec.features.history.candidate import CENTRED, COSINE_MEANS, KERNELS, MAX_COSINES, WEIGHTS
from edgerec.features.history.profile import RESIDUAL_COUNT, SHARE_COUNT
from edgerec.features.history.user import (
    SIGNALS,
    SPREAD_COUNT,
    USER_NAMES,
    USER_RATIOS,
    decays,
)
from edgerec.features.vector import FeatureTables
from edgerec.graph.history.inputs import HistoryTensors
from edgerec.graph.nodes import GraphBuilder


class HistoryFeatures:
    """Adds the features of one request."""

    def __init__(
        self, graph: GraphBuilder, inputs: HistoryTensors, tables: FeatureTables, n_history: int
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
                self._columns(inputs.popularity, [0]),
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

    def candidate_features(self) -> list[str]:
        """Return blocks [N, …] in the order of CANDIDATE_NAMES; `user_features` comes first."""
        inputs, graph = self._inputs, self._graph
        expected = graph.add("Add", [inputs.candidate_means, self._mean_residuals])
        likeness = {
            "embedding": self._products(inputs.candidate_embedding, inputs.embedding),
            "audience": self._products(inputs.candidate_audience, inputs.audience),
            "popularity": self._products(inputs.candidate_popularity, inputs.popularity),
            "scale": self._products(inputs.candidate_scale, inputs.scale),
        }
        if inputs.content:
            likeness["content"] = self._products(inputs.candidate_content, inputs.content)
        else:
            # No features: the reference multiplies arrays of width 0, which gives zeros.
            likeness["content"] = self._mul(likeness["embedding"], graph.number(0.0))
        centred = self._concat([inputs.stated, self._centred])
        totals, over, signal, counts = [], [], [], []
        weights: dict[tuple[str, float], str] = {}
        for number, kernel in enumerate(KERNELS):
            gentler = weights.get((kernel.space, kernel.sharpness / 2))
            if gentler is None:
                sharper = self._mul(likeness[kernel.space], graph.number(kernel.sharpness))
                weight = graph.add("Exp", [sharper])
            else:
                weight = self._mul(gentler, gentler)
            weights[kernel.space, kernel.sharpness] = weight
            totals.append(graph.add("MatMul", [weight, centred]))
            for _, name in kernel.columns:
                signal.append(number * len(CENTRED) + CENTRED.index(name))
                over.append(number * len(CENTRED) + CENTRED.index("stated"))
                counts.append(kernel.count)
        residuals = self._ratios(self._concat(totals), signal, over, counts)
        largest = self._concat(
            [graph.add("ReduceMax", [likeness[one]], axes=[1], keepdims=1) for one in MAX_COSINES]
        )
        return [
            expected,
            residuals,
            self._cosine_means(likeness),
            graph.add("Max", [largest, graph.number(0.0)]),
            graph.add("Log", [graph.add("Add", [inputs.candidate_age, graph.number(1.0)])]),
        ]

    def _cosine_means(self, likeness: dict[str, str]) -> str:
        """Return [N, len(COSINE_MEANS)]."""
        inputs, graph = self._inputs, self._graph
        liked = self._columns(inputs.value_and_liked, [1])
        weights = self._concat([inputs.present, liked, self._sub(inputs.stated, liked)])
        spaces = list(dict.fromkeys(mean.space for mean in COSINE_MEANS))
        totals = self._concat([graph.add("MatMul", [likeness[space], weights]) for space in spaces])
        weight = [WEIGHTS.index(mean.weight) for mean in COSINE_MEANS]
        columns = [
            spaces.index(mean.space) * len(WEIGHTS) + at
            for mean, at in zip(COSINE_MEANS, weight, strict=True)
        ]
        sums = graph.add("ReduceSum", [weights, graph.constant([0])], keepdims=1)
        counts = graph.constant([[mean.count for mean in COSINE_MEANS]], np.float32)
        denominator = graph.add("Add", [self._columns(sums, weight), counts])
        return graph.add("Div", [self._columns(totals, columns), denominator])

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

    def _products(self, candidate: str, history: str) -> str:
        graph = self._graph
        return graph.add("MatMul", [candidate, graph.add("Transpose", [history], perm=[1, 0])])

    def _columns(self, name: str, columns: Sequence[int]) -> str:
        return self._graph.add("Gather", [name, self._graph.constant(list(columns))], axis=1)

    def _concat(self, names: Sequence[str]) -> str:
        return self._graph.add("Concat", list(names), axis=1)

    def _sub(self, left: str, right: str) -> str:
        return self._graph.add("Sub", [left, right])

    def _mul(self, left: str, right: str) -> str:
        return self._graph.add("Mul", [left, right])
