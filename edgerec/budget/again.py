"""Trains again with narrower vectors and layers, where a search may."""

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from edgerec.config import TrainSettings
from edgerec.errors import StateError
from edgerec.pipeline import train
from edgerec.progress import Progress
from edgerec.recsys import RecSys
from edgerec.training.ranker import Ranker

_LEAST_WIDTH: Final = 4


def narrower(settings: TrainSettings) -> list[TrainSettings]:
    """Return settings with half the layers, with half the vectors, and with both.

    >>> [(one.embedding.embedding_dim, one.network.hidden_layer_sizes)
    ...  for one in narrower(TrainSettings())]
    [(32, (48,)), (16, (96,)), (16, (48,))]
    """
    widths = tuple(max(_LEAST_WIDTH, one // 2) for one in settings.network.hidden_layer_sizes)
    network = dataclasses.replace(settings.network, hidden_layer_sizes=widths)
    half = max(_LEAST_WIDTH, settings.embedding.embedding_dim // 2)
    embedding = dataclasses.replace(settings.embedding, embedding_dim=half)
    tried = [
        dataclasses.replace(settings, network=network),
        dataclasses.replace(settings, embedding=embedding),
        dataclasses.replace(settings, embedding=embedding, network=network),
    ]
    return [one for number, one in enumerate(tried) if one not in [settings, *tried[:number]]]


def trainings(
    ranker: Ranker, rec_sys: RecSys, folder: Path, progress: Progress
) -> list[Callable[[], Ranker]]:
    """Return what trains on the same data with each of the narrower settings.

    `folder` receives the state of each training, under the names `training_folder` gives.
    """
    return [
        partial(_train, ranker, rec_sys, settings, training_folder(folder, settings), progress)
        for settings in narrower(ranker.settings)
    ]


def training_folder(folder: Path, settings: TrainSettings) -> Path:
    """Return where the state of a training with such widths stands.

    >>> training_folder(Path("."), TrainSettings()).name
    '32-96.training'
    """
    widths = (settings.embedding.embedding_dim, *settings.network.hidden_layer_sizes)
    return folder / ("-".join(map(str, widths)) + ".training")


def _train(
    ranker: Ranker, rec_sys: RecSys, settings: TrainSettings, folder: Path, progress: Progress
) -> Ranker:
    accepted = [one["check"] for one in ranker.audit if one["outcome"] == "accepted"]
    made = train(
        rec_sys,
        settings,
        training_folder=folder,
        progress=progress,
        accepted_leaks=accepted,
    ).ranker
    if made.facts.fingerprint != ranker.facts.fingerprint:
        raise StateError(
            "What --retrain names yields other samples than the model was trained on "
            f"({made.facts.n_samples}, and before {ranker.facts.n_samples}), so their losses would "
            "not be comparable. Name what the model was trained from, or train it again first."
        )
    return made
