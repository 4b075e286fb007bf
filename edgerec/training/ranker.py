"""The fitted ranker, and what it answers: the reference that the exported graph must equal."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier

from edgerec.config import TrainSettings
from edgerec.features.embeddings.text import TextModel
from edgerec.features.similar import direction_of, most_similar, similarity_vectors
from edgerec.features.tables import KnownHistories
from edgerec.features.vector import (
    FeatureTables,
    Requests,
    feature_vectors,
    liked_slots,
)
from edgerec.ids import IdArray, IdType, id_array, padding_id, rows_of
from edgerec.recsys import Id
from edgerec.samples.held_out import NO_SAMPLES, HeldOutSamples
from edgerec.samples.history import newest_distinct
from edgerec.schema import NOT_STATED, Answer, Request
from edgerec.training.network import Weights, score, scoring_network
from edgerec.training.penalty import penalised, popularity_odds
from edgerec.training.shortlist import Shortlist

_CANDIDATE_CHUNK: Final = 2048


@dataclass(frozen=True)
class TrainingFacts:
    """What the ranker was trained on, for the manifest."""

    n_samples: int
    n_interactions: int
    n_users: int
    first_timestamp: int
    last_timestamp: int
    fingerprint: str
    event_values: dict[str, float | None]
    epochs: tuple[dict[str, float], ...] = ()
    """one per epoch: held-out AUC"""
    best_epoch: int = 0
    """number of the epoch (from 1) whose weights are kept; 0: none yet"""


@dataclass(frozen=True)
class Ranker:
    """A fitted ranker: tables, known histories and network weights."""

    settings: TrainSettings
    user_ids: IdArray
    item_ids: IdArray
    user_id_type: IdType
    item_id_type: IdType
    tables: FeatureTables
    """with the statistics of all users alone"""
    known: KnownHistories
    embedding_fit_of_user: NDArray[np.int64]
    """[n_users + 1]: which fit of the embedding the training samples of a user see"""
    weights: Weights
    facts: TrainingFacts
    added_items: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """rows of items that were added after training, ascending"""
    item_rules: Mapping[str, Any] | None = None
    """plain JSON: by what a declared RecSys makes features of items; None: a class makes them"""
    text: TextModel | None = None
    """how the items' texts became vectors; None: they have none"""
    audit: tuple[dict[str, str], ...] = ()
    """what the leak audit found: one finding per check"""
    held_out: HeldOutSamples = NO_SAMPLES
    """what the network was not fitted on: what an export that rounds is judged by"""
    shortlist: Shortlist | None = None
    """how the best of the catalogue are found without ranking it all; None: all is ranked"""

    @cached_property
    def network(self) -> MLPClassifier:
        """scikit-learn's network with the fitted weights."""
        return scoring_network(self.weights)

    @cached_property
    def _similarity_vectors(self) -> NDArray[np.float32]:
        return similarity_vectors(self.tables)

    def replaced(self, **changes: Any) -> "Ranker":
        """Return a copy with other fields."""
        return dataclasses.replace(self, **changes)

    def answer(self, request: Request) -> Answer:
        """Answer as the graph does, step for step; see docs/bundle-format.md for the rules."""
        padding = padding_id(self.item_id_type)
        given = [id_ for id_ in request.item_ids if id_ != padding]
        history, values = self.effective_history(request)
        excluded = {id_ for id_ in request.exclude if id_ != padding}
        alone = not given and self._answers_top_alone(request)
        if given:
            ids = id_array(given, self.item_id_type)
            candidates = rows_of(ids, self.item_ids)
            positions = np.arange(len(ids))
        else:
            candidates = np.arange(1, len(self.item_ids) + 1)
            if alone:
                assert self.shortlist is not None
                of_anchors = self._scored(request, self.shortlist.anchors, history, values)
                coarse = self.coarse_scores(self.shortlist, history, values, of_anchors)
                candidates = self.shortlist.best(coarse, rows_of(excluded, self.item_ids))
            positions = candidates - 1
            ids = self.item_ids[positions]
        scores = self._scored(request, candidates, history, values)
        allowed = np.array([id_ not in excluded for id_ in ids.tolist()], bool)
        order = np.argsort(-scores, kind="stable")
        top = order[allowed[order]]
        if request.k > 0:
            top = top[: request.k]
        n_told = 0 if alone else len(scores)
        similar, cosines = self._similar(request, candidates, allowed)
        return Answer(
            scores[:n_told],
            candidates[:n_told] > 0,
            positions[top],
            ids[top],
            scores[top],
            similar,
            ids[similar],
            cosines,
        )

    def _answers_top_alone(self, request: Request) -> bool:
        """Return whether the best few of the catalogue are asked for, and a list finds them."""
        return self.shortlist is not None and 0 < request.k <= self.shortlist.largest_k

    def coarse_scores(
        self,
        shortlist: Shortlist,
        history: NDArray[np.int64],
        values: NDArray[np.float32],
        of_anchors: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Return the coarse score of each item row, row 0 included; history newest first."""
        slots = self.neighbours_slots(history, values)
        return shortlist.scores(of_anchors, self.tables.neighbours, *slots)

    def neighbours_slots(
        self, history: NDArray[np.int64], values: NDArray[np.float32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return what neighbours read of a history, newest first, and a blank slot behind it.

        Returns
        -------
        rows : int64 [H]
        liked : float32 [H]
        """
        # Neither candidates nor context change what is liked.
        context, nothing = self.tables.context.defaults, np.zeros(0, np.int64)
        requests = self._requests(0, nothing, history, values, 0, context)
        return requests.history[0], liked_slots(requests, self.tables.label_above)[0]

    def similar(
        self, item_ids: Sequence[Id], minus: Sequence[Id] = (), k: int = 10
    ) -> list[tuple[Id, float]]:
        """Return the `k` items of the catalogue most like a sum of items, with their cosines."""
        request = Request(history=[*item_ids, *minus], history_values=_signs(item_ids, minus), k=-k)
        catalogue = np.arange(1, len(self.item_ids) + 1)
        found, cosines = self._similar(request, catalogue, np.ones(len(catalogue), bool))
        ids: list[Id] = self.item_ids[found].tolist()
        return list(zip(ids, cosines.tolist(), strict=True))

    def _similar(
        self, request: Request, candidates: NDArray[np.int64], allowed: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return positions and cosines of the candidates most similar to the request's history."""
        if request.k >= 0:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        own = rows_of(request.history, self.item_ids)
        vectors = self._similarity_vectors
        values = np.full(len(own), np.nan, np.float32)
        stated = list(request.history_values)[: len(own)]
        values[: len(stated)] = stated
        # NaN, which is not stated, is not below 0.
        direction = direction_of(vectors[own], np.where(values < 0, -1, 1).astype(np.float32))
        kept = allowed & ~(np.isin(candidates, own) & (candidates > 0))
        return most_similar(vectors[candidates], direction, kept, -request.k)

    def _user_id(self, request: Request) -> int | str:
        if request.user_id is None:
            return padding_id(self.user_id_type)
        return request.user_id

    def effective_history(self, request: Request) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return item rows and values of what counts as the user's past, newest first."""
        user = int(rows_of([self._user_id(request)], self.user_ids)[0])
        known = slice(int(self.known.offsets[user]), int(self.known.offsets[user + 1]))
        n_given = len(request.history)
        given_values = np.full(n_given, np.nan, np.float32)
        given_times = np.full(n_given, NOT_STATED)
        values_ = list(request.history_values)[:n_given]
        times_ = list(request.history_times)[:n_given]
        given_values[: len(values_)] = values_
        given_times[: len(times_)] = times_
        rows = np.r_[self.known.rows[known], rows_of(request.history, self.item_ids)]
        values = np.r_[self.known.values[known], given_values]
        times = np.r_[self.known.times[known], given_times]
        kept = rows > 0
        if request.now != NOT_STATED:
            kept &= times < request.now
        rows, values = rows[kept], values[kept]
        newest = newest_distinct(rows, self.settings.n_history)
        return rows[newest], values[newest].astype(np.float32)

    def scores(self, request: Request, candidates: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the score of each item row for whoever asks."""
        return self._scored(request, candidates, *self.effective_history(request))

    def _scored(
        self,
        request: Request,
        candidates: NDArray[np.int64],
        history: NDArray[np.int64],
        values: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        context = self.tables.context.row(request.context)
        user = int(rows_of([self._user_id(request)], self.user_ids)[0])
        as_of = self.facts.last_timestamp if request.now == NOT_STATED else request.now
        return np.concatenate(
            [
                self._score_chunk(
                    user,
                    candidates[start : start + _CANDIDATE_CHUNK],
                    history,
                    values,
                    as_of,
                    context,
                )
                for start in range(0, len(candidates), _CANDIDATE_CHUNK)
            ]
        )

    def _score_chunk(
        self,
        user: int,
        candidates: NDArray[np.int64],
        history: NDArray[np.int64],
        values: NDArray[np.float32],
        as_of: int,
        context: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        requests = self._requests(user, candidates, history, values, as_of, context)
        scores = score(self.network, self.weights, feature_vectors(requests, self.tables)[0])
        penalty = self.settings.popularity_penalty
        if not penalty:
            return scores
        log_count = self.tables.statistics.log_count[-1]
        return penalised(scores, popularity_odds(log_count, penalty)[candidates])

    @staticmethod
    def _requests(
        user: int,
        candidates: NDArray[np.int64],
        history: NDArray[np.int64],
        values: NDArray[np.float32],
        as_of: int,
        context: NDArray[np.float32],
    ) -> Requests:
        """Return one request as rows; a blank slot stands behind the oldest."""
        return Requests(
            user=np.array([user]),
            candidates=candidates[None],
            history=np.r_[history, 0][None],
            values=np.r_[values, np.float32(np.nan)][None],
            fit=np.zeros(1, np.int64),
            embedding_fit=np.zeros(1, np.int64),
            as_of=np.array([as_of], np.int64),
            context=context[None],
        )


def _signs(item_ids: Sequence[Id], minus: Sequence[Id]) -> list[float]:
    return [1.0] * len(item_ids) + [-1.0] * len(minus)
