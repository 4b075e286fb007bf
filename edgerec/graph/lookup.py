"""From raw ids to rows: candidates and exclusions; and back to ranked ids."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgerec.graph.idmaps import IdMap
from edgerec.graph.nodes import GraphBuilder
from edgerec.ids import IdType, padding_id

CANDIDATE_ROWS: Final = "candidate_rows"
SCORES_OF_CANDIDATES: Final = "scores_of_candidates"
"""where a graph has a shortlist; elsewhere they are the output `scores`"""
_INT64: Final = 7


@dataclass(frozen=True)
class Candidates:
    """Names of tensors over the N candidates that are scored."""

    rows: str
    ids: str
    count: str
    """[1]"""
    known: str
    """bool [N]"""
    scores: str
    """float32 [N]; the network adds it"""


@dataclass(frozen=True)
class ShortlistTensors:
    """Names of tensors of the items that a shortlist holds."""

    asked: str
    """int64 [1]: 1 where it is wanted, else 0"""
    rows: str
    """int64 [n]: item rows, ascending; none where it is not wanted"""


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
        raw = self.rows("item_ids")
        real = graph.add("GreaterOrEqual", [raw, graph.constant(0)])
        self._given_rows = graph.add("Compress", [raw, real], axis=0)
        self._given_ids = graph.add("Compress", ["item_ids", real], axis=0)
        n_given = graph.add("Shape", [self._given_rows])
        self._none_given = graph.add("Equal", [n_given, graph.constant([0])])

    def rows(self, ids: str) -> str:
        """Return the row of each raw id of an input; 0: unknown, -1: padding."""
        return self._rows[ids]

    def top_alone(self, largest_k: int) -> str:
        """Return 1 where the best few of the catalogue are asked for, else 0: int64 [1]."""
        graph = self._graph
        at_most = graph.add("Less", ["k", graph.constant([largest_k + 1])])
        some = graph.add("And", [graph.add("Greater", ["k", graph.constant([0])]), at_most])
        return graph.add("Cast", [graph.add("And", [some, self._none_given])], to=_INT64)

    def candidates(self, shortlist: ShortlistTensors | None = None) -> Candidates:
        """Return what is scored: `item_ids` without padding or, if that is nothing, all items.

        With a shortlist these are its rows where the best few are asked for.
        """
        graph = self._graph
        # Instead of a branch: what is not asked for is cut to nothing.
        n_appended = graph.add("Cast", [self._none_given], to=_INT64)
        if shortlist is not None:
            n_appended = graph.add("Sub", [n_appended, shortlist.asked])
        n_appended = graph.add("Mul", [n_appended, graph.constant([len(self._items.ids)])])
        end = graph.add("Squeeze", [graph.add("Add", [n_appended, graph.constant([1])])])
        of_catalogue = graph.add("Range", [graph.constant(1), end, graph.constant(1)])
        if shortlist is None:
            ids = graph.add("Slice", [self._catalogue_ids, graph.constant([0]), n_appended])
            rows = graph.add("Concat", [self._given_rows, of_catalogue], CANDIDATE_ROWS, axis=0)
            ids = graph.add("Concat", [self._given_ids, ids], "candidate_ids", axis=0)
            graph.add("Greater", [rows, graph.constant(0)], "known")
            return Candidates(rows, ids, graph.add("Shape", [rows]), "known", "scores")
        of_catalogue = graph.add("Concat", [of_catalogue, shortlist.rows], axis=0)
        places = graph.add("Sub", [of_catalogue, graph.constant(1)])
        ids = graph.add("Gather", [self._catalogue_ids, places])
        rows = graph.add("Concat", [self._given_rows, of_catalogue], CANDIDATE_ROWS, axis=0)
        ids = graph.add("Concat", [self._given_ids, ids], "candidate_ids", axis=0)
        known = graph.add("Greater", [rows, graph.constant(0)])
        count = graph.add("Shape", [rows])
        return Candidates(rows, ids, count, known, SCORES_OF_CANDIDATES)

    def excluded(self, candidates: Candidates) -> str:
        """Return which candidates `exclude` names: bool [N], known and unknown ids alike."""
        graph = self._graph
        zero = graph.constant([0])
        raw = self.rows("exclude")
        clipped = graph.add("Concat", [graph.add("Max", [raw, graph.constant(0)]), zero], axis=0)
        known = self.among(candidates, clipped)
        # Unknown ids all have row 0, so they are compared as ids: `Unique` numbers them, which
        # works for strings too, where opset 17 has no Equal.
        is_unknown = graph.add("Not", [candidates.known])
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
        return graph.add("And", [graph.add("Gather", [marked, candidates.rows]), candidates.known])

    def top(
        self, candidates: Candidates, excluded: str, shortlist: ShortlistTensors | None = None
    ) -> None:
        """Add `top_positions`, `top_ids` and `top_scores`: the best k that are not excluded.

        With a shortlist `scores` and `known` too, which have no entries where it is asked for, and
        whose positions are then the catalogue's.
        """
        graph = self._graph
        excluded_number = graph.add("Cast", [excluded], to=_INT64)
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
        ranked = graph.add("Where", [excluded, graph.number(-1.0), candidates.scores])
        place = "top_positions" if shortlist is None else ""
        place = graph.add_many(
            "TopK", [ranked, wanted], ["top_scores", place], axis=0, largest=1, sorted=1
        )[1]
        graph.add("Gather", [candidates.ids, place], "top_ids")
        if shortlist is None:
            return
        told = graph.add("Sub", [graph.constant([1]), shortlist.asked])
        n_told = graph.add("Mul", [candidates.count, told])
        graph.add("Slice", [candidates.scores, graph.constant([0]), n_told], "scores")
        graph.add("Slice", [candidates.known, graph.constant([0]), n_told], "known")
        of_catalogue = graph.add("Gather", [candidates.rows, place])
        of_catalogue = graph.add("Sub", [of_catalogue, graph.constant(1)])
        listed = graph.add("Greater", [shortlist.asked, graph.constant([0])])
        graph.add("Where", [listed, of_catalogue, place], "top_positions")


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
