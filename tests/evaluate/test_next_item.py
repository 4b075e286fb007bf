from dataclasses import dataclass, field

import numpy as np
import pytest

from edgerec.evaluate.next_item import NEIGHBOURS, POPULARITY, NextItems, next_items
from edgerec.evaluate.prequential import Row
from edgerec.export.probe import Seen
from edgerec.recsys import Id
from edgerec.report.nearness import next_items_section
from edgerec.schema import Request

# Items 10, 20, 30 point one way and 40, 50 another; 60 was never trained.
VECTORS = np.float32([[0, 0], [1, 0], [0.8, 0.6], [0.96, 0.28], [0, 1], [0.28, 0.96], [0, 0]])
LOG_COUNTS = np.log1p(np.float32([7, 6, 5, 9, 8, 0]))


@dataclass
class Probe:
    """Knows what two users had; stands in for the exported graph."""

    known: dict[Id, list[Id]]
    names: tuple[str, ...] = ("item_log_count",)
    catalogue: list[Id] = field(default_factory=lambda: [10, 20, 30, 40, 50, 60])

    def see(self, request: Request) -> Seen:
        history = [*self.known.get(request.user_id, []), *request.history]
        return Seen(np.zeros((1, 1), np.float32), history, np.ones(len(history), np.float32))

    def catalogue_column(self, name: str) -> np.ndarray:
        return LOG_COUNTS


class Scorer:
    n_history = 10
    user_id_type = item_id_type = "int64"

    def catalogue(self) -> list[Id]:
        return [10, 20, 30, 40, 50, 60]


def found_of(rows: list[Row], known: dict[Id, list[Id]], history: list[Row] | None = None):
    return next_items(Scorer(), Probe(known), VECTORS, rows, history or ())  # type: ignore[arg-type]


def test_the_place_of_what_was_taken_next() -> None:
    # Of what is left, 30 is nearest to 10 and 20 comes next; by counts they are third and last.
    found = found_of([Row(1, 20, 4.0, 5), Row(2, 30, 4.0, 5)], {1: [10], 2: [10]})
    assert found is not None
    assert found.reciprocal_ranks[NEIGHBOURS].tolist() == [1 / 2, 1]
    assert found.reciprocal_ranks[POPULARITY].tolist() == [1 / 3, 1 / 4]
    assert found.n_users == 2
    assert found.interval(NEIGHBOURS).mean == 0.75
    assert found.difference().mean == pytest.approx(0.75 - 7 / 24)


def test_a_user_counts_once_and_items_of_one_second_together() -> None:
    found = found_of([Row(1, 20, 4.0, 5), Row(1, 30, 4.0, 5), Row(1, 50, 4.0, 6)], {1: [10]})
    assert found is not None
    assert found.reciprocal_ranks[NEIGHBOURS].tolist() == [3 / 4]


def test_only_the_last_five_say_what_is_near() -> None:
    vectors = np.float32([[0, 0], *[[1, 0]] * 8, [0, 1], [0, 1]])
    probe = Probe({1: [9, 1, 2, 3, 4, 5]}, catalogue=list(range(1, 11)))
    probe.catalogue_column = lambda name: np.full(10, 2, np.float32)  # type: ignore[method-assign]
    rows = [Row(1, 10, 4.0, 5)]
    found = next_items(Scorer(), probe, vectors, rows)  # type: ignore[arg-type]
    assert found is not None
    # 6, 7 and 8 stand before it: item 9, which is like it, is the sixth to last.
    assert found.reciprocal_ranks[NEIGHBOURS].tolist() == [1 / 4]


def test_the_history_table_counts_and_what_comes_later_does_not() -> None:
    history = [Row(1, 10, 4.0, 4), Row(1, 40, 4.0, 5)]
    found = found_of([Row(1, 30, 4.0, 5)], {}, history)
    assert found is not None
    assert found.reciprocal_ranks[NEIGHBOURS].tolist() == [1]


def test_what_does_not_count_is_counted() -> None:
    rows = [
        Row(1, 10, 4.0, 5),  # he had it
        Row(2, 20, 4.0, 5),  # nothing is known of him
        Row(3, 60, 4.0, 5),  # training never met it
        Row(4, 70, 4.0, 5),  # nor knows it
        Row(5, 30, 4.0, 5),
    ]
    found = found_of(rows, {1: [10], 3: [10], 4: [10], 5: [10]})
    assert found is not None
    assert (found.n_seen, found.n_without_history, found.n_cold) == (1, 1, 2)
    assert found.reciprocal_ranks[NEIGHBOURS].tolist() == [0, 0, 1]


def test_equal_items_share_their_places() -> None:
    found = NextItems({NEIGHBOURS: np.ones(1), POPULARITY: np.ones(1)}, 0, 0, 0)
    assert found.difference().mean == 0
    probe = Probe({1: [10]})
    probe.catalogue_column = lambda name: np.full(6, 2, np.float32)  # type: ignore[method-assign]
    equal = next_items(Scorer(), probe, VECTORS, [Row(1, 20, 4.0, 5)])  # type: ignore[arg-type]
    assert equal is not None
    assert equal.reciprocal_ranks[POPULARITY].tolist() == [1 / 3]


def test_rare_items_are_no_neighbours_and_popular_ones_stand_first() -> None:
    probe = Probe({1: [10]})
    counts = np.log1p(np.float32([7, 6, 4, 9, 8, 0]))
    probe.catalogue_column = lambda name: counts  # type: ignore[method-assign]
    rows = [Row(1, 20, 4.0, 5), Row(2, 30, 4.0, 5)]
    probe.known[2] = [10]
    found = next_items(Scorer(), probe, VECTORS, rows)  # type: ignore[arg-type]
    assert found is not None
    assert found.reciprocal_ranks[NEIGHBOURS].tolist() == [1, 0]
    assert found.reciprocal_ranks[POPULARITY].tolist() == [1 / 3, 1 / 4]


def test_without_vectors_or_users_there_is_no_figure() -> None:
    rows = [Row(1, 20, 4.0, 5)]
    nothing = np.zeros_like(VECTORS)
    assert next_items(Scorer(), Probe({1: [10]}), nothing, rows) is None  # type: ignore[arg-type]
    assert found_of(rows, {}) is None
    unnamed = Probe({1: [10]}, names=())
    assert next_items(Scorer(), unnamed, VECTORS, rows) is None  # type: ignore[arg-type]


def test_the_section_says_who_did_not_count() -> None:
    ranks = {NEIGHBOURS: np.array([0.5, 0.25]), POPULARITY: np.array([0.1, 0.2])}
    section = next_items_section(NextItems(ranks, 3, 0, 1))
    (table,) = section.blocks
    assert [row[0].text for row in table.rows] == [NEIGHBOURS, POPULARITY]  # type: ignore[union-attr]
    assert table.rows[0][1].text == "0.375"  # type: ignore[union-attr]
    assert "Not counted: 3 users of whom nothing was known before." in table.note  # type: ignore[union-attr]
    assert "1 next items were not in training, and in no list." in table.note  # type: ignore[union-attr]
