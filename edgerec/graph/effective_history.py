"""The effective history: what the file knows of the user and what the request says, as rows."""

from dataclasses import dataclass

import numpy as np

from edgerec.config import TrainSettings
from edgerec.features.tables import KnownHistories
from edgerec.graph.lookup import Lookup
from edgerec.graph.nodes import GraphBuilder, narrow
from edgerec.schema import NOT_STATED


@dataclass(frozen=True)
class HistorySlots:
    """Names of tensors over the H slots of the effective history, newest first; H >= 1."""

    rows: str
    """int64 [H]; 0: nothing there"""
    values: str
    """float32 [H]; NaN: not stated"""


def effective_history(
    graph: GraphBuilder, lookup: Lookup, user_row: str, known: KnownHistories, n_history: int
) -> HistorySlots:
    """Join what the file knows of the user with the request's history; keep the newest distinct."""
    zero = graph.constant([0])
    given_rows = lookup.rows("history")
    n_given = graph.add("Shape", [given_rows])

    def fitted(name: str, filler: str) -> str:
        filled = graph.add("Concat", [name, graph.add("Expand", [filler, n_given])], axis=0)
        return graph.add("Slice", [filled, zero, n_given])

    not_stated = graph.constant([NOT_STATED])
    given_values = fitted("history_values", graph.constant([np.nan], np.float32))
    given_times = fitted("history_times", not_stated)
    rows, values, times = given_rows, given_values, given_times
    if len(known.rows):
        of_file = _known(graph, user_row, known)
        rows, values, times = (
            graph.add("Concat", [told, asked], axis=0)
            for told, asked in zip(of_file, (rows, values, times), strict=True)
        )
    in_time = graph.add(
        "Or",
        [graph.add("Less", [times, "now"]), graph.add("Equal", ["now", not_stated])],
    )
    real = graph.add("And", [graph.add("Greater", [rows, graph.constant(0)]), in_time])
    # One masked slot at the oldest end: no list below is ever empty, which reductions and TopK
    # answer differently from version to version.
    rows = graph.add("Concat", [zero, graph.add("Compress", [rows, real], axis=0)], axis=0)
    blank = graph.constant([np.nan], np.float32)
    values = graph.add("Concat", [blank, graph.add("Compress", [values, real], axis=0)], axis=0)
    newest = _newest_distinct(graph, rows, n_history)
    return HistorySlots(
        graph.add("Gather", [rows, newest], "history_rows"),
        graph.add("Gather", [values, newest], "history_slot_values"),
    )


def newest_slots(graph: GraphBuilder, slots: HistorySlots, settings: TrainSettings) -> HistorySlots:
    """Return the newest `n_compared` slots."""
    if settings.n_compared >= settings.n_history:
        return slots
    zero, end = graph.constant([0]), graph.constant([settings.n_compared])
    return HistorySlots(
        *(graph.add("Slice", [one, zero, end]) for one in (slots.rows, slots.values))
    )


def _known(graph: GraphBuilder, user_row: str, known: KnownHistories) -> tuple[str, str, str]:
    """Return rows, values and times of what the file knows of the user; empty for row 0."""
    offsets = narrow(known.offsets)
    start = graph.add("Squeeze", [graph.rows("known_offsets", offsets, user_row)])
    next_row = graph.add("Add", [user_row, graph.constant([1])])
    end = graph.add("Squeeze", [graph.rows("known_offsets", offsets, next_row)])
    entries = graph.add("Range", [start, end, graph.constant(1)])
    # A trailing entry that nothing points at: a table of no rows is not portable.
    rows = np.append(known.rows, 0)
    values = np.append(known.values, np.float32(0))
    latest = int(known.times.max(initial=0))
    ages = np.zeros(len(known.times) + 1, np.int64)
    np.subtract(latest, known.times, out=ages[:-1])
    return (
        graph.rows("known_rows", narrow(rows), entries),
        graph.rows("known_values", values, entries),
        graph.add("Sub", [graph.constant(latest), graph.rows("known_ages", narrow(ages), entries)]),
    )


def _newest_distinct(graph: GraphBuilder, rows: str, n_history: int) -> str:
    """Return positions of the last occurrences of distinct rows, the newest `n_history` first.

    Sorting (row, position) as one number puts the last occurrence of each row first among its
    equals, in n log n and without a comparison of all with all.
    """
    count = graph.add("Shape", [rows])
    scalar_count = graph.add("Squeeze", [count])
    position = graph.add("Range", [graph.constant(0), scalar_count, graph.constant(1)])
    key = graph.add("Add", [graph.add("Mul", [rows, count]), position])
    ordered = graph.add_many("TopK", [key, count], ["", ""], axis=0, largest=1, sorted=1)[0]
    ordered_row = graph.add("Div", [ordered, count])
    ordered_position = graph.add("Sub", [ordered, graph.add("Mul", [ordered_row, count])])
    shifted = graph.add(
        "Slice",
        [
            graph.add("Concat", [graph.constant([-1]), ordered_row], axis=0),
            graph.constant([0]),
            count,
        ],
    )
    is_last = graph.add("Not", [graph.add("Equal", [ordered_row, shifted])])
    distinct = graph.add("Compress", [ordered_position, is_last], axis=0)
    kept = graph.add("Min", [graph.add("Shape", [distinct]), graph.constant([n_history])])
    return graph.add_many("TopK", [distinct, kept], ["", ""], axis=0, largest=1, sorted=1)[0]
