"""From raw ids to rows: candidates, the effective history, exclusions; and back to ranked ids."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgerec.config import TrainSettings
from edgerec.features.tables import KnownHistories
from edgerec.graph.idmaps import IdMap
from edgerec.graph.nodes import GraphBuilder, narrow
from edgerec.ids import IdType, padding_id
from edgerec.schema import NOT_STATED


@dataclass(frozen=True)
class Candidates:
    """Names of tensors over the N candidates that are scored."""

    rows: str
    ids: str
    count: str
    """[1]"""


class Lookup:
    """Adds the nodes that turn the inputs into rows, for one kind of item id.

    One map serves candidates, history and exclusions: what it takes in memory is there once.
    """

    def __init__(self, graph: GraphBuilder, items: IdMap) -> None:
        self._graph = graph
        self._items = items
        self._catalogue_ids = graph.table("catalogue_ids", items.ids)
        lists = ("item_ids", "history", "exclude")
        together = graph.add("Concat", lists, axis=0)
        rows = items.add(graph, "item", together, self._catalogue_ids)
        lengths = [graph.add("Shape", [one]) for one in lists]
        split = graph.add("Concat", lengths, axis=0)
        self._rows = dict(
            zip(lists, graph.add_many("Split", [rows, split], ["", "", ""], axis=0), strict=True)
        )

    def rows(self, ids: str) -> str:
        """Return the row of each raw id of an input; 0: unknown, -1: padding."""
        return self._rows[ids]

    def candidates(self) -> Candidates:
        """Return what is scored: `item_ids` without padding or, if that is nothing, all items."""
        graph = self._graph
        raw = self.rows("item_ids")
        real = graph.add("GreaterOrEqual", [raw, graph.constant(0)])
        given_rows = graph.add("Compress", [raw, real], axis=0)
        given_ids = graph.add("Compress", ["item_ids", real], axis=0)
        # Instead of a branch: the catalogue is appended cut to nothing or to all of it.
        n_given = graph.add("Shape", [given_rows])
        none_given = graph.add("Cast", [graph.add("Equal", [n_given, graph.constant([0])])], to=7)
        n_appended = graph.add("Mul", [none_given, graph.constant([len(self._items.ids)])])
        appended_ids = graph.add("Slice", [self._catalogue_ids, graph.constant([0]), n_appended])
        end = graph.add("Squeeze", [graph.add("Add", [n_appended, graph.constant([1])])])
        appended_rows = graph.add("Range", [graph.constant(1), end, graph.constant(1)])
        rows = graph.add("Concat", [given_rows, appended_rows], "candidate_rows", axis=0)
        ids = graph.add("Concat", [given_ids, appended_ids], "candidate_ids", axis=0)
        graph.add("Greater", [rows, graph.constant(0)], "known")
        return Candidates(rows, ids, graph.add("Shape", [rows]))

    def excluded(self, candidates: Candidates) -> str:
        """Return which candidates `exclude` names: bool [N], known and unknown ids alike."""
        graph = self._graph
        zero = graph.constant([0])
        raw = self.rows("exclude")
        clipped = graph.add("Concat", [graph.add("Max", [raw, graph.constant(0)]), zero], axis=0)
        known = self.among(candidates, clipped)
        # Unknown ids all have row 0, so they are compared as ids: `Unique` numbers them, which
        # works for strings too, where opset 17 has no Equal.
        is_unknown = graph.add("Not", ["known"])
        position = graph.add("Squeeze", [graph.add("NonZero", [is_unknown]), zero])
        theirs = graph.add("Gather", [candidates.ids, position])
        unknown_row = graph.add("Equal", [raw, graph.constant(0)])
        ours = graph.add("Compress", ["exclude", unknown_row], axis=0)
        sentinel = graph.table("padding_id", _padding_table(self._items.id_type))
        together = graph.add("Concat", [ours, sentinel, theirs], axis=0)
        number = graph.add_many("Unique", [together], ["", "", ""], sorted=1)[2]
        n_ours = graph.add("Shape", [ours])
        n_all = graph.add("Shape", [together])
        our_numbers = graph.add("Slice", [number, zero, n_ours])
        their_numbers = graph.add(
            "Slice", [number, graph.add("Add", [n_ours, graph.constant([1])]), n_all]
        )
        match = graph.add("Gather", [_scatter_ones(graph, n_all, our_numbers), their_numbers])
        unknown = _scatter(graph, candidates.count, position, match)
        return graph.add("Or", [known, unknown], "excluded")

    def among(self, candidates: Candidates, rows: str) -> str:
        """Return which candidates stand in these item rows: bool [N]; row 0 is none of them."""
        graph = self._graph
        marked = _scatter_ones(graph, graph.constant([len(self._items.ids) + 1]), rows)
        return graph.add("And", [graph.add("Gather", [marked, candidates.rows]), "known"])

    def top(self, candidates: Candidates, excluded: str) -> None:
        """Add `top_positions`, `top_ids` and `top_scores`: the best k that are not excluded."""
        graph = self._graph
        excluded_number = graph.add("Cast", [excluded], to=7)
        n_excluded = graph.add("ReduceSum", [excluded_number, graph.constant([0])], keepdims=1)
        n_allowed = graph.add("Sub", [candidates.count, n_excluded])
        wanted = graph.add(
            "Where",
            [
                graph.add("Greater", ["k", graph.constant([0])]),
                graph.add("Min", ["k", n_allowed]),
                n_allowed,
            ],
        )
        # Scores are probabilities, so -1 stands behind all of them.
        ranked = graph.add("Where", [excluded, graph.number(-1.0), "scores"])
        graph.add_many(
            "TopK", [ranked, wanted], ["top_scores", "top_positions"], axis=0, largest=1, sorted=1
        )
        graph.add("Gather", [candidates.ids, "top_positions"], "top_ids")


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


def user_row(graph: GraphBuilder, users: IdMap) -> str:
    """Return the user's row [1]; 0: unknown."""
    if users.kind == "none":
        # An input that nothing reads is still an input: every file is asked alike.
        return graph.constant([0])
    row = users.add(graph, "user", "user_id")
    return graph.add("Max", [row, graph.constant(0)], "user_row")


def _padding_table(id_type: IdType) -> NDArray[Any]:
    return np.array([padding_id(id_type)], np.int64 if id_type == "int64" else object)


def _scatter(graph: GraphBuilder, shape: str, positions: str, values: str) -> str:
    base = graph.add("Expand", [graph.constant([False], np.bool_), shape])
    return graph.add("ScatterElements", [base, positions, values], axis=0)


def _scatter_ones(graph: GraphBuilder, shape: str, positions: str) -> str:
    count = graph.add("Shape", [positions])
    ones = graph.add("Expand", [graph.constant([True], np.bool_), count])
    return _scatter(graph, shape, positions, ones)
