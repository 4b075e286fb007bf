"""Learns the coarse scores by which the best of a catalogue are found, and measures what they miss.

The graph ranks the whole catalogue for some users, from what training knows of them. A regression
of these scores on what is linear in an item gives the weights: double differences, since a constant
per user changes no order, and a constant per item is found afterwards as a mean. Of the directions
only as many are kept as tell users apart. Then other users say how many of their ten best stand in
the list; it is made longer until nearly all do, and left out where that does not pay.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.export.asked import asked_by, asked_by_newcomer
from edgerec.export.parity import GraphSession
from edgerec.export_settings import Precision
from edgerec.features.neighbours.columns import counted_slots, weightings
from edgerec.features.taste.columns import COLUMNS, N_WEIGHTINGS, part_mask
from edgerec.graph.precision import rounded_rows
from edgerec.schema import Request
from edgerec.train.ranker import Ranker
from edgerec.train.shortlist import NEVER, Shortlist

Array = NDArray[np.float32]
LEAST_RECALL: Final = 0.99
K: Final = 10
_STEPS: Final = 4
"""a list that misses too much is made longer by such a part of what was asked for"""
_LEAST_SHARE: Final = 3
"""a list pays where the catalogue is this many times as long"""
_N_USERS: Final = 48
"""whose rankings are learned from, and as many by whom the list is measured"""
_MOST_SCORES: Final = 3_000_000
"""that are computed for either, where the catalogue is long; of a few users at least"""
_LEAST_USERS: Final = 12
_NEWEST: Final = (None, 20, 5, 1)
"""how much of a history is told in turn, since users of a device begin with nothing"""
_ITEMS_AT_ONCE: Final = 4096
_TASTE_COLUMNS: Final = ("expected", "recently_expected", "content", "popularity", "latent")
_N_TOP: Final = 500
"""best items of each user that the regression reads, and as many others by chance"""
_RIDGE: Final = 0.03
"""per row of the regression, whose columns have variance 1; from .001 to 1 the list is as good"""
_UNEXPLAINED: Final = 1e-3
_MOST_DIRECTIONS: Final = 24


@dataclass(frozen=True)
class ShortlistFound:
    """A list and what it misses."""

    shortlist: Shortlist | None
    why: str
    """why it is as long, or why there is none"""
    recall: float = float("nan")
    """share of the ten best that stand in the list, mean over users"""
    recall_of_all: float = float("nan")
    """the same of as many as may be asked for"""
    n_users: int = 0

    def plain(self) -> dict[str, object]:
        """Return JSON types."""
        if self.shortlist is None:
            return {"n_items": 0, "why": self.why}
        return {
            "n_items": self.shortlist.n_items,
            "largest_k": self.shortlist.largest_k,
            "why": self.why,
            f"recall_at_{K}": round(self.recall, 5),
            f"recall_at_{self.shortlist.largest_k}": round(self.recall_of_all, 5),
            "n_users": self.n_users,
        }


@dataclass(frozen=True)
class _Ranking:
    """What the graph says of every item to one user."""

    request: Request
    logit: Array
    """[M]; row 0 is 0"""


def pays(ranker: Ranker, n_items: int) -> bool:
    """Return whether a list of `n_items` is worth its cost in this catalogue."""
    return 0 < n_items * _LEAST_SHARE <= len(ranker.item_ids)


def not_needed(ranker: Ranker, n_items: int) -> ShortlistFound:
    """Return that there is none, and why."""
    if not n_items:
        return ShortlistFound(None, "none was asked for")
    return ShortlistFound(
        None, f"{len(ranker.item_ids)} items are fewer than {_LEAST_SHARE} times {n_items}"
    )


def find_shortlist(
    ranker: Ranker,
    trained: Ranker,
    session: GraphSession,
    n_items: int,
    precision: Precision,
) -> ShortlistFound:
    """Learn a list of `n_items`, or as many more as it takes, for the catalogue of `ranker`.

    Parameters
    ----------
    ranker : Ranker
        Whose graph `session` is; it has no shortlist yet.
    trained : Ranker
        The same before users were left out: its known histories are asked with.
    """
    fitted, measured = requests_of_users(trained, len(ranker.item_ids))
    if not fitted or not measured:
        return ShortlistFound(None, "training knows no histories to learn it from")
    learned = learned_shortlist(ranker, session, fitted, n_items, precision)
    places = [_places(ranker, learned, one) for one in _rankings(ranker, session, measured)]
    while pays(ranker, learned.n_items):
        recalls = [
            float(np.mean([(place[:k] < learned.n_items).mean() for place in places]))
            for k in (K, learned.largest_k)
        ]
        if recalls[0] >= LEAST_RECALL:
            why = f"the ranker's {K} best stand in it: {recalls[0]:.2%}"
            return ShortlistFound(learned, why, recalls[0], recalls[1], len(places))
        learned = replace(learned, n_items=learned.n_items + max(1, n_items // _STEPS))
    return ShortlistFound(None, f"a short one would miss more than 1 % of the {K} best")


def requests_of_users(trained: Ranker, n_items: int) -> tuple[list[Request], list[Request]]:
    """Return requests to learn from, and others to measure by: of held-out users if there are."""
    n_users = int(np.clip(_MOST_SCORES // n_items, _LEAST_USERS, _N_USERS))
    known = np.flatnonzero(np.diff(trained.known.offsets) > 0)
    random = np.random.default_rng([trained.settings.random_state, 3])
    random.shuffle(known)
    held_out = np.isin(known, trained.held_out.user)
    if held_out.sum() < _LEAST_USERS:
        held_out = np.arange(len(known)) % 2 == 1
    sides = []
    for side in (~held_out, held_out):
        requests = []
        for number, user in enumerate(known[side][:n_users].tolist()):
            newest = _NEWEST[number % len(_NEWEST)]
            requests.append(
                asked_by(trained, user)
                if newest is None
                else asked_by_newcomer(trained, user, newest)
            )
        sides.append(requests)
    return sides[0], sides[1]


def _rankings(
    ranker: Ranker, session: GraphSession, requests: Sequence[Request]
) -> Iterator[_Ranking]:
    for request in requests:
        scores = [np.full(1, 0.5, np.float32)]
        for start in range(0, len(ranker.item_ids), _ITEMS_AT_ONCE):
            some = ranker.item_ids[start : start + _ITEMS_AT_ONCE].tolist()
            scores.append(session.answer(replace(request, item_ids=some, k=1)).scores)
        score = np.clip(np.concatenate(scores).astype(np.float64), 1e-6, 1 - 1e-6)
        yield _Ranking(request, (np.log(score) - np.log1p(-score)).astype(np.float32))


def learned_shortlist(
    ranker: Ranker,
    session: GraphSession,
    requests: Sequence[Request],
    n_items: int,
    precision: Precision,
) -> Shortlist:
    """Return the list that agrees best with how the graph ranks for these requests."""
    rankings = list(_rankings(ranker, session, requests))
    tables, random = ranker.tables, np.random.default_rng([ranker.settings.random_state, 4])
    told = [ranker.tastes_and_slots(*ranker.effective_history(one.request)) for one in rankings]
    linear = _Linear(ranker)
    mean = linear.columns(*told[0]).astype(np.float64)
    for one in told[1:]:
        mean += linear.columns(*one)
    mean /= len(told)
    mean_logit = np.mean([one.logit for one in rankings], axis=0)
    left, right = [], []
    for ranking, one in zip(rankings, told, strict=True):
        best = np.argsort(-ranking.logit[1:], kind="stable")[:_N_TOP] + 1
        rows = np.r_[best, random.integers(1, len(ranking.logit), _N_TOP)]
        own = linear.columns(*one)[rows] - mean[rows]
        logit = ranking.logit[rows] - mean_logit[rows]
        left.append(own - own.mean(axis=0))
        right.append(logit - logit.mean())
    columns, target = np.concatenate(left).astype(np.float64), np.concatenate(right)
    scale = np.maximum(columns.std(axis=0), 1e-9)
    columns /= scale
    system = columns.T @ columns + _RIDGE * len(columns) * np.eye(columns.shape[1])
    weights = np.linalg.solve(system, columns.T @ target) / scale
    # A column that never varied says nothing.
    weights[scale <= 1e-9] = 0
    level = mean_logit - mean @ weights
    level[0] = NEVER
    of_taste, places = linear.directions(weights, np.stack([taste for taste, _, _ in told]))
    directions = np.concatenate([places.T, level[None]]).astype(np.float32)
    if precision != "fp32":
        directions = rounded_rows(directions, "fp16")
    of_neighbours = np.zeros((0, 0), np.float32)
    if tables.neighbours is not None:
        shape = len(tables.neighbours.names), -1
        of_neighbours = weights[linear.n_of_taste :].reshape(shape).astype(np.float32)
    return Shortlist(n_items, directions, of_taste, of_neighbours)


class _Linear:
    """What of a ranker's features is linear in the item, for one user."""

    def __init__(self, ranker: Ranker) -> None:
        self._tables, taste = ranker.tables, ranker.tables.taste
        self._signals, self._mask = len(taste.signals), part_mask(taste)
        self._numbers = [COLUMNS.index(name) for name in _TASTE_COLUMNS]
        self._of_column = [number if number < N_WEIGHTINGS else 0 for number in self._numbers]
        self._places = np.concatenate([taste.basis[-1], *taste.latent[-1]], axis=1)
        n_known, n_latent = taste.basis.shape[2], taste.latent.shape[3]
        self._own = [
            np.r_[0:n_known, n_known + signal * n_latent + np.arange(n_latent)]
            for signal in range(self._signals)
        ]
        self.n_of_taste = self._signals * len(_TASTE_COLUMNS)

    def columns(self, taste: Array, history: NDArray[np.int64], liked: Array) -> Array:
        """Return the columns of each item: float32 [M, n_of_taste + T * weightings]."""
        found = []
        for signal, own in enumerate(self._own):
            by_column = taste[signal, self._of_column].T * self._mask[:, self._numbers]
            found.append(self._places[:, own] @ by_column)
        neighbours = self._tables.neighbours
        if neighbours is not None:
            slots = counted_slots(neighbours, history, liked)
            for table in range(len(neighbours.names)):
                rows = neighbours.rows[-1, history, table]
                weights = neighbours.weights[-1, history, table]
                scattered = np.zeros((len(self._places), len(weightings(neighbours))), np.float32)
                updates = weights[:, :, None] * slots[:, None, :]
                np.add.at(scattered, rows.ravel(), updates.reshape(-1, scattered.shape[1]))
                found.append(scattered)
        return np.concatenate(found, axis=1, dtype=np.float32)

    def directions(self, weights: NDArray[np.float64], tastes: Array) -> tuple[Array, Array]:
        """Return what makes directions of tastes, [S * D * W, R], and items in these, [M, R].

        The directions that users in fact differ in are few: the singular vectors of what `tastes`,
        [users, S, W, D], say of the items.
        """
        n_users, n_signals, n_weightings, size = tastes.shape
        from_taste = np.zeros((n_signals, size, n_weightings, self._places.shape[1]))
        for signal, own in enumerate(self._own):
            for column, (number, weighting) in enumerate(
                zip(self._numbers, self._of_column, strict=True)
            ):
                weight = weights[signal * len(self._numbers) + column]
                from_taste[signal, np.arange(size), weighting, own] += (
                    weight * self._mask[:, number]
                )
        # The first direction is the same for all items, so it moves none.
        from_taste[..., 0] = 0
        by_taste = from_taste.reshape(-1, self._places.shape[1])
        places = self._places.astype(np.float64)
        squares, vectors = np.linalg.eigh(places.T @ places / len(places))
        root = np.sqrt(np.maximum(squares, 0))
        inverse = np.divide(1, root, out=np.zeros_like(root), where=root > 1e-6 * root.max())
        flat = tastes.swapaxes(2, 3).reshape(n_users, -1)
        told = flat @ by_taste @ (vectors * root)
        _, values, kept = np.linalg.svd(told, full_matrices=False)
        left_over = 1 - np.cumsum(values**2) / max(float((values**2).sum()), 1e-30)
        n_kept = min(int((left_over > _UNEXPLAINED).sum()) + 1, _MOST_DIRECTIONS, len(values))
        own = kept[:n_kept].T
        of_taste = by_taste @ (vectors * root) @ own
        items = places @ (vectors * inverse) @ own
        return of_taste.astype(np.float32), items.astype(np.float32)


def _places(ranker: Ranker, shortlist: Shortlist, ranking: _Ranking) -> NDArray[np.int64]:
    """Return where the best items of one user, which he does not have, stand by coarse scores."""
    history, values = ranker.effective_history(ranking.request)
    coarse = ranker.coarse_scores(shortlist, history, values).copy()
    logit = ranking.logit.copy()
    own = np.r_[0, history]
    coarse[own], logit[own] = -np.inf, -np.inf
    place = np.empty(len(coarse), np.int64)
    place[np.argsort(-coarse, kind="stable")] = np.arange(len(coarse))
    n_best = len(ranker.item_ids) // _LEAST_SHARE
    return place[np.argsort(-logit, kind="stable")[:n_best]]
