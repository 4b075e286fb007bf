"""Looks up in the graph what the dynamic features read: HistoryInputs of the reference."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.features.history.nearness import of_slots
from edgerec.features.vector import SECONDS_PER_DAY, FeatureTables
from edgerec.graph.effective_history import HistorySlots
from edgerec.graph.nodes import GraphBuilder
from edgerec.schema import NOT_STATED

_FLOAT: Final = 1


@dataclass(frozen=True)
class SlotTensors:
    """Names of the tensors of the history that the features read: HistoryInputs of the reference.

    Axes: H slots.
    """

    rows: str
    """int64 [H]: item rows"""
    present: str
    """[H, 1]"""
    stated: str
    """[H, 1]"""
    value_and_liked: str
    """[H, 2]"""
    means: str
    """[H, 2]: mean value and liked rate of the items"""
    embedding: str
    """[H, D]"""
    audience: str
    """[H, A]"""
    content: str
    """[H, F]; empty where items have no features"""
    log_count: str
    """[H, 1]"""
    popularity: str
    """[H, 3]: turned; see `_turned`"""
    scale: str
    """[H, Q + 2]: turned"""


@dataclass(frozen=True)
class CandidateTensors:
    """The same of the N candidates."""

    means: str
    """[N, 2]"""
    embedding: str
    """[N, D]"""
    audience: str
    """[N, A]"""
    content: str
    """[N, F]; empty where items have no features"""
    popularity: str
    """[N, 3]"""
    scale: str
    """[N, Q + 2]"""
    age: str
    """[N, 1]: days"""


def slot_inputs(graph: GraphBuilder, slots: HistorySlots, tables: FeatureTables) -> SlotTensors:
    """Look up what the dynamic features read of the history."""
    column = graph.constant([1])
    rows = graph.add("Unsqueeze", [slots.rows, column])
    values = graph.add("Unsqueeze", [slots.values, column])
    present = graph.add("Cast", [graph.add("Greater", [rows, graph.constant(0)])], to=_FLOAT)
    blank = graph.add("IsNaN", [values])
    stated = graph.add("Mul", [present, graph.add("Cast", [graph.add("Not", [blank])], to=_FLOAT)])
    number = graph.add("Where", [blank, graph.number(0.0), values])
    low, high = tables.value_range
    clipped = graph.add("Clip", [number, graph.number(low), graph.number(high)])
    value = graph.add("Mul", [stated, clipped])
    # Where values do not decide labels nothing is above, so nothing counts as liked.
    above = np.inf if tables.label_above is None else tables.label_above
    is_above = graph.add("Greater", [value, graph.number(above)])
    liked = graph.add("Mul", [stated, graph.add("Cast", [is_above], to=_FLOAT)])
    rows_of = _Rows(graph, tables, slots.rows)
    places, turned = rows_of.places(), graph.table("turned_places", _turned(tables))
    popularity, scale = rows_of.sides(graph.add("MatMul", [places, turned]))
    return SlotTensors(
        rows=slots.rows,
        present=present,
        stated=stated,
        value_and_liked=graph.add("Concat", [value, liked], axis=1),
        means=rows_of.means(),
        embedding=rows_of.embedding(),
        audience=rows_of.audience(),
        content=rows_of.content(),
        log_count=graph.add("Slice", [places, *map(graph.constant, ([0], [1], [1]))]),
        popularity=popularity,
        scale=scale,
    )


def candidate_inputs(
    graph: GraphBuilder, rows: str, tables: FeatureTables, history_until: int
) -> CandidateTensors:
    """Look up candidates; a request without `now` asks at `history_until`."""
    rows_of = _Rows(graph, tables, rows)
    popularity, scale = rows_of.sides(rows_of.places())
    return CandidateTensors(
        means=rows_of.means(),
        embedding=rows_of.embedding(),
        audience=rows_of.audience(),
        content=rows_of.content(),
        popularity=popularity,
        scale=scale,
        age=_item_age(graph, rows, tables, history_until),
    )


class _Rows:
    """Takes the same rows of each table."""

    def __init__(self, graph: GraphBuilder, tables: FeatureTables, rows: str) -> None:
        self._graph, self._tables, self._rows = graph, tables, rows

    def means(self) -> str:
        table = self._tables.item_statistics[-1]
        statistics = self._graph.rows("item_statistics", table, self._rows)
        bounds = [self._graph.constant([bound]) for bound in (0, 2, 1)]
        return self._graph.add("Slice", [statistics, *bounds])

    def embedding(self) -> str:
        table = self._tables.embedding[-1]
        return self._graph.rows("item_embedding", table, self._rows, coarse=True)

    def audience(self) -> str:
        return self._graph.rows("item_audience", self._tables.audience[-1], self._rows, coarse=True)

    def content(self) -> str:
        if not self._tables.content.shape[1]:
            return ""
        return self._graph.rows("item_content", self._tables.content, self._rows, coarse=True)

    def places(self) -> str:
        log_count, scales = self._tables.statistics.log_count[-1, :, None], self._tables.scales
        places = np.concatenate([of_slots(log_count), of_slots(scales)], axis=1)
        return self._graph.rows("item_places", places, self._rows)

    def sides(self, places: str) -> list[str]:
        ends = self._graph.constant([3, self._tables.scales.shape[1] + 2])
        return self._graph.add_many("Split", [places, ends], ["", ""], axis=1)


def _turned(tables: FeatureTables) -> NDArray[np.float32]:
    """Return what makes one side of a product of the other's, so that one table serves both.

    Slots are turned and candidates are not, since there are mostly fewer of them.
    """
    widths = [1, tables.scales.shape[1]]
    parts = []
    for width in widths:
        # Of [b, 1, b²] to [2 b, -b², -1].
        part = np.zeros((width + 2, width + 2), np.float32)
        part[:width, :width] = 2 * np.eye(width)
        part[width, width + 1] = part[width + 1, width] = -1
        parts.append(part)
    turned = np.zeros((sum(widths) + 4, sum(widths) + 4), np.float32)
    turned[:3, :3], turned[3:, 3:] = parts
    return turned


def _item_age(
    graph: GraphBuilder, candidate_rows: str, tables: FeatureTables, history_until: int
) -> str:
    not_stated = graph.add("Equal", ["now", graph.constant([NOT_STATED])])
    as_of = graph.add("Where", [not_stated, graph.constant([history_until]), "now"])
    first = graph.rows("item_first_seen", tables.statistics.first_seen[-1], candidate_rows)
    elapsed = graph.add("Sub", [as_of, first])
    seconds = graph.add("Max", [elapsed, graph.constant([0])])
    days = graph.add("Div", [seconds, graph.constant([SECONDS_PER_DAY])])
    days = graph.add("Cast", [days], to=_FLOAT)
    return graph.add("Unsqueeze", [days, graph.constant([1])])
