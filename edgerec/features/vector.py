"""The feature vector: static rows and dynamic features, put together in one order.

`edgerec.graph` builds the same vector in the same order out of the same tables.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgerec.context import Context
from edgerec.features import history
from edgerec.features.history import HistoryInputs
from edgerec.features.neighbours.columns import column_names as neighbour_names
from edgerec.features.neighbours.columns import neighbour_features
from edgerec.features.neighbours.tables import Neighbours
from edgerec.features.slots import Slots, what_slots_state
from edgerec.features.statistics import ItemStatistics
from edgerec.features.taste.columns import column_names as taste_names
from edgerec.features.taste.columns import part_mask, taste_columns, tastes
from edgerec.features.taste.lookup import candidate_inputs, taste_inputs
from edgerec.features.taste.tables import TasteTables

Array = NDArray[np.float32]
STATISTIC_NAMES = ("item_mean_value", "item_liked_rate", "item_log_count", "item_root_count")
SECONDS_PER_DAY = 86_400


@dataclass(frozen=True)
class FeatureTables:
    """Everything that features are looked up in; row 0 of each table is the unknown one."""

    user_features: Array
    """[n_users + 1, user width]"""
    item_features: Array
    """[n_items + 1, item width]"""
    content: Array
    """[n_items + 1, item width]: unit directions of the item features"""
    kinds: Array
    """[n_items + 1, C]: how much an item is of each kind; see `edgerec.features.history.profile`"""
    scales: Array
    """[n_items + 1, Q]: where an item stands on its numbers; see `features.history.nearness`"""
    embedding: Array
    """[fits, n_items + 1, D]: unit rows, zero where an item has none; the last fit is of all"""
    audience: Array
    """[K + 1, n_items + 1, A]: unit rows by who interacts with the items; the last fit is of all"""
    statistics: ItemStatistics
    taste: TasteTables
    """of the same folds as the statistics, as `audience` is"""
    label_above: float | None
    """a history value above this counts as liked; None: liked is not known"""
    value_range: tuple[float, float]
    """smallest and largest value in training; what a request states beyond is cut to it"""
    neighbours: Neighbours | None = None
    """item-item weights; None: none were learned"""
    n_text: int = 0
    """the last columns of `item_features` that are the vector of the item's text"""
    texts_beside_kinds: bool = False
    """whether similar items are alike in their texts too, which their kinds do not tell of"""
    n_compared: int = 200
    """newest slots of a history that candidates are compared with; neighbours take all slots"""
    context: Context = field(default_factory=Context)
    """numbers that a request states of its moment"""

    @cached_property
    def item_statistics(self) -> Array:
        """Static columns by STATISTIC_NAMES: [fits, n_items + 1, len(STATISTIC_NAMES)].

        The root of the count tells popular items apart where its logarithm hardly does.
        """
        one = self.statistics
        root_count = np.sqrt(np.expm1(one.log_count))
        columns = [one.mean_value, one.liked_rate, one.log_count, root_count]
        return np.stack(columns, axis=2).astype(np.float32)

    def names(self) -> list[str]:
        """Return the name of each column of the feature vector."""
        return [
            *(f"user_{column}" for column in range(self.user_features.shape[1])),
            *(f"item_{column}" for column in range(self.item_features.shape[1])),
            *STATISTIC_NAMES,
            *history.USER_NAMES,
            *history.profile_names(self.kinds.shape[1]),
            *(f"context_{name}" for name in self.context.names),
            *history.CANDIDATE_NAMES,
            *taste_names(self.taste),
            *(() if self.neighbours is None else neighbour_names(self.neighbours)),
        ]

    def quantities(self) -> list[list[int]]:
        """Return the columns that are one quantity and its parts: those of each taste."""
        names = self.names()
        return [
            [place for place, name in enumerate(names) if name.startswith(f"taste_{signal}_")]
            for signal in self.taste.signals
        ]


@dataclass(frozen=True)
class Requests:
    """G requests as rows: what samples in training and calls on a device have in common."""

    user: NDArray[np.int64]
    """[G]: user rows"""
    candidates: NDArray[np.int64]
    """[G, N]: item rows"""
    history: NDArray[np.int64]
    """[G, H]: item rows, newest first; 0: nothing there"""
    values: Array
    """[G, H]: NaN: not stated"""
    fit: NDArray[np.int64]
    """[G]: which fit of statistics, audiences and tastes may be seen"""
    embedding_fit: NDArray[np.int64]
    """[G]: which fit of the embedding may be seen"""
    as_of: NDArray[np.int64]
    """[G]: the moment that is asked about, Unix seconds"""
    context: Array | None = None
    """[G, C], nothing of it NaN; None: nobody stated any"""


