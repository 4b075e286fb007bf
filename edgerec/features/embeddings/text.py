"""Paragraph vectors: what a text says as a unit vector, so that like texts lie near each other.

Le and Mikolov 2014, "Distributed representations of sentences and documents": distributed bag of
words with negative sampling, by gensim's Doc2Vec. What stays of a fit are its words and their
output vectors; the vector of a text, one that was fitted to included, is what gensim infers from
them. So a vector depends on its text and the fit alone, and a new text is told as the old ones
were.
"""

import tempfile
import warnings
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from gensim.models.doc2vec import Doc2Vec, train_document_dbow
from numpy.typing import NDArray

from edgerec.config import TextSettings
from edgerec.errors import StateError
from edgerec.features.embeddings.words import MOST_WORDS, words_of
from edgerec.progress import Progress

Array = NDArray[np.float32]
_FIRST_RATE: Final = 0.05
_LAST_RATE: Final = 1e-3
# Inference lowers its rate so often; between, gensim goes over the text in one call.
_STEPS: Final = 5
_ARRAYS: Final = ("counts", "outputs", "mean", "axes")


@dataclass(frozen=True)
class TextModel:
    """A fit of paragraph vectors. Without words every text is the zero vector."""

    settings: TextSettings
    random_state: int
    words: tuple[str, ...]
    """V words, in gensim's order"""
    counts: NDArray[np.int64]
    """[V]: how often each occurred"""
    outputs: Array
    """[V, D]: what a text's vector is multiplied with to expect the word"""
    mean: Array
    """[D]: of the texts that were fitted to; what all texts share says nothing"""
    axes: Array
    """[D, D]: columns are the directions in which those texts differ, most first"""

    def vectors(self, texts: Iterable[str | None]) -> Array:
        """Return a vector per text: float32 [n, D].

        Unit rows; zero where a text is missing or has no word that was fitted to.
        """
        listed = list(texts)
        raw = np.zeros((len(listed), len(self.mean)), np.float32)
        told = np.zeros(len(listed), bool)
        for place, text in enumerate(listed):
            words = [word for word in words_of(text or "") if word in self._known]
            if words:
                raw[place], told[place] = self._inferred(words), True
        return self._turned(raw, told)

    def _turned(self, raw: Array, told: NDArray[np.bool_]) -> Array:
        turned = (raw - self.mean).astype(np.float64) @ self.axes
        length = np.linalg.norm(turned, axis=1, keepdims=True)
        unit = turned / np.where(length > 1e-12, length, 1)
        vectors: Array = np.where(told[:, None], unit, 0).astype(np.float32)
        return vectors

    def _inferred(self, words: list[str]) -> Array:
        """Return what gensim infers, from a start and with a chance of its own.

        `Doc2Vec.infer_vector` starts where Python's hash of the text says, which differs from one
        process to the next, and draws on where the text before it stopped.
        """
        model = self._gensim
        model.random.set_state(self._chance)
        vector = np.zeros((1, len(self.mean)), np.float32)
        work, lock, place = np.zeros(len(self.mean), np.float32), np.ones(1, np.float32), [0]
        passes = words * -(-self.settings.epochs // _STEPS)
        for rate in np.linspace(_FIRST_RATE, _LAST_RATE, _STEPS).tolist():
            train_document_dbow(
                model,
                passes[:MOST_WORDS],
                place,
                rate,
                work,
                learn_words=False,
                learn_hidden=False,
                doctag_vectors=vector,
                doctags_lockf=lock,
            )
        inferred: Array = vector[0]
        return inferred

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.words)

    @cached_property
    def _gensim(self) -> Doc2Vec:
        model = _new(self.settings, self.random_state)
        model.build_vocab_from_freq(dict(zip(self.words, self.counts.tolist(), strict=True)))
        place = {word: number for number, word in enumerate(self.words)}
        model.syn1neg = self.outputs[[place[word] for word in model.wv.index_to_key]]
        return model

    @cached_property
    def _chance(self) -> Mapping[str, Any]:
        state: Mapping[str, Any] = np.random.RandomState(self.random_state + 1).get_state(
            legacy=False
        )
        return state

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return it as named arrays, for a file; settings and seed stand elsewhere."""
        encoded = [word.encode() for word in self.words]
        return {
            "words": np.frombuffer(b"".join(encoded), np.uint8),
            "word_ends": np.cumsum([len(word) for word in encoded], dtype=np.int64),
            **{name: getattr(self, name) for name in _ARRAYS},
        }

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], settings: TextSettings, random_state: int
    ) -> "TextModel":
        """Return what `to_arrays` made."""
        data, ends = arrays["words"].tobytes(), arrays["word_ends"].tolist()
        if len(ends) != len(arrays["counts"]) or len(ends) != len(arrays["outputs"]):
            raise StateError("The state of the text vectors is not whole. Train again.")
        starts = [0, *ends][: len(ends)]
        words = tuple(data[a:b].decode() for a, b in zip(starts, ends, strict=True))
        return cls(settings, random_state, words, **{name: arrays[name] for name in _ARRAYS})


def fit_text(
    texts: Iterable[str | None], settings: TextSettings, random_state: int, progress: Progress
) -> tuple[TextModel, Array]:
    """Learn paragraph vectors.

    Parameters
    ----------
    texts : iterable of str or None
        One per item; read once. Their words go through a temporary file, so memory holds the
        vocabulary and the vectors.

    Returns
    -------
    model : TextModel
    vectors : float32 [n, text_dim]
        `model.vectors` of the texts.
    """
    progress.stage("texts")
    with tempfile.TemporaryDirectory(prefix="edgerec-") as folder:
        corpus = Path(folder) / "texts.txt"
        n_texts, n_told = _write(texts, corpus)
        model = _nothing(settings, random_state)
        if n_told:
            model = _fitted(corpus, settings, random_state)
        raw = np.zeros((n_texts, settings.text_dim), np.float32)
        told = np.zeros(n_texts, bool)
        with corpus.open(encoding="utf-8") as lines:
            for place, line in enumerate(lines):
                words = [word for word in line.split() if word in model._known]
                if words:
                    raw[place], told[place] = model._inferred(words), True
                if place % 256 == 0:
                    progress.advance(place, n_texts)
    progress.advance(n_texts, n_texts)
    if not told.any():
        return model, np.zeros_like(raw)
    mean = raw[told].mean(axis=0, dtype=np.float64)
    centred = raw[told] - mean
    _, directions = np.linalg.eigh(centred.T @ centred)
    # Largest first; a direction and its opposite are the same, and which one comes is chance.
    directions = directions[:, ::-1] * np.where(directions[:, ::-1].sum(axis=0) < 0, -1, 1)
    model = TextModel(
        settings,
        random_state,
        model.words,
        model.counts,
        model.outputs,
        mean.astype(np.float32),
        directions.astype(np.float32),
    )
    return model, model._turned(raw, told)


def _new(settings: TextSettings, random_state: int) -> Doc2Vec:
    return Doc2Vec(
        dm=0,
        vector_size=settings.text_dim,
        negative=settings.negative,
        sample=settings.sample,
        min_count=1,
        alpha=_FIRST_RATE,
        min_alpha=_LAST_RATE,
        epochs=settings.epochs,
        # One worker: with more, the same seed does not give the same vectors.
        workers=1,
        seed=random_state + 1,
        # Python's own hash is another in each process.
        hashfxn=_stable_hash,
    )


def _stable_hash(text: str) -> int:
    return zlib.crc32(str(text).encode("utf-8", "surrogatepass"))


def _nothing(settings: TextSettings, random_state: int) -> TextModel:
    size = settings.text_dim
    return TextModel(
        settings,
        random_state,
        (),
        np.zeros(0, np.int64),
        np.zeros((0, size), np.float32),
        np.zeros(size, np.float32),
        np.eye(size, dtype=np.float32),
    )


def _fitted(corpus: Path, settings: TextSettings, random_state: int) -> TextModel:
    model = _new(settings, random_state)
    model.min_count = settings.min_count
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        model.build_vocab(corpus_file=str(corpus))
        if not len(model.wv):
            return _nothing(settings, random_state)
        model.train(
            corpus_file=str(corpus),
            total_examples=model.corpus_count,
            total_words=model.corpus_total_words,
            epochs=settings.epochs,
        )
    words: Sequence[str] = model.wv.index_to_key
    counts = np.array([model.wv.get_vecattr(word, "count") for word in words], np.int64)
    nothing = _nothing(settings, random_state)
    return TextModel(
        settings, random_state, tuple(words), counts, model.syn1neg, nothing.mean, nothing.axes
    )


def _write(texts: Iterable[str | None], path: Path) -> tuple[int, int]:
    """Write a line of words per text; return how many texts there are, and how many have words."""
    n_texts = n_told = 0
    with path.open("w", encoding="utf-8") as file:
        for text in texts:
            words = words_of(text or "")
            file.write(" ".join(words) + "\n")
            n_texts += 1
            n_told += bool(words)
    return n_texts, n_told
