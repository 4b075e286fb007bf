"""Learns item vectors from interactions in one ordered pass, and goes on with them later."""

import dataclasses
import hashlib
import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import numpy as np

from edgerec.config import EmbeddingSettings
from edgerec.errors import SampleError, StateError
from edgerec.features.embeddings.corpus import Corpus, CorpusWriter
from edgerec.features.embeddings.item2vec import train_item2vec
from edgerec.features.embeddings.unfinished import Unfinished
from edgerec.features.embeddings.word_vectors import WordVectors
from edgerec.files import require_writable, scratch_folder
from edgerec.ids import IdArray, IdIndex
from edgerec.item_vectors.kept import (
    STATE,
    UNFINISHED,
    load_item_vectors,
    save_item_vectors,
)
from edgerec.item_vectors.vectors import ItemVectors
from edgerec.progress import Progress, Silent
from edgerec.samples.interaction_corpus import Reading, write_interactions
from edgerec.seconds import moment
from edgerec.source import InteractionChunk

_FEWEST_ITEMS: Final = 2
Chunks = Callable[[], Iterable[InteractionChunk]]


def embed(
    chunks: Chunks,
    folder: str | Path,
    settings: EmbeddingSettings | None = None,
    *,
    random_state: int = 0,
    resume: bool = False,
    go_on: bool = False,
    progress: Progress | None = None,
) -> ItemVectors:
    """Learn item vectors from interactions in one ordered pass, and keep them in `folder`.

    Parameters
    ----------
    chunks : callable
        Returns the interactions sorted by user, then by time.
    settings : EmbeddingSettings, optional
        Defaults to `EmbeddingSettings()`; when going on, to those of `folder`, of which the width
        cannot change.
    resume : bool
        Go on from an interrupt, over the same interactions. It ends at the same vectors as a run
        that was never interrupted.
    go_on : bool
        Go on from the vectors in `folder`, over what is newer than all that was read before, and
        the `window` interactions before it: new items get vectors, old ones are adjusted. An
        interaction that came late, with an older timestamp, is not seen.

    Raises
    ------
    SampleError
        There is no interaction, of one item alone, or no user has two items.
    StateError
        There is nothing to go on from, it is damaged, or of other settings or interactions.
    StorageError
        `folder` cannot be written to.
    """
    progress, folder = progress or Silent(), Path(folder)
    require_writable(folder / STATE)
    before = load_item_vectors(folder) if go_on else None
    settings = settings or (before.settings if before else EmbeddingSettings())
    if before is not None:
        _require_same_width(before, settings, folder)
    items = IdIndex("item")
    if before is not None:
        items.encode(before.item_ids.tolist())
    with scratch_folder() as scratch:
        progress.stage("reading sequences")
        with CorpusWriter(scratch / "corpus", len(items)) as writer:
            reading = write_interactions(
                chunks(),
                items,
                writer,
                progress,
                session_gap=settings.session_gap,
                later_than=None if before is None else before.last_timestamp,
                n_before=settings.window,
            )
            corpus = writer.finish()
        rate = reading.n_rows / max(reading.seconds, 1e-9)
        progress.message(f"read {reading.n_rows:,} interactions, {rate:,.0f} a second")
        if before is not None and not corpus.n_words:
            progress.message(
                f"none of them is newer than {moment(before.last_timestamp)}, the last that "
                f"{folder} knows: its vectors stay as they are"
            )
            return before
        if before is None:
            _require_neighbours(corpus, reading)
        progress.message(corpus.summary(settings.min_count))
        start = None
        if before is not None:
            old_rows = np.arange(len(before.item_ids) + 1)
            start = before.words.moved(old_rows, len(items))
        of = _fingerprint(corpus, settings, random_state, before)
        unfinished = Unfinished(folder / UNFINISHED, of)
        if resume:
            start = _to_resume(unfinished)
        if resume and start is not None and start.finished:
            # The interrupt came after the last step.
            words = start
        else:
            words = _trained(corpus, settings, random_state, start, unfinished, progress)
        learned = corpus.has_neighbour.copy()
        if before is not None:
            learned[: len(before.words.known)] |= before.words.known
        words = words.only(learned)
    found = ItemVectors(
        _ids_of(items),
        words,
        settings,
        random_state,
        max(reading.last_timestamp, before.last_timestamp if before else reading.last_timestamp),
    )
    save_item_vectors(folder, found, corpus)
    return found


def _trained(
    corpus: Corpus,
    settings: EmbeddingSettings,
    random_state: int,
    start: WordVectors | None,
    unfinished: Unfinished,
    progress: Progress,
) -> WordVectors:
    n_before = unfinished.n_steps
    n_steps = settings.epochs * len(corpus.parts)
    progress.stage("item2vec")
    started = time.perf_counter()
    try:
        words = train_item2vec(
            corpus, settings, random_state, progress, start=start, keep=unfinished.keep
        )
    except KeyboardInterrupt:
        kept = (
            f"{unfinished.path.parent} keeps {unfinished.n_steps} of {n_steps} parts of the work: "
            "run it again with resume (--resume) to go on from there"
            if unfinished.n_steps
            else "nothing of this run is kept yet: run it again"
        )
        progress.message(f"interrupted; {kept}")
        raise
    rate = settings.epochs * corpus.n_words / max(time.perf_counter() - started, 1e-9)
    if not n_before:
        progress.message(
            f"trained {settings.epochs * corpus.n_words:,} words in {settings.epochs} passes, "
            f"{rate:,.0f} a second"
        )
    return words


def _to_resume(unfinished: Unfinished) -> WordVectors:
    folder = unfinished.path.parent
    if not unfinished.path.is_file():
        raise StateError(
            f"{folder} holds no unfinished item2vec, so there is nothing to resume. Run it "
            "without resume."
        )
    start = unfinished.load()
    if start is None:
        raise StateError(
            f"{unfinished.path} is of other interactions, settings or another seed. Run it with "
            "those, or without resume."
        )
    return start


def _ids_of(items: IdIndex) -> IdArray:
    ids, row_of_code = items.finish()
    return ids[row_of_code - 1]


def _require_neighbours(corpus: Corpus, reading: Reading) -> None:
    if corpus.nothing_to_learn() is None:
        return
    if corpus.n_items >= _FEWEST_ITEMS:
        raise SampleError(
            f"The corpus holds {corpus.n_sequences:,} sequences of one item each; item2vec knows "
            "an item by those beside it, so nothing can be learned. Check which column is the "
            "user's id (or the group of [sequences]), and training.embedding.session_gap."
        )
    came = "holds no interaction"
    if reading.n_rows:
        came = f"holds {reading.n_rows:,} interactions of one item alone"
    raise SampleError(
        f"The corpus {came}; item2vec knows an item by those beside it, so it needs two at least. "
        "Check the table that is read and its conditions."
    )


def _require_same_width(before: ItemVectors, settings: EmbeddingSettings, folder: Path) -> None:
    width = before.settings.embedding_dim
    if settings.embedding_dim != width:
        raise StateError(
            f"{folder} has vectors of width {width}, but embedding_dim is now "
            f"{settings.embedding_dim}. Go on with {width}, or make new vectors."
        )


def _fingerprint(
    corpus: Corpus, settings: EmbeddingSettings, random_state: int, before: ItemVectors | None
) -> str:
    parts: list[object] = [corpus.digest, dataclasses.asdict(settings), random_state]
    if before is not None:
        parts.append(hashlib.sha256(before.words.inner.tobytes()).hexdigest())
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
