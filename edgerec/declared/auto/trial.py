"""Trains on some of the sampled users and scores the others, with and without a feature.

The users are divided into folds, and each fold is scored by what the rest of them taught: item
statistics, embeddings, standardisation and network have seen none of its samples. It is the path
of `edgerec.pipeline` with shorter histories and fewer epochs; what does not depend on the
features that are tried is computed once.
"""

import dataclasses
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgerec.config import EmbeddingSettings, NetworkSettings
from edgerec.features.embeddings.item2vec import fit_item2vec
from edgerec.features.history import NAMES
from edgerec.features.statistics import fit_statistics, folds
from edgerec.features.tables import content_directions
from edgerec.features.taste.columns import column_names
from edgerec.features.taste.tables import no_taste
from edgerec.features.vector import FeatureTables, Requests, feature_vectors
from edgerec.progress import Progress, Silent
from edgerec.recsys import Id, Sample
from edgerec.samples.history import history_positions
from edgerec.samples.intake import Intake, take_in
from edgerec.training.network import fit_rows, new_network, set_learning_rate
from edgerec.training.rows import standardise

Array = NDArray[np.float32]
N_FOLDS: Final = 3
_N_HISTORY: Final = 30
_N_STATISTICS_FOLDS: Final = 5
_N_HALVES: Final = 2
_CHUNK_ROWS: Final = 2048
_EMBEDDING: Final = EmbeddingSettings(embedding_dim=16, epochs=5)
# Networks whose scores are averaged: one alone differs more by its seed than a feature is worth.
N_NETWORKS: Final = 3
# Samples that a network is fitted to in all its epochs: few samples are read more often.
_N_FITTED: Final = 100_000
_FEWEST_EPOCHS, _MOST_EPOCHS = 3, 12
# Steps per epoch, so that few samples make small batches.
_N_STEPS: Final = 100
_CONTENT_NAMES: Final = tuple(name for name in NAMES if "content" in name)
# With a trial's few samples these bring more noise than news.
_WEAK_NAMES: Final = (
    "item_root_count",
    "log_item_age",
    "mean_popularity",
    *(name for name in NAMES if name.startswith(("as_popular_", "on_scale_"))),
)
_AUDIENCE_NAMES: Final = tuple(name for name in NAMES if "audience" in name)


