"""Fits the item embeddings: once, or out of half where the sequences give the labels away."""

import dataclasses
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.config import TrainSettings
from edgerec.errors import SampleError
from edgerec.features.embeddings.corpus import Corpus, CorpusWriter
from edgerec.features.embeddings.item2vec import train_item2vec
from edgerec.features.embeddings.unfinished import Unfinished
from edgerec.features.embeddings.word_vectors import WordVectors
from edgerec.features.statistics import folds
from edgerec.ids import IdArray
from edgerec.progress import Progress
from edgerec.recsys import ItemEmbedding, RecSys
from edgerec.samples.intake import Intake
from edgerec.samples.sequences import SequenceOwners, liked_sequences, write_sequences

_N_HALVES: Final = 2
_FEWEST_ITEMS: Final = 2
# Item rows per sequence, of the users that are kept [n_users + 1]; None: of all.
_Sequences = Callable[[NDArray[np.bool_] | None], Iterator[NDArray[np.int64]]]
# Vectors of items that are there already, by their ids.
GivenVectors = Callable[[IdArray], NDArray[np.float32]]
# From this share of the sequences on they are taken to be selected by label.
_SELECTED_SHARE: Final = 0.2


def fit_embeddings(
    rec_sys: RecSys,
    intake: Intake,
    settings: TrainSettings,
    scratch: Path,
    progress: Progress,
    given: GivenVectors | None = None,
    keeping: "Keeping | None" = None,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Fit the embeddings of all items, or take those that are given.

    Parameters
    ----------
    given : callable, optional
        Takes item ids and returns their vectors [n + 1, D], row 0 of zeros.
    keeping : Keeping, optional
        Where what is fitted is kept until it stands in the state of the whole training.

    Raises
    ------
    SampleError
        Sequences cannot be used, or vectors are given and sequences give labels away.

    Returns
    -------
    embedding : float32 [fits, n_items + 1, embedding_dim]
        The last fit is of all sequences and goes into the file.
    fit_of_user : int64 [n_users + 1]
        Which fit the samples of each user may see.
    """
    sequences: _Sequences
    if isinstance(rec_sys, ItemEmbedding):
        progress.stage("reading sequences")
        owners = SequenceOwners(intake, settings.chunk_rows)
        file = write_sequences(
            rec_sys.item_seq_generator(), intake.item_ids, owners, scratch / "sequences"
        )
        if not file.n_known:
            raise SampleError(
                f"item_seq_generator yielded {len(file)} sequences, none with an item of "
                "sample_generator. Check what it reads, or leave the method out: then sequences "
                "are made of the samples."
            )
        sequences, selected = file.sequences, file.n_selected > _SELECTED_SHARE * len(file)
        if selected and given is not None:
            raise SampleError(
                f"{file.n_selected:,} of {len(file):,} sequences hold only what their user liked. "
                "Vectors that were made of all of them know the labels of the samples. Make them "
                "of everything that users did, or train without them: the embedding is then "
                "fitted out of half."
            )
        if selected:
            progress.message(
                f"{file.n_selected:,} of {len(file):,} sequences hold only what their user liked, "
                "so the embedding is fitted out of half for training, which takes twice the time."
            )
    else:
        # What was liked together says what is alike; what was merely met together need not: where
        # users meet items at random (an impression log), vectors of all that was met say nothing.
        sequences = partial(
            liked_sequences,
            intake.spool,
            settings.chunk_rows,
            session_gap=settings.embedding.session_gap,
        )
        selected = True

    n_items, n_users = len(intake.item_ids), intake.spool.n_users
    if given is not None:
        return given(intake.item_ids)[None], np.zeros(n_users + 1, np.int64)

    if keeping is not None and not keeping.resume:
        keeping.remove()

    def fit(kept_users: NDArray[np.bool_] | None = None, number: int = 0) -> NDArray[np.float32]:
        progress.stage("item2vec")
        folder = scratch / "corpus"
        with CorpusWriter(folder, n_items) as writer:
            writer.add_sequences(sequences(kept_users))
            corpus = writer.finish()
        if kept_users is None:
            _say_what_is_read(corpus, settings, progress)
        vectors = _trained(corpus, settings, progress, keeping, number)
        shutil.rmtree(folder)
        return vectors.only(corpus.has_neighbour).unit_vectors()

    if not selected:
        return fit()[None], np.zeros(n_users + 1, np.int64)
    half_of_user = folds(n_users, _N_HALVES, settings.random_state)
    fits = []
    for half in range(_N_HALVES):
        kept_users = half_of_user != half
        # Row 0 stands for nobody: a sequence that is of no user gives none of them away.
        kept_users[0] = True
        fits.append(fit(kept_users, 1 + half))
    return np.stack([*fits, fit()]), half_of_user


@dataclass(frozen=True)
class Keeping:
    """Where the fits of item2vec are kept while a training is on its way to its first state."""

    folder: Path
    """NAME.training"""
    resume: bool
    """go on from what is there; otherwise it is removed"""

    def path(self, number: int) -> Path:
        """Return the file of a fit."""
        return self.folder / f"item2vec-{number}.npz"

    def is_alone(self) -> bool:
        """Whether a fit is all that was kept."""
        return not (self.folder / "state.json").exists() and bool(self._files())

    def remove(self) -> None:
        """Remove the fits."""
        for path in self._files():
            path.unlink()

    def _files(self) -> list[Path]:
        return list(self.folder.glob("item2vec-*.npz"))


def _trained(
    corpus: Corpus,
    settings: TrainSettings,
    progress: Progress,
    keeping: Keeping | None,
    number: int,
) -> WordVectors:
    fit = partial(train_item2vec, corpus, settings.embedding, settings.random_state, progress)
    if keeping is None:
        return fit()
    of = json.dumps(
        [corpus.digest, dataclasses.asdict(settings.embedding), settings.random_state],
        sort_keys=True,
    )
    unfinished = Unfinished(keeping.path(number), of)
    start = unfinished.load() if keeping.resume else None
    if start is not None and start.finished:
        return start
    return fit(start=start, keep=unfinished.keep)


def _say_what_is_read(corpus: Corpus, settings: TrainSettings, progress: Progress) -> None:
    nothing = corpus.nothing_to_learn()
    if nothing is not None and corpus.n_items < _FEWEST_ITEMS:
        progress.message(
            f"item2vec learns nothing: {nothing}, and an item is known by those beside it. Nothing "
            "was liked, or all of it is one item; check the label rule, or offer sequences with "
            "item_seq_generator or [sequences]."
        )
    elif nothing is not None:
        progress.message(
            f"item2vec learns nothing: {nothing}, and an item is known by those beside it. Check "
            "which column is the user's id, the label rule and training.embedding.session_gap, or "
            "offer longer sequences with item_seq_generator or [sequences]."
        )
    elif (
        corpus.counts[0]
        or corpus.n_split
        or settings.embedding.min_count > 1
        or not corpus.has_neighbour[corpus.counts > 0].all()
    ):
        progress.message(f"item2vec reads {corpus.summary(settings.embedding.min_count)}")
