"""Learns coarse scores from rankings: where items lie, and which few tell where a user's best are.

A ranker's logits are, among the best items of one user, nearly linear in what is known of items:
their vectors, tastes and statistics. So a regression of his rankings gives each user a direction.
Users differ in few directions, the singular vectors of theirs. Which of these is a user's is
estimated from the ranker's scores of some items, the anchors, as the posterior of a regression
whose prior are the users learned from; the anchors are those that leave the least uncertainty
about the best items of users. See Yadav et al., Efficient Nearest Neighbor Search for
Cross-Encoder Models using Matrix Factorization, EMNLP 2022, who draw them by chance.

Axes: M item rows, X columns of an item, R directions, A anchors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.export.item_columns import ItemColumns
from edgerec.export_settings import Precision
from edgerec.features.neighbours.columns import counted_slots, weightings
from edgerec.graph.precision import rounded_rows
from edgerec.schema import Request
from edgerec.training.ranker import Ranker
from edgerec.training.shortlist import NEVER, Shortlist

Array = NDArray[np.float32]
Wide = NDArray[np.float64]
N_TOP: Final = 4000
"""best items of each user that the regression reads: at most a part of all, and some of"""
_PART: Final = 6
_LEAST_TOP: Final = 500
_BY_CHANCE: Final = 4
"""one item by chance for as many of the best"""
_RIDGE: Final = 1e-3
"""per row of a user's regression, whose columns have variance 1"""
_NEIGHBOURS_RIDGE: Final = 0.03
"""the same of neighbours' columns, for all users together"""
_N_POOL: Final = 2000
"""items that anchors are chosen among"""
_POOL_TOP: Final = 1000
"""best items of each user that the pool is drawn from"""
_SAME_FOR_ALL: Final = 100.0
"""variance of what is added to all logits of a user: it is not to be told from anchors"""


@dataclass(frozen=True)
class Ranking:
    """What the graph says of items to one user."""

    request: Request
    logit: Array
    """[M]: of every item; row 0, which is none, has any"""


