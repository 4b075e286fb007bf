"""Cosines with sums of items, by hand."""

import numpy as np

from edgerec.features.similar import (
    KINDS_LENGTH,
    TEXTS_LENGTH,
    direction_of,
    joined_vectors,
    most_similar,
)

VECTORS = np.float32([[0, 0], [1, 0], [0.8, 0.6], [0, 1], [-1, 0], [0, 0], [0.8, 0.6]])
EVERY = np.ones(len(VECTORS), bool)


def test_the_nearest_come_first_and_ties_by_position():
    direction = direction_of(VECTORS[[1]], np.float32([1]))
    found, cosines = most_similar(VECTORS, direction, EVERY, 10)
    assert found.tolist() == [1, 2, 6, 3, 4]
    np.testing.assert_allclose(cosines, [1, 0.8, 0.8, 0, -1], atol=1e-7)
    assert most_similar(VECTORS, direction, EVERY & (np.arange(7) != 1), 2)[0].tolist() == [2, 6]


def test_what_cancels_out_is_similar_to_nothing():
    direction = direction_of(VECTORS[[1, 2, 1, 2]], np.float32([1, 1, -1, -1]))
    assert direction is None
    assert len(most_similar(VECTORS, direction, EVERY, 5)[0]) == 0
    assert direction_of(VECTORS[[0]], np.float32([1])) is None


def test_an_item_of_which_only_its_kinds_are_known_has_a_vector():
    nothing = np.zeros((3, 2), np.float32)
    joined = joined_vectors(nothing, nothing, np.float32([[0, 0], [3, 4], [0, 0]]))
    np.testing.assert_allclose(joined[1], [0, 0, 0, 0, 0.48, 0.64], atol=1e-7)
    assert not joined[[0, 2]].any()


def test_of_items_that_only_texts_are_known_of_the_nearest_are_those_of_like_texts():
    nothing = np.zeros((4, 2), np.float32)
    texts = np.float32([[0, 0], [0.5, 0], [0.4, 0.3], [0, 0.5]])
    joined = joined_vectors(nothing, nothing, nothing[:, :1], texts)
    np.testing.assert_allclose(np.linalg.norm(joined, axis=1), [0, *[TEXTS_LENGTH] * 3], rtol=1e-6)
    direction = direction_of(joined[[1]], np.float32([1]))
    found, cosines = most_similar(joined, direction, np.ones(4, bool), 9)
    assert found.tolist() == [1, 2, 3]
    np.testing.assert_allclose(cosines, [1, 0.8, 0], atol=1e-6)


def test_an_item_of_like_text_and_kind_lies_between_those_of_one_alone():
    nothing = np.zeros((4, 2), np.float32)
    kinds, texts = np.float32([[1], [1], [1], [0]]), np.float32([[1, 0], [1, 0], [0, 1], [1, 0]])
    joined = joined_vectors(nothing, nothing, kinds, texts)
    cosine = joined @ joined[0] / np.linalg.norm(joined, axis=1) / np.linalg.norm(joined[0])
    squares = KINDS_LENGTH**2, TEXTS_LENGTH**2
    np.testing.assert_allclose(cosine[:3], [1, 1, squares[0] / sum(squares)], rtol=1e-6)
    np.testing.assert_allclose(cosine[3], np.sqrt(squares[1] / sum(squares)), rtol=1e-6)
