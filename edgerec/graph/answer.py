"""From scores to what the graph answers.

Most requests name their candidates, exclude nothing and want the best of them: that is a TopK. All
else (exclusions, the best of a catalogue, similar items) stands in the other half of one branch,
which such requests never take: it would cost each of them some fifty nodes.
"""

from typing import Final

from edgerec.features.vector import FeatureTables
from edgerec.graph.exclusion import excluded_candidates
from edgerec.graph.lookup import Candidates, Lookup
from edgerec.graph.nodes import GraphBuilder
from edgerec.graph.similar import similar_items
from edgerec.schema import output_specifications

_INT64: Final = 7


def add_answer(
    graph: GraphBuilder, lookup: Lookup, candidates: Candidates, tables: FeatureTables
) -> None:
    """Add the outputs of the graph."""
    specifications = output_specifications(lookup.items.id_type)
    zero, one = graph.constant([0]), graph.constant([1])

    def top(scores: str, n_allowed: str) -> tuple[str, str, str]:
        """Return positions, ids and scores of the best k."""
        is_some = graph.add("Greater", ["k", zero])
        fewer = graph.add("Min", ["k", n_allowed])
        wanted = graph.add("Where", [is_some, fewer, n_allowed])
        best, place = graph.add_many(
            "TopK", [scores, wanted], ["", ""], axis=0, largest=1, sorted=1
        )
        return place, graph.add("Gather", [candidates.ids, place]), best

    def usual() -> list[str]:
        best = top(candidates.scores, candidates.count)
        given = dict(
            zip(
                ("scores", "known", "top_positions", "top_ids", "top_scores"),
                (candidates.scores, candidates.known, *best),
                strict=True,
            )
        )
        for similar, like in (
            ("similar_positions", "top_positions"),
            ("similar_ids", "top_ids"),
            ("similarities", "top_scores"),
        ):
            given[similar] = graph.add("Slice", [given[like], zero, zero])
        return [given[specification.name] for specification in specifications]

    def whatever_is_asked() -> list[str]:
        excluded = excluded_candidates(graph, lookup, candidates)
        number = graph.add("Cast", [excluded], to=_INT64)
        n_excluded = graph.add("ReduceSum", [number, zero], keepdims=1)
        # Scores are probabilities, so -1 stands behind all of them.
        ranked = graph.add("Where", [excluded, graph.number(-1.0), candidates.scores])
        place, ids, best = top(ranked, graph.add("Sub", [candidates.count, n_excluded]))
        n_told, position = candidates.count, place
        if candidates.listed is not None:
            # Scores of a shortlist would follow a list that nobody sees, and positions are the
            # catalogue's.
            told = graph.add("Sub", [one, candidates.listed])
            n_told = graph.add("Mul", [candidates.count, told])
            of_catalogue = graph.add("Gather", [candidates.rows, place])
            of_catalogue = graph.add("Sub", [of_catalogue, graph.constant(1)])
            is_listed = graph.add("Greater", [candidates.listed, zero])
            position = graph.add("Where", [is_listed, of_catalogue, place])
        similar, similarities = similar_items(graph, lookup, candidates, excluded, tables)
        given = {
            "scores": graph.add("Slice", [candidates.scores, zero, n_told]),
            "known": graph.add("Slice", [candidates.known, zero, n_told]),
            "top_positions": position,
            "top_ids": ids,
            "top_scores": best,
            "similar_positions": similar,
            "similar_ids": graph.add("Gather", [candidates.ids, similar]),
            "similarities": similarities,
        }
        return [given[specification.name] for specification in specifications]

    # Padding is -1, so anything else that is excluded adds to the sum.
    rows = graph.add("Add", [lookup.rows("exclude"), one])
    unusual = graph.add("ReduceSum", [rows, zero], keepdims=1)
    if candidates.listed is not None:
        unusual = graph.add("Add", [unusual, candidates.listed])
    is_unusual = graph.add("Greater", [unusual, zero])
    asks_for_similar = graph.add("Less", ["k", zero])
    branch = graph.add("Or", [is_unusual, asks_for_similar])
    graph.branch(branch, whatever_is_asked, usual, specifications)