class CoarseScores:
    """Learns from one user's ranking after another."""

    def __init__(self, ranker: Ranker, whole: Sequence[Ranking]) -> None:
        """Learn from users for whom every item was ranked."""
        self._ranker, self._items = ranker, ItemColumns(ranker.tables)
        self._whitening = self._items.whitening()
        self._random = np.random.default_rng([ranker.settings.random_state, 4])
        self._weights: list[Wide] = []
        self._best: list[tuple[NDArray[np.int64], Array]] = []
        """of each user: rows of his best items, and their logits without neighbours"""
        self._of_neighbours = np.zeros((0, 0), np.float32)
        self._level: Wide = np.mean([one.logit for one in whole], axis=0, dtype=np.float64)
        if ranker.tables.neighbours is not None:
            self._level -= self._learn_neighbours(whole)
        for one in whole:
            best = self.worth_reading(one.request, one.logit)
            self.add(one.request, best, one.logit[best])

    def worth_reading(self, request: Request, scores: Array) -> NDArray[np.int64]:
        """Return the rows of the best of all items by scores, without the user's, and some more."""
        scores = scores.copy()
        scores[np.r_[0, self._ranker.effective_history(request)[0]]] = -np.inf
        n_items = len(scores) - 1
        n_top = min(int(np.clip(n_items // _PART, _LEAST_TOP, N_TOP)), n_items)
        best = np.argpartition(-scores[1:], n_top - 1)[:n_top] + 1
        by_chance = self._random.integers(1, len(scores), n_top // _BY_CHANCE)
        return np.concatenate([best, by_chance])

    def add(self, request: Request, rows: NDArray[np.int64], logit: Array) -> None:
        """Learn from one user, for whom the rows that are `worth_reading` were ranked."""
        n_top = len(rows) * _BY_CHANCE // (_BY_CHANCE + 1)
        best = np.argsort(-logit[:n_top], kind="stable")[:_POOL_TOP]
        logit = logit - self._by_neighbours(request)[rows]
        columns = self._items.rows(rows).astype(np.float64)
        target = logit - self._level[rows]
        self._weights.append(_solved(columns - columns.mean(axis=0), target - target.mean()))
        self._best.append((rows[best], logit[best]))

    def shortlist(
        self, n_items: int, n_anchors: int, n_directions: int, precision: Precision
    ) -> Shortlist:
        """Return a list of `n_items` by as many directions at most, or fewer."""
        weights = np.stack(self._weights)
        mean = weights.mean(axis=0)
        root, inverse = self._whitening
        _, _, kept = np.linalg.svd((weights - mean) @ root, full_matrices=False)
        kept = kept[:n_directions].T
        of_users = (weights - mean) @ root @ kept
        prior = of_users.T @ of_users / len(of_users)
        to_places = np.concatenate([inverse @ kept, mean[:, None]], axis=1)
        directions = np.empty((to_places.shape[1], len(self._level)), np.float32)
        for rows in self._items.blocks():
            directions[:, rows] = (self._items.rows(rows) @ to_places).T
        directions[-1] += self._level
        directions[-1, 0] = NEVER
        noise = self._noise(directions, of_users)
        anchors = self._chosen(directions, prior, noise, n_anchors)
        places = directions[:-1, anchors].T.astype(np.float64)
        system = places @ prior @ places.T + _SAME_FOR_ALL + noise * np.eye(len(anchors))
        of_anchors = np.linalg.solve(system, places @ prior).astype(np.float32)
        if precision != "fp32":
            directions = rounded_rows(directions, "fp16")
        return Shortlist(n_items, anchors, of_anchors, directions, self._of_neighbours)

    def _noise(self, directions: Array, of_users: Wide) -> float:
        """Return the variance of what directions leave unexplained among a user's best items."""
        left = []
        for (rows, logit), own in zip(self._best, of_users, strict=True):
            left.append(np.var(logit - directions[-1, rows] - own @ directions[:-1, rows]))
        return max(float(np.mean(left)), 1e-6)

    def _chosen(
        self, directions: Array, prior: Wide, noise: float, n_anchors: int
    ) -> NDArray[np.int64]:
        """Return rows, ascending, whose scores leave the least uncertainty about the best items.

        One after the other: that which most reduces the mean variance of all items of a pool.
        """
        best = np.concatenate([rows for rows, _ in self._best])
        pool = np.unique(self._random.choice(best, min(2 * _N_POOL, len(best)), replace=False))
        pool = np.sort(self._random.permutation(pool)[:_N_POOL])
        places = directions[:-1, pool].T.astype(np.float64)
        spread = places.T @ places / len(places)
        uncertain, free = prior.copy(), np.ones(len(pool), bool)
        chosen = []
        for _ in range(min(n_anchors, len(pool))):
            told = places @ uncertain
            variance = (told * places).sum(axis=1) + noise
            gain = np.where(free, ((told @ spread) * told).sum(axis=1) / variance, -1)
            place = int(np.argmax(gain))
            free[place] = False
            chosen.append(pool[place])
            uncertain -= np.outer(told[place], told[place]) / variance[place]
        return np.sort(np.array(chosen, np.int64))

    def _learn_neighbours(self, whole: Sequence[Ranking]) -> Wide:
        """Learn what neighbours count, and return what they add for these users on average: [M].

        What the items' columns explain for each user is taken out of both sides first.
        """
        neighbours = self._ranker.tables.neighbours
        assert neighbours is not None
        added = [self._neighbour_columns(one.request) for one in whole]
        mean_added: Wide = np.mean(added, axis=0, dtype=np.float64)
        n_columns = mean_added.shape[1]
        squares, products = np.zeros((n_columns, n_columns)), np.zeros(n_columns)
        n_rows = 0
        for one, own in zip(whole, added, strict=True):
            rows = self.worth_reading(one.request, one.logit)
            columns = self._items.rows(rows).astype(np.float64)
            logit = one.logit[rows] - self._level[rows]
            target = np.column_stack([logit, own[rows] - mean_added[rows]])
            columns -= columns.mean(axis=0)
            target -= target.mean(axis=0)
            target -= columns @ _solved(columns, target)
            squares += target[:, 1:].T @ target[:, 1:]
            products += target[:, 1:].T @ target[:, 0]
            n_rows += len(rows)
        scale = np.sqrt(np.maximum(np.diag(squares) / n_rows, 1e-12))
        squares /= np.outer(scale, scale)
        ridge = _NEIGHBOURS_RIDGE * n_rows * np.eye(n_columns)
        weights = np.linalg.solve(squares + ridge, products / scale) / scale
        # A column that never varied says nothing.
        weights[scale <= 1e-6] = 0
        shape = len(neighbours.names), -1
        self._of_neighbours = weights.reshape(shape).astype(np.float32)
        of_mean: Wide = mean_added @ weights
        return of_mean

    def _neighbour_columns(self, request: Request) -> Array:
        """Return what his history's neighbours add to each item: float32 [M, T * weightings]."""
        neighbours = self._ranker.tables.neighbours
        assert neighbours is not None
        history, liked = self._ranker.neighbours_slots(*self._ranker.effective_history(request))
        slots = counted_slots(neighbours, history, liked)
        n_tables, n_weightings = len(neighbours.names), len(weightings(neighbours))
        found = np.zeros((len(self._level), n_tables, n_weightings), np.float32)
        for table in range(n_tables):
            rows = neighbours.rows[-1, history, table]
            weights = neighbours.weights[-1, history, table]
            updates = weights[:, :, None] * slots[:, None, :]
            np.add.at(found[:, table], rows.ravel(), updates.reshape(-1, n_weightings))
        return found.reshape(len(found), -1)

    def _by_neighbours(self, request: Request) -> Array:
        if not self._of_neighbours.size:
            return np.zeros(len(self._level), np.float32)
        found = self._neighbour_columns(request) @ self._of_neighbours.ravel()
        return found.astype(np.float32)


def _solved(columns: Wide, target: Wide) -> Wide:
    """Return the weights of a ridge regression."""
    system = columns.T @ columns + _RIDGE * len(columns) * np.eye(columns.shape[1])
    return np.asarray(np.linalg.solve(system, columns.T @ target), np.float64)
