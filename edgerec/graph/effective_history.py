"""The effective history: what the file knows of the user and what the request says, as rows."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from edgerec.config import TrainSettings
from edgerec.features.tables import KnownHistories
from edgerec.graph.lookup import Lookup
from edgerec.graph.nodes import GraphBuilder
from edgerec.graph.precision import narrow
from edgerec.schema import NOT_STATED

_END: Final = 2**62


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
    # One behind the other: where the user's entries start and where they end.
    both = graph.add("Add", [user_row, graph.constant([0, 1])])
    ends = graph.rows("known_offsets", narrow(known.offsets), both)
    start, end = graph.add_many("Split", [ends, graph.constant([1, 1])], ["", ""], axis=0)
    # A trailing entry that no user has: a table of no rows is not portable.
    rows, values = np.append(known.rows, 0), np.append(known.values, np.float32(0))
    latest = int(known.times.max(initial=0))
    ages = np.append(latest - known.times, 0)
    part = (start, end)
    return (
        graph.rows("known_rows", narrow(rows), part),
        graph.rows("known_values", values, part),
        graph.add("Sub", [graph.constant(latest), graph.rows("known_ages", narrow(ages), part)]),
    )


def _newest_distinct(graph: GraphBuilder, rows: str, n_history: int) -> str:
    """Return positions of the last occurrences of distinct rows, the newest `n_history` first.

    Of equal rows a sort puts the one that stands first before the others, so the last of them is
    followed by another row: in n log n and without a comparison of all with all.
    """
    count = graph.add("Shape", [rows])
    ordered, position = graph.add_many("TopK", [rows, count], ["", ""], axis=0, largest=1, sorted=1)
    followed_by = graph.add("Slice", [ordered, *(graph.constant([one]) for one in (1, _END))])
    followed_by = graph.add("Concat", [followed_by, graph.constant([-1])], axis=0)
    is_last = graph.add("Not", [graph.add("Equal", [ordered, followed_by])])
    distinct = graph.add("Compress", [position, is_last], axis=0)
    kept = graph.add("Min", [graph.add("Shape", [distinct]), graph.constant([n_history])])
    return graph.add_many("TopK", [distinct, kept], ["", ""], axis=0, largest=1, sorted=1)[0]
