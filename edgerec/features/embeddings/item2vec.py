"""item2vec: skip-gram over sequences of items, by gensim. The one door to gensim.

Barkan and Koenigstein 2016, "Item2Vec: neural item embedding for collaborative filtering".
"""

import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from gensim.models import Word2Vec
from gensim.models.callbacks import CallbackAny2Vec
from numpy.typing import NDArray

from edgerec.config import EmbeddingSettings
from edgerec.progress import Progress

# gensim cuts a longer line without a word; so lines end before it would.
_LONGEST: Final = 10_000


def fit_item2vec(
    sequences: Iterable[Sequence[int] | NDArray[np.int64]],
    n_items: int,
    settings: EmbeddingSettings,
    random_state: int,
    progress: Progress,
) -> NDArray[np.float32]:
    """Learn a vector per item row.

    Parameters
    ----------
    sequences : iterable of item rows
        One per user, oldest first; 0 (unknown) is skipped. They are written to a temporary
        corpus file, which gensim reads several times faster than an iterator, so memory does
        not grow with them.

    Returns
    -------
    float32 [n_items + 1, embedding_dim]
        Unit rows; zero where the item stands in no sequence, and in row 0.
    """
    progress.stage("item2vec")
    vectors = np.zeros((n_items + 1, settings.embedding_dim), np.float32)
    with tempfile.TemporaryDirectory(prefix="edgerec-") as folder:
        corpus = Path(folder) / "corpus.txt"
        n_words = _write_corpus(sequences, corpus)
        if not n_words:
            return vectors
        # One worker: with more, the same seed does not give the same vectors.
        model = Word2Vec(
            vector_size=settings.embedding_dim,
            window=settings.window,
            negative=settings.negative,
            sample=settings.sample,
            epochs=settings.epochs,
            min_count=1,
            sg=1,
            workers=1,
            seed=random_state + 1,
        )
        model.build_vocab(corpus_file=str(corpus))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            model.train(
                corpus_file=str(corpus),
                total_words=model.corpus_total_words,
                total_examples=model.corpus_count,
                epochs=settings.epochs,
                callbacks=[_Report(progress, settings.epochs)],
            )
    for word, position in model.wv.key_to_index.items():
        vectors[int(word)] = model.wv.vectors[position]
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(length > 0, length, 1)).astype(np.float32)


class _Report(CallbackAny2Vec):  # type: ignore[misc]
    def __init__(self, progress: Progress, n_epochs: int) -> None:
        self._progress = progress
        self._n_epochs = n_epochs
        self._n_done = 0

    def on_epoch_end(self, model: object) -> None:
        self._n_done += 1
        self._progress.advance(self._n_done, self._n_epochs)


def _write_corpus(sequences: Iterable[Sequence[int] | NDArray[np.int64]], path: Path) -> int:
    n_words = 0
    with path.open("w", encoding="ascii") as file:
        for line in _lines(sequences):
            n_words += len(line)
            file.write(" ".join(map(str, line)) + "\n")
    return n_words


def _lines(sequences: Iterable[Sequence[int] | NDArray[np.int64]]) -> Iterator[list[int]]:
    for sequence in sequences:
        words = [int(row) for row in sequence if row]
        for start in range(0, len(words), _LONGEST):
            yield words[start : start + _LONGEST]
