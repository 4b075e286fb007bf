"""Fits the item embeddings: once, or out of half where the sequences give the labels away."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.config import TrainSettings
from edgerec.errors import SampleError
from edgerec.features.embeddings.item2vec import fit_item2vec
from edgerec.features.statistics import folds
from edgerec.progress import Progress
from edgerec.recsys import ItemEmbedding, RecSys
from edgerec.samples.intake import Intake
from edgerec.samples.sequences import SequenceOwners, liked_sequences, write_sequences

_N_HALVES: Final = 2
# Item rows per sequence, of the users that are kept [n_users + 1]; None: of all.
_Sequences = Callable[[NDArray[np.bool_] | None], Iterator[NDArray[np.int64]]]
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
        if selected:
            progress.message(
                f"{file.n_selected:,} of {len(file):,} sequences hold only what their user liked, "
                "so the embedding is fitted out of half for training, which takes twice the time."
            )
    else:
        # What was liked together says what is alike; what was merely met together need not: where
        # users meet items at random (an impression log), vectors of all that was met say nothing.
        sequences = partial(liked_sequences, intake.spool, settings.chunk_rows)
        selected = True

    def fit(kept_users: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
        return fit_item2vec(
            sequences(kept_users),
            len(intake.item_ids),
            settings.embedding,
            settings.random_state,
            progress,
        )

    n_users = intake.spool.n_users
    if not selected:
        return fit()[None], np.zeros(n_users + 1, np.int64)
    half_of_user = folds(n_users, _N_HALVES, settings.random_state)
    fits = []
    for half in range(_N_HALVES):
        kept_users = half_of_user != half
        # Row 0 stands for nobody: a sequence that is of no user gives none of them away.
        kept_users[0] = True
        fits.append(fit(kept_users))
    return np.stack([*fits, fit()]), half_of_user
