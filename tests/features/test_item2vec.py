import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgerec.config import EmbeddingSettings
from edgerec.features.embeddings.corpus import LONGEST, Corpus, CorpusWriter
from edgerec.features.embeddings.item2vec import fit_item2vec, train_item2vec
from edgerec.features.embeddings.word_vectors import (
    WordVectors,
    new_word_vectors,
    word_vectors_from,
)
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


def test_gensim_reads_a_line_as_long_as_ours_whole():
    n_items = LONGEST + 5
    vectors = fit_item2vec(
        [range(1, n_items + 1)], n_items, EmbeddingSettings(1, 1, 1, 1), 0, Silent()
    )
    assert vectors[1:].any(axis=1).all()


def test_the_words_that_were_gone_through_are_reported_and_how_many_a_second():
    heard: list[tuple[int, int | None, str]] = []

    class Listening(Silent):
        def advance(self, n_done: int, n_total: int | None, note: str = "") -> None:
            heard.append((n_done, n_total, note))

    fit_item2vec(parity_sequences(), 10, SETTINGS, 0, Listening())
    assert [one[:2] for one in heard] == [(300 * epoch, 1500) for epoch in range(1, 6)]
    assert re.fullmatch(r"words, [\d,]+ a second", heard[-1][2])


def corpus_of(sequences: list[list[int]], n_items: int, folder: Path, part_words: int) -> Corpus:
    with CorpusWriter(folder, n_items, part_words) as writer:
        writer.add_sequences(sequences)
        return writer.finish()


KINDS = [
    SETTINGS,
    replace(SETTINGS, sg=0),
    replace(SETTINGS, hs=1, negative=0),
    replace(SETTINGS, sg=0, hs=1, negative=2),
]


@pytest.mark.parametrize("settings", KINDS)
def test_every_kind_of_training_finds_what_goes_together(settings: EmbeddingSettings) -> None:
    settings = replace(settings, epochs=20)
    vectors = fit_item2vec(parity_sequences(), 10, settings, 0, Silent())[1:]
    cosine = vectors @ vectors.T
    same = (np.arange(10)[:, None] + np.arange(10)) % 2 == 0
    assert cosine[same].mean() > cosine[~same].mean() + 0.3


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("settings", KINDS)
@pytest.mark.parametrize("n_steps", [1, 7])
def test_what_was_interrupted_ends_as_if_it_was_not(
    settings: EmbeddingSettings, n_steps: int, tmp_path: Path
) -> None:
    corpus = corpus_of(parity_sequences(), 10, tmp_path, part_words=100)
    assert len(corpus.parts) == 3
    whole = train_item2vec(corpus, settings, 0, Silent())
    kept: list[dict[str, NDArray[Any]]] = []

    def keep(state: WordVectors) -> None:
        kept.append({name: array.copy() for name, array in state.arrays().items()})
        if len(kept) == n_steps:
            raise Interrupted

    with pytest.raises(Interrupted):
        train_item2vec(corpus, settings, 0, Silent(), keep=keep)
    resumed = train_item2vec(corpus, settings, 0, Silent(), start=word_vectors_from(kept[-1]))
    assert resumed.finished
    for name, array in whole.arrays().items():
        np.testing.assert_array_equal(resumed.arrays()[name], array, err_msg=name)


@pytest.mark.parametrize("settings", KINDS)
def test_training_goes_on_with_new_items(settings: EmbeddingSettings, tmp_path: Path) -> None:
    settings = replace(settings, epochs=20)
    before = train_item2vec(
        corpus_of(parity_sequences(), 10, tmp_path / "a", 1000), settings, 0, Silent()
    )
    # Items 11 and 12 come in, and items 9 and 10 are not met again.
    later = [[11, 2, 4, 11, 6, 8] if user % 2 else [12, 1, 3, 12, 5, 7] for user in range(60)]
    moved = before.moved(np.arange(11), 12)
    after = train_item2vec(
        corpus_of(later, 12, tmp_path / "b", 1000),
        replace(settings, epochs=5),
        0,
        Silent(),
        start=moved,
    )
    assert after.counts.tolist() == [0, *[60] * 8, 30, 30, 60, 60]
    np.testing.assert_array_equal(after.inner[9:11], before.inner[9:11])
    vectors = after.unit_vectors()
    same = vectors[11] @ vectors[[2, 4, 6, 8]].T
    other = vectors[11] @ vectors[[1, 3, 5, 7]].T
    assert same.mean() > other.mean()
    # What was learned is where it was: old items are turned a little, not thrown anew.
    old = before.unit_vectors()
    assert ((old * vectors[:11])[1:9].sum(axis=1)).min() > 0.5


def test_items_that_are_too_rare_have_no_vector(tmp_path: Path) -> None:
    settings = replace(SETTINGS, min_count=3)
    corpus = corpus_of([[1, 2, 3], [2, 1, 0], [1, 2, 4]], 4, tmp_path, 100)
    vectors = train_item2vec(corpus, settings, 0, Silent()).unit_vectors()
    assert vectors.any(axis=1).tolist() == [False, True, True, False, False]
    assert corpus.summary(3) == (
        "3 sequences with 8 words of 4 items; 6 words are kept, 2 are of items that stand there "
        "fewer than 3 times, and 1 is of unknown items"
    )


@pytest.mark.parametrize("settings", KINDS)
def test_one_item_by_any_kind(settings: EmbeddingSettings) -> None:
    vectors = fit_item2vec([[1], [1, 1]], 1, settings, 0, Silent())
    np.testing.assert_allclose(np.linalg.norm(vectors[1]), 1, rtol=1e-5)


def test_several_workers_find_the_same_neighbours() -> None:
    settings = replace(SETTINGS, epochs=20, workers=2)
    vectors = fit_item2vec(parity_sequences(), 10, settings, 0, Silent())[1:]
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


def test_arrays_that_do_not_belong_together_are_refused() -> None:
    arrays = new_word_vectors(3, 2).arrays()
    arrays["outer"] = np.zeros((3, 2), np.float32)
    with pytest.raises(ValueError, match="beside vectors of"):
        word_vectors_from(arrays)
