import numpy as np
from scipy.sparse import csr_matrix

from edgerec.samples.pool import CandidatePool

POPULARITY = np.float32([0, 5, 4, 3, 2, 1])


def pool(n_candidates):
    # Item 5 is a neighbour of item 1, and item 4, less, of item 2.
    table = csr_matrix(([1.0, 0.5], ([1, 2], [5, 4])), shape=(6, 6))
    return CandidatePool([table], POPULARITY, n_candidates)


def test_every_list_gives_its_best():
    assert pool(2).best(np.array([1]), np.array([1])).tolist() == [2, 5]


def test_the_newest_count_more_in_every_second_list():
    table = csr_matrix(([1.0, 1.1], ([1, 2], [5, 4])), shape=(6, 6))
    found = CandidatePool([table], POPULARITY, 3)
    # Popular, first by an even sum, first by recency.
    assert found.best(np.array([1, 2]), np.array([1, 2])).tolist() == [3, 4, 5]


def test_what_he_had_and_the_unknown_item_are_left_out():
    assert pool(9).best(np.array([1]), np.array([1, 3])).tolist() == [2, 4, 5]


def test_an_empty_history_gives_what_is_popular():
    nothing = np.zeros(0, np.int64)
    assert pool(3).best(nothing, nothing).tolist() == [1, 2, 3]