def history_inputs(requests: Requests, tables: FeatureTables) -> HistoryInputs:
    """Look up what the dynamic features read."""
    statistics, candidates = tables.statistics, requests.candidates
    rows = requests.history[:, : tables.n_compared]
    values = requests.values[:, : tables.n_compared]
    fit, embedding_fit = requests.fit[:, None], requests.embedding_fit[:, None]
    slots = what_slots_state(rows, values, tables.value_range, tables.label_above)
    return HistoryInputs(
        present=slots.present,
        stated=slots.stated,
        value=slots.value,
        liked=slots.liked,
        mean_value=_taken(statistics.mean_value, fit, rows),
        liked_rate=_taken(statistics.liked_rate, fit, rows),
        embedding=_taken(tables.embedding, embedding_fit, rows),
        audience=_taken(tables.audience, fit, rows),
        content=tables.content.take(rows, axis=0),
        popularity=history.of_slots(_taken(statistics.log_count, fit, rows)[..., None]),
        scale=history.of_slots(tables.scales.take(rows, axis=0)),
        kinds=tables.kinds.take(rows, axis=0),
        candidate_mean_value=_taken(statistics.mean_value, fit, candidates),
        candidate_liked_rate=_taken(statistics.liked_rate, fit, candidates),
        candidate_embedding=_taken(tables.embedding, embedding_fit, candidates),
        candidate_audience=_taken(tables.audience, fit, candidates),
        candidate_content=tables.content.take(candidates, axis=0),
        candidate_popularity=history.of_candidates(
            _taken(statistics.log_count, fit, candidates)[..., None]
        ),
        candidate_scale=history.of_candidates(tables.scales.take(candidates, axis=0)),
        candidate_age=item_age(requests, statistics),
        prior_value=statistics.prior_value[requests.fit],
        prior_liked_rate=statistics.prior_liked_rate[requests.fit],
        prior_spread=statistics.prior_spread[requests.fit],
    )


def item_age(requests: Requests, statistics: ItemStatistics) -> Array:
    """Return the whole days from each candidate's first interaction to `as_of`, or 0: [G, N].

    Whole, since the graph's logarithm of 1 + a few seconds would be mostly rounding.
    """
    first = _taken(statistics.first_seen, requests.fit[:, None], requests.candidates)
    days = np.maximum(requests.as_of[:, None] - first, 0) // SECONDS_PER_DAY
    age: Array = days.astype(np.float32)
    return age


def liked_slots(requests: Requests, label_above: float | None) -> Array:
    """Return which slots were liked, of all: float32 [G, H]."""
    above = np.inf if label_above is None else label_above
    # What is not stated (NaN) is not above.
    liked: Array = ((requests.history > 0) & (requests.values > np.float32(above))).astype(
        np.float32
    )
    return liked


def _taken(table: NDArray[Any], fit: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[Any]:
    """Return table[fit, rows]; `take` of one axis needs half the time of indexing by two."""
    n_fits, n_rows = table.shape[:2]
    flat = table.reshape(n_fits * n_rows, *table.shape[2:])
    taken: NDArray[Any] = flat.take(fit * n_rows + rows, axis=0)
    return taken


def feature_vectors(requests: Requests, tables: FeatureTables, taste: Array | None = None) -> Array:
    """Return the feature vector of each candidate: float32 [G, N, len(tables.names())].

    `taste` is of each request, [G, S, W, D], where it was solved for already.
    """
    inputs = history_inputs(requests, tables)
    user_dynamic = history.user_features(inputs)
    profile = history.profile(inputs, user_dynamic)
    candidate_dynamic = history.candidate_features(inputs, user_dynamic)
    taste_dynamic = _taste_columns(requests, tables, inputs, taste)
    fit, candidates = requests.fit[:, None], requests.candidates
    shape = candidates.shape
    stated = requests.context
    if stated is None:
        stated = np.broadcast_to(tables.context.defaults, (len(requests.user), len(tables.context)))
    per_user = (tables.user_features[requests.user], user_dynamic, profile, stated)
    user_static, user_history, user_profile, context = (
        np.broadcast_to(part[:, None, :], (*shape, part.shape[1])) for part in per_user
    )
    by_neighbours = (
        []
        if tables.neighbours is None
        else [
            neighbour_features(
                tables.neighbours,
                requests.history,
                liked_slots(requests, tables.label_above),
                candidates,
                requests.fit,
            )
        ]
    )
    return np.concatenate(
        [
            user_static,
            tables.item_features[candidates],
            _taken(tables.item_statistics, fit, candidates),
            user_history,
            user_profile,
            context,
            candidate_dynamic,
            taste_dynamic,
            *by_neighbours,
        ],
        axis=2,
        dtype=np.float32,
    )


def _solved(requests: Requests, tables: FeatureTables, slots: Slots) -> Array:
    rows = requests.history[:, : tables.n_compared]
    signals = slots.of_tastes(tables.label_above)
    return tastes(taste_inputs(tables.taste, requests.fit, rows, *signals))


def _taste_columns(
    requests: Requests, tables: FeatureTables, inputs: HistoryInputs, taste: Array | None
) -> Array:
    if taste is None:
        taste = _solved(
            requests, tables, Slots(inputs.present, inputs.stated, inputs.value, inputs.liked)
        )
    candidates = candidate_inputs(tables.taste, requests.fit, requests.candidates)
    return taste_columns(taste, candidates, part_mask(tables.taste))
