from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgerec.features.embeddings import corpus as corpus_module
from edgerec.features.embeddings.corpus import Corpus, CorpusWriter

SEQUENCES = [[1, 2, 0, 3, 4, 5, 6, 7], [8], [], [0, 9], [10, 0], [0], [1]]


def lines_of(corpus: Corpus) -> list[str]:
    text = "".join(path.read_text("ascii") for path in corpus.parts)
    assert text.endswith("\n") or not text
    return text.splitlines()


def written(sequences: list[list[int]], folder: Path, part_words: int = 1000) -> Corpus:
    with CorpusWriter(folder, 10, part_words) as writer:
        writer.add_sequences(sequences)
        return writer.finish()


def test_words_are_item_rows_and_unknown_ones_are_left_out(tmp_path: Path) -> None:
    corpus = written(SEQUENCES, tmp_path)
    assert lines_of(corpus) == ["1 2 3 4 5 6 7", "8", "9", "10", "1"]
    assert corpus.counts.tolist() == [4, 2, *[1] * 9]
    assert (corpus.n_words, corpus.n_items, corpus.n_sequences) == (11, 10, 5)
    assert corpus.n_split == 0


def test_no_word_of_a_long_sequence_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus_module, "LONGEST", 3)
    corpus = written(SEQUENCES, tmp_path)
    assert lines_of(corpus) == ["1 2 3", "4 5 6", "7", "8", "9", "10", "1"]
    assert (corpus.n_split, corpus.n_sequences) == (2, 5)
    assert "longer ones split at 3; 11 words are kept, 4 are of unknown items" in corpus.summary(1)


@settings(max_examples=40, deadline=None)
@given(
    sequences=st.lists(st.lists(st.integers(0, 10), max_size=9), max_size=12),
    cuts=st.lists(st.integers(0, 80), max_size=6),
    longest=st.integers(1, 5),
    part_words=st.integers(1, 12),
)
def test_chunks_do_not_matter(
    sequences: list[list[int]],
    cuts: list[int],
    longest: int,
    part_words: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    rows = np.array([row for one in sequences for row in one], np.int64)
    starts = np.array([at == 0 for one in sequences for at in range(len(one))], np.bool_)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus_module, "LONGEST", longest)
        whole = written(sequences, tmp_path_factory.mktemp("whole"), part_words)
        folder = tmp_path_factory.mktemp("cut")
        with CorpusWriter(folder, 10, part_words) as writer:
            for part in np.split(np.arange(len(rows)), sorted(min(cut, len(rows)) for cut in cuts)):
                writer.add(rows[part], starts[part])
            cut = writer.finish()
    expected = [
        " ".join(map(str, known[start : start + longest]))
        for known in ([row for row in one if row] for one in sequences)
        for start in range(0, len(known), longest)
    ]
    for corpus in (whole, cut):
        assert lines_of(corpus) == expected
        assert [len(path.read_text().split()) for path in corpus.parts] == list(
            corpus.words_of_part
        )
        assert all(n >= part_words for n in corpus.words_of_part[:-1])
    assert cut.digest == whole.digest
    assert cut.words_of_part == whole.words_of_part
    assert cut.counts.tolist() == whole.counts.tolist()
    assert (cut.n_sequences, cut.n_split) == (whole.n_sequences, whole.n_split)


def test_items_may_be_met_while_reading(tmp_path: Path) -> None:
    with CorpusWriter(tmp_path, 0) as writer:
        writer.add(np.array([1, 2]), np.array([True, False]))
        writer.add(np.array([5]), np.array([False]))
        corpus = writer.finish()
    assert lines_of(corpus) == ["1 2 5"]
    assert corpus.counts.tolist() == [0, 1, 1, 0, 0, 1]


def test_what_stands_beside_another_is_told_over_any_chunks(tmp_path: Path) -> None:
    with CorpusWriter(tmp_path, 2) as writer:
        for rows, starts in (([1], [True]), ([2, 3], [False, True]), ([3], [False]), ([4], [True])):
            writer.add(np.array(rows), np.array(starts))
        corpus = writer.finish()
    assert corpus.has_neighbour.tolist() == [False, True, True, False, False]
    assert corpus.summary(1).endswith(
        "; 5 words are kept, none is dropped; items that stand beside no other have no vector: 2"
    )
    assert corpus.nothing_to_learn() is None


def test_an_empty_corpus_has_no_part(tmp_path: Path) -> None:
    corpus = written([], tmp_path)
    assert (corpus.parts, corpus.n_words, corpus.n_items) == ((), 0, 0)
