import numpy as np
import pytest
from numpy.typing import NDArray

from edgerec.config import EmbeddingSettings
from edgerec.features.embeddings import item2vec as item2vec_module
from edgerec.features.embeddings.item2vec import fit_item2vec
from edgerec.progress import Silent

SETTINGS = EmbeddingSettings(embedding_dim=4, window=5, epochs=5, sample=0.0)


def fit(sequences: list[list[int]], n_items: int, random_state: int = 0) -> NDArray[np.float32]:
    return fit_item2vec(sequences, n_items, SETTINGS, random_state, Silent())


def parity_sequences(n_users: int = 60, n_items: int = 10) -> list[list[int]]:
    """Even users touch even items, odd users odd ones."""
    random = np.random.default_rng(0)
    return [
        (1 + 2 * random.permutation(n_items // 2) + user % 2).tolist() for user in range(n_users)
    ]


def test_vectors_are_unit_rows_and_row_0_is_zero():
    vectors = fit(parity_sequences(), 10)
    assert vectors.shape == (11, 4)
    assert vectors.dtype == np.float32
    assert not vectors[0].any()
    np.testing.assert_allclose(np.linalg.norm(vectors[1:], axis=1), 1, rtol=1e-5)


def test_items_that_are_touched_together_are_alike():
    vectors = fit(parity_sequences(), 10)[1:]
    cosine = vectors @ vectors.T
    same = (np.arange(10)[:, None] + np.arange(10)) % 2 == 0
    assert cosine[same].min() > cosine[~same].max()


def test_an_item_in_no_sequence_has_no_vector_and_row_0_is_skipped():
    vectors = fit([[1, 0, 3], [3, 1]], 4)
    assert vectors.any(axis=1).tolist() == [False, True, False, True, False]
    with_0, without = fit([[1, 0, 3, 0, 2]], 3), fit([[1, 3, 2]], 3)
    np.testing.assert_array_equal(with_0, without)


@pytest.mark.parametrize("sequences", [[], [[]], [[0], [0, 0]]])
def test_without_any_item_all_vectors_are_zero(sequences: list[list[int]]) -> None:
    assert not fit(sequences, 3).any()


def test_a_single_item_is_enough():
    vectors = fit([[1], [1, 1]], 1)
    np.testing.assert_allclose(np.linalg.norm(vectors[1]), 1, rtol=1e-5)


def test_the_same_seed_gives_the_same_vectors():
    first, second, other = (fit(parity_sequences(), 10, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


def test_arrays_and_lists_are_the_same():
    arrays = [np.array(sequence, np.int64) for sequence in parity_sequences()]
    listed = fit(parity_sequences(), 10)
    np.testing.assert_array_equal(listed, fit_item2vec(arrays, 10, SETTINGS, 0, Silent()))


def test_no_word_of_a_long_sequence_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item2vec_module, "_LONGEST", 3)
    assert fit([[1, 2, 3, 4, 5, 6, 7]], 7)[1:].any(axis=1).all()
    lines = list(item2vec_module._lines([[1, 2, 0, 3, 4, 5, 6, 7], [8]]))
    assert lines == [[1, 2, 3], [4, 5, 6], [7], [8]]


def test_gensim_reads_a_line_as_long_as_ours_whole():
    n_items = item2vec_module._LONGEST + 5
    vectors = fit_item2vec(
        [range(1, n_items + 1)], n_items, EmbeddingSettings(1, 1, 1, 1), 0, Silent()
    )
    assert vectors[1:].any(axis=1).all()


def test_each_epoch_is_reported():
    heard: list[tuple[int, int | None]] = []

    class Listening(Silent):
        def advance(self, n_done: int, n_total: int | None, note: str = "") -> None:
            heard.append((n_done, n_total))

    fit_item2vec(parity_sequences(), 10, SETTINGS, 0, Listening())
    assert heard == [(epoch, 5) for epoch in range(1, 6)]
