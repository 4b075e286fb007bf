"""item2vec: word2vec over sequences of items, by gensim. The one door to it.

Barkan and Koenigstein 2016, "Item2Vec: neural item embedding for collaborative filtering".
"""

import dataclasses
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import numpy as np
from gensim.models import Word2Vec
from numpy.typing import NDArray

from edgerec.config import EmbeddingSettings
from edgerec.features.embeddings.corpus import Corpus, CorpusWriter
from edgerec.features.embeddings.word_vectors import WordVectors, new_word_vectors
from edgerec.progress import Progress

# gensim's own, from which the learning rate falls linearly to the second over all passes.
_ALPHA: Final = 0.025
_LAST_ALPHA: Final = 0.0001
_NO_WORD_IS_FREQUENT: Final = 0.9999


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
        corpus, which gensim reads several times faster than an iterator, so memory does not
        grow with them.

    Returns
    -------
    float32 [n_items + 1, embedding_dim]
        Unit rows; zero where the item stands in no sequence, and in row 0.
    """
    progress.stage("item2vec")
    with (
        tempfile.TemporaryDirectory(prefix="edgerec-") as folder,
        CorpusWriter(Path(folder), n_items) as writer,
    ):
        writer.add_sequences(sequences)
        return train_item2vec(writer.finish(), settings, random_state, progress).unit_vectors()


def train_item2vec(
    corpus: Corpus,
    settings: EmbeddingSettings,
    random_state: int,
    progress: Progress,
    *,
    start: WordVectors | None = None,
    keep: Callable[[WordVectors], object] | None = None,
) -> WordVectors:
    """Learn a vector per item row of a corpus.

    Parameters
    ----------
    start : WordVectors, optional
        What to go on from. Unfinished: the same run on the same corpus, which then ends as one
        that was never interrupted. Finished: another corpus, over whose words training goes with
        the vectors that are there already; items that it does not have get new ones.
    keep : callable, optional
        Told the state after each part of the corpus.

    Returns
    -------
    WordVectors
        Finished. With a corpus of no word that is often enough, those of `start`, or zeros.
    """
    state = start or new_word_vectors(len(corpus.counts) - 1, settings.embedding_dim)
    if state.finished:
        state = state.continued(corpus.counts)
    elif start is None:
        state = dataclasses.replace(state, counts=_item_counts(corpus))
    rows = _vocabulary(state.counts, settings.min_count)
    if not len(rows) or not corpus.n_words:
        return dataclasses.replace(state, finished=True)
    hs = settings.hs if len(rows) > 1 else 0  # a tree of one leaf has no path, which gensim follows
    model = _model(settings, hs, state, rows, random_state)
    n_parts = len(corpus.parts)
    ends = list(accumulate(corpus.words_of_part))
    n_total = settings.epochs * corpus.n_words
    started, n_before = time.perf_counter(), _words_done(state.n_steps, corpus)
    for step in range(state.n_steps, settings.epochs * n_parts):
        epoch, part = divmod(step, n_parts)
        first = epoch * corpus.n_words + (ends[part] - corpus.words_of_part[part])
        n_done = epoch * corpus.n_words + ends[part]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            model.train(
                corpus_file=str(corpus.parts[part]),
                total_words=corpus.words_of_part[part],
                epochs=1,
                start_alpha=_alpha(first / n_total),
                end_alpha=_alpha(n_done / n_total),
            )
        rate = (n_done - n_before) / max(time.perf_counter() - started, 1e-9)
        progress.advance(n_done, n_total, f"words, {rate:,.0f} a second")
        finished = n_done == n_total
        if finished or keep is not None:
            state = _state(model, hs, state, rows, step + 1, finished)
        if keep is not None:
            keep(state)
    return state


def _words_done(n_steps: int, corpus: Corpus) -> int:
    epochs, parts = divmod(n_steps, len(corpus.parts))
    return epochs * corpus.n_words + sum(corpus.words_of_part[:parts])


def _alpha(done: float) -> float:
    return _ALPHA - (_ALPHA - _LAST_ALPHA) * done


def _item_counts(corpus: Corpus) -> NDArray[np.int64]:
    counts = corpus.counts.copy()
    counts[0] = 0
    return counts


def _vocabulary(counts: NDArray[np.int64], min_count: int) -> NDArray[np.int64]:
    """Return the rows of the items that are often enough, most frequent first."""
    rows = np.flatnonzero(counts >= max(min_count, 1))
    # Ours and stable: gensim's own order of equal counts differs between processors.
    ordered: NDArray[np.int64] = rows[np.argsort(-counts[rows], kind="stable")]
    return ordered


def _model(
    settings: EmbeddingSettings,
    hs: int,
    state: WordVectors,
    rows: NDArray[np.int64],
    random_state: int,
) -> Any:
    # Where a tree was asked for and cannot be, something has to teach the only vector.
    negative = settings.negative or int(not hs)
    # With neither negatives nor `sample`, gensim leaves its random state to what stands in memory.
    # A threshold of nearly all words drops none of them, and has it set.
    sample = settings.sample if settings.sample or negative else _NO_WORD_IS_FREQUENT
    model = Word2Vec(
        vector_size=settings.embedding_dim,
        window=settings.window,
        negative=negative,
        sample=sample,
        hs=hs,
        sg=settings.sg,
        min_count=1,
        sorted_vocab=0,
        workers=settings.workers or os.cpu_count() or 1,
        seed=random_state + 1,
    )
    model.build_vocab_from_freq({str(row): int(state.counts[row]) for row in rows.tolist()})
    known = state.known[rows]
    model.wv.vectors[known] = state.inner[rows[known]]
    if model.negative:
        model.syn1neg[:] = state.outer[rows]
    if hs and len(state.nodes) == len(rows):
        model.syn1[:] = state.nodes
    if state.random_keys.size:
        model.random.set_state(("MT19937", state.random_keys, state.random_position))
    return model


def _state(
    model: Any,
    hs: int,
    before: WordVectors,
    rows: NDArray[np.int64],
    n_steps: int,
    finished: bool,
) -> WordVectors:
    inner, outer = before.inner.copy(), before.outer.copy()
    inner[rows] = model.wv.vectors
    if model.negative:
        outer[rows] = model.syn1neg
    known = before.known.copy()
    known[rows] = True
    _, keys, position, *_ = model.random.get_state()
    return dataclasses.replace(
        before,
        inner=inner,
        outer=outer,
        nodes=model.syn1.copy() if hs else before.nodes,
        known=known,
        random_keys=np.array(keys, np.uint32),
        random_position=int(position),
        n_steps=n_steps,
        finished=finished,
    )
