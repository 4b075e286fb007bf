"""Fits the item embeddings: once, or out of half where the sequences give the labels away."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.config import TrainSettings
from edgerec.features.embeddings.item2vec import fit_item2vec
from edgerec.features.statistics import folds
from edgerec.progress import Progress
from edgerec.recsys import ItemEmbedding, RecSys
from edgerec.samples.intake import Intake
from edgerec.samples.sequences import SequenceOwners, interaction_sequences, write_sequences

_N_HALVES: Final = 2
# From this share of the sequences on they are taken to be selected by label.
_SELECTED_SHARE: Final = 0.2


def fit_embeddings(
    rec_sys: RecSys, intake: Intake, settings: TrainSettings, scratch: Path, progress: Progress
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Fit the embeddings of all items.

    Returns
    -------
    embedding : float32 [fits, n_items + 1, embedding_dim]
        The last fit is of all sequences and goes into the file.
    fit_of_user : int64 [n_users + 1]
        Which fit the samples of each user may see.
    """
    n_items, n_users = len(intake.item_ids), intake.spool.n_users
    only_fit = np.zeros(n_users + 1, np.int64)
    if not isinstance(rec_sys, ItemEmbedding):
        whole = interaction_sequences(intake.spool, settings.chunk_rows)
        return _fit(whole, n_items, settings, progress)[None], only_fit
    progress.stage("reading sequences")
    owners = SequenceOwners(intake.spool, settings.chunk_rows)
    file = write_sequences(
        rec_sys.item_seq_generator(), intake.item_ids, owners, scratch / "sequences"
    )
    every = _fit(file.sequences(), n_items, settings, progress)
    if file.n_selected <= _SELECTED_SHARE * len(file):
        return every[None], only_fit
    progress.message(
        f"{file.n_selected:,} of {len(file):,} sequences hold only what their user liked, so the "
        "embedding is fitted out of half for training. Yield all that a user touched to save the "
        "time and to rank a little better."
    )
    half_of_user = folds(n_users, _N_HALVES, settings.random_state)
    fits = [
        _fit(file.sequences(half_of_user[file.owners] != half), n_items, settings, progress)
        for half in range(_N_HALVES)
    ]
    return np.stack([*fits, every]), half_of_user


def _fit(
    sequences: Iterable[NDArray[np.int64]],
    n_items: int,
    settings: TrainSettings,
    progress: Progress,
) -> NDArray[np.float32]:
    return fit_item2vec(sequences, n_items, settings.embedding, settings.random_state, progress)
