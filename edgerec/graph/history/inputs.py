"""Looks up in the graph what the dynamic features read: HistoryInputs of the reference."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.features.history.nearness import of_slots
from edgerec.features.vector import SECONDS_PER_DAY, FeatureTables
from edgerec.graph.lookup import HistorySlots
from edgerec.graph.nodes import GraphBuilder
from edgerec.schema import NOT_STATED

_FLOAT: Final = 1


@dataclass(frozen=True)
class HistoryTensors:
    """Names of the tensors that the features read: HistoryInputs of the reference."""

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
    popularity: str
    """[H, 3]"""
    scale: str
    """[H, Q + 2]"""
    candidate_means: str
    """[N, 2]"""
    candidate_embedding: str
    """[N, D]"""
    candidate_audience: str
    """[N, A]"""
    candidate_content: str
    """[N, F]; empty where items have no features"""
    candidate_popularity: str
    """[N, 3]"""
    candidate_scale: str
    """[N, Q + 2]"""
    candidate_age: str
    """[N, 1]: days"""


def history_inputs(
    graph: GraphBuilder,
    slots: HistorySlots,
    candidate_rows: str,
    tables: FeatureTables,
    history_until: int,
) -> HistoryTensors:
    """Look up what the dynamic features read; a request without `now` asks at `history_until`."""
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
    embedding, audience = tables.embedding[-1], tables.audience[-1]
    log_count = tables.statistics.log_count[-1, :, None]
    places = np.concatenate([of_slots(log_count), of_slots(tables.scales)], axis=1)
    ends = graph.constant([3, tables.scales.shape[1] + 2])

    def sides(gathered: str) -> list[str]:
        return graph.add_many("Split", [gathered, ends], ["", ""], axis=1)

    def means(rows: str) -> str:
        statistics = graph.rows("item_statistics", tables.item_statistics[-1], rows)
        return graph.add("Slice", [statistics, *map(graph.constant, ([0], [2], [1]))])

    slot_content = candidate_content = ""
    if tables.content.shape[1]:
        slot_content = graph.rows("item_content", tables.content, slots.rows, coarse=True)
        candidate_content = graph.rows("item_content", tables.content, candidate_rows, coarse=True)
    popularity, scale = sides(graph.rows("item_places", places, slots.rows))
    turned = graph.table("turned_places", _turned(tables))
    asked = graph.add("MatMul", [graph.rows("item_places", places, candidate_rows), turned])
    candidate_popularity, candidate_scale = sides(asked)
    return HistoryTensors(
        rows=slots.rows,
        present=present,
        stated=stated,
        value_and_liked=graph.add("Concat", [value, liked], axis=1),
        means=means(slots.rows),
        embedding=graph.rows("item_embedding", embedding, slots.rows, coarse=True),
        audience=graph.rows("item_audience", audience, slots.rows, coarse=True),
        content=slot_content,
        popularity=popularity,
        scale=scale,
        candidate_means=means(candidate_rows),
        candidate_embedding=graph.rows("item_embedding", embedding, candidate_rows, coarse=True),
        candidate_audience=graph.rows("item_audience", audience, candidate_rows, coarse=True),
        candidate_content=candidate_content,
        candidate_popularity=candidate_popularity,
        candidate_scale=candidate_scale,
        candidate_age=_item_age(graph, candidate_rows, tables, history_until),
    )


def _turned(tables: FeatureTables) -> NDArray[np.float32]:
    """Return what makes a candidate's rows of a slot's, so that one table serves both: 2, -1, 0."""
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