class Listed:
    """A RecSys of samples in memory, without features."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = samples

    def get_user_feature(self, user_id: Id) -> Sequence[float]:
        """Return nothing."""
        return []

    def get_item_feature(self, item_id: Id) -> Sequence[float]:
        """Return nothing."""
        return []

    def sample_generator(self) -> Iterator[Sample]:
        """Yield the samples."""
        return iter(self._samples)


@dataclass(frozen=True)
class Columns:
    """Static features that are tried, one table per fold; row 0 is the unknown one."""

    users: tuple[Array, ...]
    """per fold [n_users + 1, width]"""
    items: tuple[Array, ...]
    """per fold [n_items + 1, width]"""


@dataclass(frozen=True)
class _Fold:
    is_train: NDArray[np.bool_]
    """[n]"""
    requests: Requests
    tables: FeatureTables
    features: Array
    """[n, width]: everything without static features"""


class Trial:
    """Holds the samples and scores them under any static features.

    Parameters
    ----------
    samples : sequence of Sample
        User by user, in order of time.
    random_state : int
    progress : Progress
    """

    def __init__(self, samples: Sequence[Sample], random_state: int, progress: Progress) -> None:
        self._random_state = random_state
        with tempfile.TemporaryDirectory(prefix="edgerec-") as scratch:
            intake = take_in(Listed(samples), Path(scratch), _CHUNK_ROWS, Silent())
            records = np.concatenate(list(intake.spool.blocks(_CHUNK_ROWS)))
        self.user_ids: list[Id] = intake.user_ids.tolist()
        self.item_ids: list[Id] = intake.item_ids.tolist()
        self.user = records["user"].astype(np.int64)
        self.label = records["label"].astype(np.float64)
        self.fold_of_user = folds(intake.spool.n_users, N_FOLDS, random_state)
        self._folds = []
        for fold in range(N_FOLDS):
            self._folds.append(self._prepare(intake, records, fold))
            progress.advance(fold + 1, N_FOLDS)

    def scores(self, columns: Columns) -> NDArray[np.float64]:
        """Return the held-out score of each sample by the networks of the other folds.

        float64 [N_NETWORKS, n]: one row per seed.
        """
        scores = np.zeros((N_NETWORKS, len(self.label)))
        for number, fold in enumerate(self._folds):
            rows = self._rows(fold, columns.users[number], columns.items[number])
            train = fold.is_train
            mean = rows[train].mean(axis=0, dtype=np.float64).astype(np.float32)
            spread = rows[train].std(axis=0, dtype=np.float64)
            inverse = np.where(spread > 1e-6, 1 / np.maximum(spread, 1e-6), 0).astype(np.float32)
            rows = standardise(rows, mean, inverse)
            for seed in range(N_NETWORKS):
                scores[seed, ~train] = self._fitted(rows, train, seed)
        return scores

    def _fitted(self, rows: Array, train: NDArray[np.bool_], seed: int) -> NDArray[np.float64]:
        own, label = rows[train], self.label[train].astype(np.float32)
        settings = network_settings(len(own))
        network = new_network(settings, rows.shape[1], self._random_state + seed)
        for epoch in range(settings.max_epochs):
            random = np.random.default_rng([self._random_state, seed, epoch])
            order = random.permutation(len(own))
            set_learning_rate(network, settings.learning_rate, epoch / settings.max_epochs)
            fit_rows(network, own[order], label[order], settings.batch_size)
        probability: NDArray[np.float64] = network.predict_proba(rows[~train])[:, 1]
        return probability

    def _rows(self, fold: _Fold, users: Array, items: Array) -> Array:
        parts = [fold.features]
        if users.shape[1]:
            parts.append(users[fold.requests.user])
        if items.shape[1]:
            content = dataclasses.replace(fold.tables, content=content_directions(items))
            alone = dataclasses.replace(content, embedding=fold.tables.embedding[:, :, :0])
            names = alone.names()
            wanted = [names.index(name) for name in _CONTENT_NAMES]
            parts += [
                items[fold.requests.candidates[:, 0]],
                _vectors(fold.requests, alone)[:, wanted],
            ]
        return np.concatenate(parts, axis=1, dtype=np.float32)

    def _prepare(self, intake: Intake, records: NDArray[np.void], fold: int) -> _Fold:
        is_train = self.fold_of_user[self.user] != fold
        train = records[is_train]
        n_users, n_items = intake.spool.n_users, len(intake.item_ids)
        statistics_fold = folds(n_users, _N_STATISTICS_FOLDS, self._random_state + 1)
        statistics = fit_statistics(
            lambda: iter([train]), n_items, statistics_fold, _N_STATISTICS_FOLDS
        )
        half = folds(n_users, _N_HALVES, self._random_state + 2)
        liked = train[train["label"] == 1]
        kept = [half[liked["user"]] != number for number in range(_N_HALVES)]
        embedding = np.stack(
            [self._embedding(liked[rows], n_items) for rows in [*kept, np.ones(len(liked), bool)]]
        )
        positions = history_positions(
            records["user"],
            records["item"],
            records["timestamp"],
            ~np.isnan(records["value"]),
            _N_HISTORY,
        )
        there = positions >= 0
        requests = Requests(
            user=self.user,
            candidates=records["item"][:, None].astype(np.int64),
            history=np.where(there, records["item"][positions], 0).astype(np.int64),
            values=np.where(there, records["value"][positions], np.float32(np.nan)),
            # Whoever is scored is in no fit, so that the fit of all others may be seen.
            fit=np.where(is_train, statistics_fold[self.user], _N_STATISTICS_FOLDS),
            embedding_fit=np.where(is_train, half[self.user], _N_HALVES),
            as_of=records["timestamp"],
        )
        nothing = np.zeros((n_items + 1, 0), np.float32)
        tables = FeatureTables(
            user_features=np.zeros((n_users + 1, 0), np.float32),
            item_features=nothing,
            content=nothing,
            kinds=nothing,
            scales=nothing,
            embedding=embedding,
            audience=np.zeros((_N_STATISTICS_FOLDS + 1, n_items + 1, 0), np.float32),
            statistics=statistics,
            # Its fit would take longer than all the rest of a trial.
            taste=no_taste(n_items, _N_STATISTICS_FOLDS + 1),
            label_above=intake.label_above,
            value_range=intake.value_range,
        )
        names = tables.names()
        empty = {*_CONTENT_NAMES, *_AUDIENCE_NAMES, *_WEAK_NAMES, *column_names(tables.taste)}
        wanted = [place for place, name in enumerate(names) if name not in empty]
        return _Fold(is_train, requests, tables, _vectors(requests, tables)[:, wanted])

    def _embedding(self, liked: NDArray[np.void], n_items: int) -> Array:
        starts = np.flatnonzero(np.diff(liked["user"])) + 1
        sequences = np.split(liked["item"].astype(np.int64), starts)
        return fit_item2vec(sequences, n_items, _EMBEDDING, self._random_state, Silent())


def network_settings(n_rows: int) -> NetworkSettings:
    """Return how a network is fitted to so many rows.

    >>> network_settings(60_000).batch_size, network_settings(60_000).max_epochs
    (256, 3)
    >>> network_settings(5_000).batch_size, network_settings(5_000).max_epochs
    (64, 12)
    """
    batch_size = min(max(n_rows // _N_STEPS, 64), 256)
    return NetworkSettings(
        hidden_layer_sizes=(32,),
        # scikit-learn divides the penalty by the batch; it is that of the product's batches.
        alpha=batch_size / 256,
        batch_size=batch_size,
        max_epochs=min(max(_N_FITTED // n_rows, _FEWEST_EPOCHS), _MOST_EPOCHS),
    )


def _vectors(requests: Requests, tables: FeatureTables) -> Array:
    def of_some(one: NDArray[Any] | None, part: slice) -> NDArray[Any] | None:
        return None if one is None else one[part]

    parts = []
    for start in range(0, len(requests.user), _CHUNK_ROWS):
        part = slice(start, start + _CHUNK_ROWS)
        some: dict[str, Any] = {name: of_some(one, part) for name, one in vars(requests).items()}
        parts.append(feature_vectors(Requests(**some), tables)[:, 0])
    return np.concatenate(parts)
