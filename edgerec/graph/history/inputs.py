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
    statistics = tables.statistics
    means = np.stack([statistics.mean_value[-1], statistics.liked_rate[-1]], axis=1)
    means_table = graph.table("item_means", means)
    embedding = graph.table("item_embedding", tables.embedding[-1])
    audience = graph.table("item_audience", tables.audience[-1])

    places = graph.table(
        "item_places",
        np.concatenate(
            [of_slots(statistics.log_count[-1, :, None]), of_slots(tables.scales)], axis=1
        ),
    )
    ends = graph.constant([3, tables.scales.shape[1] + 2])

    def sides(gathered: str) -> list[str]:
        return graph.add_many("Split", [gathered, ends], ["", ""], axis=1)

    def gather(table: str, rows: str) -> str:
        return graph.add("Gather", [table, rows])

    slot_content = candidate_content = ""
    if tables.content.shape[1]:
        content = graph.table("item_content", tables.content)
        slot_content = gather(content, slots.rows)
        candidate_content = gather(content, candidate_rows)
    popularity, scale = sides(gather(places, slots.rows))
    asked = graph.add(
        "MatMul", [gather(places, candidate_rows), graph.table("turned_places", _turned(tables))]
    )
    candidate_popularity, candidate_scale = sides(asked)
    return HistoryTensors(
        rows=slots.rows,
        present=present,
        stated=stated,
        value_and_liked=graph.add("Concat", [value, liked], axis=1),
        means=gather(means_table, slots.rows),
        embedding=gather(embedding, slots.rows),
        audience=gather(audience, slots.rows),
        content=slot_content,
        popularity=popularity,
        scale=scale,
        candidate_means=gather(means_table, candidate_rows),
        candidate_embedding=gather(embedding, candidate_rows),
        candidate_audience=gather(audience, candidate_rows),
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
    first = graph.table("item_first_seen", tables.statistics.first_seen[-1])
    elapsed = graph.add("Sub", [as_of, graph.add("Gather", [first, candidate_rows])])
    seconds = graph.add("Max", [elapsed, graph.constant([0])])
    days = graph.add("Div", [seconds, graph.constant([SECONDS_PER_DAY])])
    days = graph.add("Cast", [days], to=_FLOAT)
    return graph.add("Unsqueeze", [days, graph.constant([1])])
