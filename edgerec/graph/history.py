"""The dynamic features as ONNX nodes: `edgerec.features.history`, function for function.

One request at a time, so the axis G of the reference is not there. Change both or neither.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from edgerec.features.history import (
    CONTENT_KERNELS,
    COSINE_SHRINKAGE,
    EMBEDDING_KERNELS,
    RECENT_RANKS,
    RECENT_SHRINKAGE,
    USER_NAMES,
    USER_SHRINKAGE,
)
from edgerec.features.statistics import ItemStatistics
from edgerec.features.vector import FeatureTables
from edgerec.graph.lookup import HistorySlots
from edgerec.graph.nodes import GraphBuilder

_FLOAT: Final = 1


@dataclass(frozen=True)
class HistoryTensors:
    """Names of the tensors that the features read: HistoryInputs of the reference."""

    present: str
    """[H]"""
    stated: str
    """[H]"""
    value: str
    """[H]"""
    liked: str
    """[H]"""
    mean_value: str
    """[H]"""
    liked_rate: str
    """[H]"""
    embedding: str
    """[H, D]"""
    content: str
    """[H, F]"""
    candidate_mean_value: str
    """[N]"""
    candidate_liked_rate: str
    """[N]"""
    candidate_embedding: str
    """[N, D]"""
    candidate_content: str
    """[N, F]"""
    statistics: ItemStatistics


def history_inputs(
    graph: GraphBuilder, slots: HistorySlots, candidate_rows: str, tables: FeatureTables
) -> HistoryTensors:
    """Look up what the dynamic features read."""
    present = graph.add("Cast", [graph.add("Greater", [slots.rows, graph.constant(0)])], to=_FLOAT)
    blank = graph.add("IsNaN", [slots.values])
    stated = graph.add("Mul", [present, graph.add("Cast", [graph.add("Not", [blank])], to=_FLOAT)])
    number = graph.add("Where", [blank, graph.number(0.0), slots.values])
    low, high = tables.value_range
    clipped = graph.add("Clip", [number, graph.number(low), graph.number(high)])
    value = graph.add("Mul", [stated, clipped])
    if tables.label_above is None:
        liked = graph.add("Mul", [value, graph.number(0.0)])
    else:
        above = graph.add("Greater", [value, graph.number(tables.label_above)])
        liked = graph.add("Mul", [stated, graph.add("Cast", [above], to=_FLOAT)])
    statistics = tables.statistics
    mean_value = graph.table("item_mean_value", statistics.mean_value[-1])
    liked_rate = graph.table("item_liked_rate", statistics.liked_rate[-1])
    embedding = graph.table("item_embedding", tables.embedding[-1])
    content = graph.table("item_content", tables.content)

    def gather(table: str, rows: str) -> str:
        return graph.add("Gather", [table, rows])

    return HistoryTensors(
        present=present,
        stated=stated,
        value=value,
        liked=liked,
        mean_value=gather(mean_value, slots.rows),
        liked_rate=gather(liked_rate, slots.rows),
        embedding=gather(embedding, slots.rows),
        content=gather(content, slots.rows),
        candidate_mean_value=gather(mean_value, candidate_rows),
        candidate_liked_rate=gather(liked_rate, candidate_rows),
        candidate_embedding=gather(embedding, candidate_rows),
        candidate_content=gather(content, candidate_rows),
        statistics=statistics,
    )


class HistoryFeatures:
    """Adds the features of one request."""

    def __init__(self, graph: GraphBuilder, inputs: HistoryTensors) -> None:
        self._graph = graph
        self._inputs = inputs
        self._value_residual, self._liked_residual = self._residuals()
        self._user_columns: list[str] = []

    def _residuals(self) -> tuple[str, str]:
        inputs = self._inputs
        pairs = ((inputs.value, inputs.mean_value), (inputs.liked, inputs.liked_rate))
        value, liked = (self._mul(inputs.stated, self._sub(own, item)) for own, item in pairs)
        return value, liked

    def user_features(self) -> str:
        """Return [1, len(USER_NAMES)]."""
        inputs, graph = self._inputs, self._graph
        statistics = inputs.statistics
        n_stated = self._sum(inputs.stated)
        mean_residual = self._shrunk(self._sum(self._value_residual), n_stated)
        centred = self._mul(inputs.stated, self._sub(self._value_residual, mean_residual))
        spread = self._shrunk(
            self._sum(self._mul(centred, centred)), n_stated, float(statistics.prior_spread[-1])
        )
        columns = [
            graph.add("Log", [self._add_number(self._sum(inputs.present), 1.0)]),
            self._shrunk(self._sum(inputs.value), n_stated, float(statistics.prior_value[-1])),
            mean_residual,
            self._shrunk(self._sum(inputs.liked), n_stated, float(statistics.prior_liked_rate[-1])),
            self._shrunk(self._sum(self._liked_residual), n_stated),
            graph.add("Sqrt", [spread]),
        ]
        count = graph.add("Squeeze", [graph.add("Shape", [inputs.stated])])
        rank = graph.add("Range", [graph.constant(0), count, graph.constant(1)])
        rank = graph.add("Cast", [rank], to=_FLOAT)
        for signal in (self._value_residual, self._liked_residual):
            for scale in RECENT_RANKS:
                decay = graph.add("Exp", [graph.add("Div", [rank, graph.number(-scale)])])
                weight = self._mul(inputs.stated, decay)
                total = self._sum(self._mul(weight, signal))
                columns.append(self._shrunk(total, self._sum(weight), None, RECENT_SHRINKAGE))
        self._user_columns = columns
        return graph.add("Unsqueeze", [graph.add("Concat", columns, axis=0), graph.constant([0])])

    def candidate_features(self) -> list[str]:
        """Return the columns, each [N, 1]; `user_features` comes first."""
        inputs = self._inputs
        mean_residual = self._user_columns[USER_NAMES.index("mean_residual")]
        mean_liked = self._user_columns[USER_NAMES.index("mean_liked_residual")]
        centred = self._centred(self._value_residual, mean_residual)
        centred_liked = self._centred(self._liked_residual, mean_liked)
        cosine = self._cosine(inputs.candidate_embedding, inputs.embedding)
        content_cosine = self._cosine(inputs.candidate_content, inputs.content)
        n_present = self._sum(inputs.present)
        disliked = self._sub(inputs.stated, inputs.liked)
        columns = [
            self._column(self._add(inputs.candidate_mean_value, mean_residual)),
            self._column(self._add(inputs.candidate_liked_rate, mean_liked)),
        ]
        kernels = [
            (self._kernel(cosine, sharpness), count) for sharpness, count in EMBEDDING_KERNELS
        ]
        columns += [self._weighted(weight, centred, count) for weight, count in kernels]
        columns += [self._weighted(weight, centred_liked, count) for weight, count in kernels]
        columns += [
            self._weighted_cosine(cosine, inputs.present, 1.0),
            self._max_cosine(cosine, n_present),
            self._weighted_cosine(cosine, inputs.liked, COSINE_SHRINKAGE),
            self._weighted_cosine(cosine, disliked, COSINE_SHRINKAGE),
        ]
        for sharpness, count in CONTENT_KERNELS:
            weight = self._kernel(content_cosine, sharpness)
            columns.append(self._weighted(weight, centred, count))
        columns.append(self._weighted_cosine(content_cosine, inputs.present, 1.0))
        return columns

    def _centred(self, residual: str, mean: str) -> str:
        centred = self._mul(self._inputs.stated, self._sub(residual, mean))
        return self._column(centred)

    def _kernel(self, cosine: str, sharpness: float) -> str:
        graph = self._graph
        grown = graph.add("Exp", [graph.add("Mul", [cosine, graph.number(sharpness)])])
        return self._mul(grown, self._inputs.stated)

    def _weighted(self, weight: str, residual: str, pseudo_count: float) -> str:
        graph = self._graph
        total = graph.add("MatMul", [weight, residual])
        weights = graph.add("ReduceSum", [weight, graph.constant([1])], keepdims=1)
        return graph.add("Div", [total, self._add_number(weights, pseudo_count)])

    def _weighted_cosine(self, cosine: str, weight: str, pseudo_count: float) -> str:
        graph = self._graph
        total = graph.add("MatMul", [cosine, self._column(weight)])
        return graph.add("Div", [total, self._add_number(self._sum(weight), pseudo_count)])

    def _max_cosine(self, cosine: str, n_present: str) -> str:
        graph, present = self._graph, self._inputs.present
        masked = self._add(self._mul(cosine, present), self._add_number(present, -1.0))
        largest = graph.add("ReduceMax", [masked], axes=[1], keepdims=1)
        return self._mul(largest, graph.add("Min", [n_present, graph.number(1.0)]))

    def _cosine(self, candidate: str, history: str) -> str:
        graph = self._graph
        return graph.add("MatMul", [candidate, graph.add("Transpose", [history], perm=[1, 0])])

    def _shrunk(
        self,
        total: str,
        count: str,
        prior: float | None = None,
        pseudo_count: float = USER_SHRINKAGE,
    ) -> str:
        if prior is not None:
            weighted = np.float32(prior) * np.float32(pseudo_count)
            total = self._add_number(total, float(weighted))
        return self._graph.add("Div", [total, self._add_number(count, pseudo_count)])

    def _sum(self, name: str) -> str:
        graph = self._graph
        return graph.add("ReduceSum", [name, graph.constant([0])], keepdims=1)

    def _column(self, name: str) -> str:
        return self._graph.add("Unsqueeze", [name, self._graph.constant([1])])

    def _add_number(self, name: str, number: float) -> str:
        return self._graph.add("Add", [name, self._graph.number(number)])

    def _add(self, left: str, right: str) -> str:
        return self._graph.add("Add", [left, right])

    def _sub(self, left: str, right: str) -> str:
        return self._graph.add("Sub", [left, right])

    def _mul(self, left: str, right: str) -> str:
        return self._graph.add("Mul", [left, right])
