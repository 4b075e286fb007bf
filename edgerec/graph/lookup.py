"""From raw ids to rows, and which items are candidates."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edgerec.graph.idmaps import IdMap
from edgerec.graph.nodes import GraphBuilder
from edgerec.schema import TensorSpecification

CANDIDATE_ROWS: Final = "candidate_rows"
SCORES_OF_CANDIDATES: Final = "scores_of_candidates"
_INT64: Final = 7


@dataclass(frozen=True)
class Candidates:
    """Names of tensors over the N candidates that are scored."""

    rows: str
    ids: str
    listed: str | None = None
    """int64 [1]: 1 where they are a shortlist's items, else 0; None: there is no shortlist"""
    count: str = "n_candidates"
    """int64 [1]"""
    known: str = "known_candidates"
    """bool [N]"""
    scores: str = SCORES_OF_CANDIDATES
    """float32 [N]; the network adds it"""


@dataclass(frozen=True)
class Shortlisted:
    """Which items of a catalogue are ranked where the best few are asked for."""

    largest_k: int
    rows: Callable[[str], str]
    """takes the name of an int64 [1], 1 where the list is wanted, else 0; adds the item rows,
    ascending, and none where it is not wanted"""


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

    @property
    def items(self) -> IdMap:
        """How items are found."""
        return self._items

    def rows(self, ids: str) -> str:
        """Return the row of each raw id of an input; 0: unknown, -1: padding."""
        return self._rows[ids]

    def candidates(self, listed: Shortlisted | None = None) -> Candidates:
        """Return what is scored: `item_ids` without padding or, if that is nothing, all items.

        With a shortlist these are its rows where the best few are asked for. Most requests name
        their candidates, so all of a catalogue stands in a branch.
        """
        graph = self._graph
        is_shortlist = None if listed is None else "is_shortlist"
        found = Candidates(CANDIDATE_ROWS, "candidate_ids", is_shortlist)

        def of_catalogue() -> tuple[str, ...]:
            # 1, but not a constant: ONNX Runtime would keep a list of all that is made of those.
            one = graph.add("Cast", [self._none_given], to=_INT64)
            n_items = graph.add("Mul", [one, graph.constant([len(self._items.ids)])])
            if listed is None:
                return self._catalogue(n_items), self._catalogue_ids
            asked = self._top_alone(listed.largest_k)
            whole = graph.add("Mul", [n_items, graph.add("Sub", [one, asked])])
            rows = graph.add("Concat", [self._catalogue(whole), listed.rows(asked)], axis=0)
            places = graph.add("Sub", [rows, graph.constant(1)])
            return rows, graph.add("Gather", [self._catalogue_ids, places]), asked

        def given() -> tuple[str, ...]:
            one = graph.constant([1])
            nothing = () if listed is None else (graph.add("Sub", [one, one]),)
            return self._given_rows, self._given_ids, *nothing

        specifications = [
            TensorSpecification(found.rows, "int64", ("N",)),
            TensorSpecification(found.ids, self._items.id_type, ("N",)),
        ]
        if found.listed:
            specifications.append(TensorSpecification(found.listed, "int64", (1,)))
        graph.branch(self._none_given, of_catalogue, given, specifications)
        graph.add("Greater", [found.rows, graph.constant(0)], found.known)
        graph.add("Shape", [found.rows], found.count)
        return found

    def _catalogue(self, n_items: str) -> str:
        """Return the rows of the first `n_items`, int64 [1]."""
        graph = self._graph
        end = graph.add("Squeeze", [graph.add("Add", [n_items, graph.constant([1])])])
        return graph.add("Range", [graph.constant(1), end, graph.constant(1)])

    def _top_alone(self, largest_k: int) -> str:
        """Return 1 where the best few are asked for, else 0: int64 [1]."""
        graph = self._graph
        at_most = graph.add("Less", ["k", graph.constant([largest_k + 1])])
        some = graph.add("And", [graph.add("Greater", ["k", graph.constant([0])]), at_most])
        return graph.add("Cast", [some], to=_INT64)


def user_row(graph: GraphBuilder, users: IdMap) -> str:
    """Return the user's row [1]; 0: unknown."""
    if users.kind == "none":
        # An input that nothing reads is still an input: every file is asked alike.
        return graph.constant([0])
    row = users.add(graph, "user", "user_id")
    return graph.add("Max", [row, graph.constant(0)], "user_row")
