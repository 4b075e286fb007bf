import numpy as np
import pytest

from edgerec.evaluate.baselines import ItemMean, ItemNeighbours, Popularity, standard_baselines
from edgerec.evaluate.owned import owned_items
from edgerec.source import InteractionChunk

ROWS = [
    # user, item, value, time
    (1, 10, 1.0, 1),
    (1, 11, 2.0, 2),
    (1, 11, 3.0, 2),
    (1, 99, 1.0, 3),
    (2, 10, 1.0, 5),
    (2, 12, np.nan, 8),
    (3, 11, 1.0, 9),
    (3, 12, 1.0, 9),
]


def owned(rows=ROWS, chunk=3):
    chunks = []
    for start in range(0, len(rows), chunk):
        users, items, values, times = zip(*rows[start : start + chunk], strict=True)
        chunks.append(
            InteractionChunk(
                np.array(users), np.array(items), np.array(values, float), np.array(times)
            )
        )
    return owned_items(chunks, [10, 11, 12, 13])


def test_owned_items_are_by_user_and_strictly_before():
    found = owned()
    assert found.of(1).tolist() == [0, 1, 1]
    assert found.of(1, before=2).tolist() == [0]
    assert found.of(7).tolist() == []
    assert found.matrix().toarray().tolist() == [[1, 1, 0, 0], [1, 0, 1, 0], [0, 1, 1, 0]]


def test_a_history_holds_the_newest_distinct_items_with_their_last_values():
    found = owned()
    assert [(one.item_id, one.value) for one in found.history(1, 3, 9)] == [(10, 1.0), (11, 3.0)]
    assert [one.item_id for one in found.history(1, 3, 1)] == [11]
    # A value that is not stated says that the item was taken.
    assert [one.value for one in found.history(2, 9, 9)] == [1.0, 1.0]


def test_popularity_counts_users_and_recent_popularity_the_newest_rows():
    assert Popularity(owned()).scores(np.zeros(0, np.int32)).tolist() == [2, 2, 2, 0]
    assert Popularity(owned(), 0.3).scores(np.zeros(0, np.int32)).tolist() == [0, 1, 2, 0]


@pytest.mark.parametrize("weighting", ["cosine", "bm25"])
def test_neighbours_are_a_dense_product(weighting):
    random = np.random.default_rng(0)
    rows = sorted(
        (int(user), int(item), 1.0, 1)
        for user, item in {(random.integers(0, 20), random.integers(10, 14)) for _ in range(60)}
    )
    found = owned(rows)
    taken = found.matrix().toarray()
    if weighting == "cosine":
        unit = taken / np.linalg.norm(taken, axis=0)
        weights = unit.T @ unit
    else:
        n_of_item = taken.sum(axis=0)
        length = 0.25 + 0.75 * n_of_item / n_of_item.mean()
        rarity = np.log(4) - np.log1p(taken.sum(axis=1))
        weighted = taken * 2.2 / (1.2 * length + 1) * rarity[:, None]
        weights = weighted.T @ taken
    np.fill_diagonal(weights, 0)
    weights = np.maximum(weights, 0)
    history = np.array([0, 2, 2], np.int32)
    np.testing.assert_allclose(
        ItemNeighbours(found, weighting).scores(history), weights[[0, 2]].sum(axis=0), atol=1e-12
    )


def test_only_the_nearest_neighbours_count():
    random = np.random.default_rng(0)
    rows = sorted(
        (int(user), int(item), 1.0, 1)
        for user, item in {(random.integers(0, 20), random.integers(10, 14)) for _ in range(60)}
    )
    scores = ItemNeighbours(owned(rows), "cosine", n_neighbours=1).scores(np.array([0], np.int32))
    assert np.count_nonzero(scores) == 1


def test_neighbours_answer_who_has_nothing_with_popularity():
    neighbours = ItemNeighbours(owned(), "cosine")
    assert neighbours.scores(np.zeros(0, np.int32)).tolist() == [2, 2, 2, 0]


def test_the_item_mean_is_shrunk_towards_that_of_all():
    prior = (1 + 2 + 3 + 1 + 1 + 1) / 6
    expected = [(2 + 5 * prior) / 7, (6 + 5 * prior) / 8, (1 + 5 * prior) / 6, prior]
    np.testing.assert_allclose(ItemMean(owned()).scores(np.zeros(0, np.int32)), expected)


def test_what_stands_in_every_table():
    names = ["popularity", "recent popularity", "item mean", "item-kNN, cosine", "item-kNN, bm25"]
    assert [one.name for one in standard_baselines(owned())] == names
    # Where no value differs from another, an item's mean would be a list at random.
    alike = owned([(1, 10, 1.0, 1), (2, 11, 1.0, 2)])
    assert [one.name for one in standard_baselines(alike)] == [*names[:2], *names[3:]]


def test_neighbours_in_parts_are_those_at_once(monkeypatch):
    random = np.random.default_rng(3)
    rows = sorted({(int(u), int(i), 1.0, 1) for u, i in random.integers((0, 10), (9, 14), (40, 2))})
    at_once = ItemNeighbours(owned(rows), "cosine").of(1)
    monkeypatch.setattr("edgerec.evaluate.baselines._CHUNK_PRODUCTS", 5)
    in_parts = ItemNeighbours(owned(rows), "cosine").of(1)
    np.testing.assert_array_equal(at_once[0], in_parts[0])
    np.testing.assert_allclose(at_once[1], in_parts[1])
