"""The map keeps what is alike together, and is the same each time."""

import numpy as np

from edgerec.evaluate.item_map import item_map


def two_heaps(n_each=40):
    random = np.random.default_rng(2)
    centres = np.repeat(np.float32([[1, 0, 0, 0], [0, 1, 0, 0]]), n_each, axis=0)
    vectors = centres + random.normal(0, 0.1, (2 * n_each, 4)).astype(np.float32)
    return vectors.astype(np.float32), random.uniform(0, 5, 2 * n_each).astype(np.float32)


def test_neighbours_stay_neighbours():
    vectors, log_count = two_heaps()
    found = item_map(vectors, log_count)
    heap = found.positions < 40
    apart = ((found.places[:, None] - found.places[None]) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (heap[apart.argmin(axis=1)] == heap).mean() > 0.95
    assert found.places.min() == 0 and found.places.max() == 1
    assert (np.diff(log_count[found.positions]) <= 0).all()
    again = item_map(vectors, log_count)
    np.testing.assert_array_equal(found.places, again.places)


def test_few_items_items_without_vectors_and_the_most_popular():
    vectors, log_count = two_heaps(5)
    vectors[3] = 0
    found = item_map(vectors, log_count)
    assert sorted(found.positions.tolist()) == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert item_map(vectors, log_count, most=4).positions.tolist() == found.positions[:4].tolist()
    assert item_map(vectors[:2], log_count[:2]) is None
    assert item_map(np.zeros((9, 4), np.float32), log_count[:9]) is None
