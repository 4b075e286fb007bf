"""Looks up in the graph what the dynamic features read: HistoryInputs of the reference.

What is one number a slot is a row over the slots, so that products with it need no turning.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from edgerec.features.vector import SECONDS_PER_DAY, FeatureTables
from edgerec.graph.effective_history import HistorySlots
from edgerec.graph.history.numbers import TABLE, ItemNumbers
from edgerec.graph.nodes import GraphBuilder
from edgerec.schema import NOT_STATED

_FLOAT: Final = 1


@dataclass(frozen=True)
class SlotTensors:
    """Names of the tensors of the history that the features read: HistoryInputs of the reference.

    Axes: H slots, S signals of a taste.
    """

    rows: str
    """int64 [H]: item rows"""
    count: str
    """int64 [1]: H"""
    present: str
    """[1, H]"""
    stated: str
    """[1, H]"""
    value_and_liked: str
    """[2, H]; 0 where nothing is stated"""
    liked: str
    """[1, H]"""
    means: str
    """[2, H]: mean value and liked rate of the items"""
    log_count: str
    """[1, H]"""
    popularity: str
    """[3, H]: turned; see `edgerec.graph.history.numbers`"""
    scale: str
    """[Q + 2, H]: turned"""
    level: str
    """[S, H]"""
    weight: str
    """[S, H]"""
    embedding: str
    """[H, D]"""
    audience: str
    """[H, A]"""
    content: str
    """[H, F]; empty where items have no features"""


@dataclass(frozen=True)
class CandidateTensors:
    """The same of the N candidates."""

    statistics: str
    """[N, 4]"""
    popularity: str
    """[N, 3]"""
    scale: str
    """[N, Q + 2]"""
    of_taste: str
    """[N, 3 S]: level, spread and weight of each signal"""
    embedding: str
    """[N, D]"""
    audience: str
    """[N, A]"""
    content: str
    """[N, F]; empty where items have no features"""
    age: str
    """[N, 1]: days"""


def slot_inputs(
    graph: GraphBuilder, slots: HistorySlots, tables: FeatureTables, numbers: ItemNumbers
) -> SlotTensors:
    """Look up what the dynamic features read of the history."""
    across = graph.constant([0])
    values = graph.add("Unsqueeze", [slots.values, across])
    present = graph.add("Cast", [graph.add("Greater", [slots.rows, across])], to=_FLOAT)
    nothing, blank = graph.number(0.0), graph.add("IsNaN", [values])
    stated = graph.add("Where", [blank, nothing, graph.number(1.0)])
    clipped = graph.add("Clip", [values, *map(graph.number, tables.value_range)])
    value = graph.add("Where", [blank, nothing, clipped])
    # Where values do not decide labels nothing is above, so nothing counts as liked.
    above = np.inf if tables.label_above is None else tables.label_above
    is_above = graph.add("Greater", [value, graph.number(above)])
    liked = graph.add("Where", [is_above, stated, nothing])
    read = [
        graph.table("read_of_slots", numbers.read_of_slots()),
        graph.rows(TABLE, numbers.values, slots.rows),
    ]
    heights = numbers.heights
    means, log_count, popularity, scale, level, weight = graph.add_many(
        "Split",
        [graph.add("Gemm", read, transB=1), graph.constant(heights)],
        [""] * len(heights),
        axis=0,
    )
    return SlotTensors(
        rows=slots.rows,
        count=graph.add("Shape", [slots.rows]),
        present=graph.add("Unsqueeze", [present, across]),
        stated=stated,
        value_and_liked=graph.add("Concat", [value, liked], axis=0),
        liked=liked,
        means=means,
        log_count=log_count,
        popularity=popularity,
        scale=scale,
        level=level,
        weight=weight,
        **_vectors(graph, slots.rows, tables),
    )


def candidate_inputs(
    graph: GraphBuilder,
    rows: str,
    tables: FeatureTables,
    numbers: ItemNumbers,
    history_until: int,
) -> CandidateTensors:
    """Look up candidates; a request without `now` asks at `history_until`."""
    widths = numbers.widths
    statistics, popularity, scale, of_taste = graph.add_many(
        "Split",
        [graph.rows(TABLE, numbers.values, rows), graph.constant(widths)],
        [""] * len(widths),
        axis=1,
    )
    return CandidateTensors(
        statistics=statistics,
        popularity=popularity,
        scale=scale,
        of_taste=of_taste,
        age=_item_age(graph, rows, tables, history_until),
        **_vectors(graph, rows, tables),
    )


def _vectors(graph: GraphBuilder, rows: str, tables: FeatureTables) -> dict[str, str]:
    """Return rows of the wide tables by name."""
    content = ""
    if tables.content.shape[1]:
        content = graph.rows("item_content", tables.content, rows, coarse=True)
    return {
        "embedding": graph.rows("item_embedding", tables.embedding[-1], rows, coarse=True),
        "audience": graph.rows("item_audience", tables.audience[-1], rows, coarse=True),
        "content": content,
    }


def _item_age(
    graph: GraphBuilder, candidate_rows: str, tables: FeatureTables, history_until: int
) -> str:
    not_stated = graph.add("Equal", ["now", graph.constant([NOT_STATED])])
    as_of = graph.add("Where", [not_stated, graph.constant([history_until]), "now"])
    first = tables.statistics.first_seen[-1][:, None]
    elapsed = graph.add("Sub", [as_of, graph.rows("item_first_seen", first, candidate_rows)])
    seconds = graph.add("Max", [elapsed, graph.constant([0])])
    days = graph.add("Div", [seconds, graph.constant([SECONDS_PER_DAY])])
    return graph.add("Cast", [days], to=_FLOAT)
