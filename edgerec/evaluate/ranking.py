"""Metrics of ranked lists: how many of a user's relevant items stand on top, and what else does.

U users, k places. Gains are binary. Ties are no matter of these metrics: a list has an order, and
whoever makes it puts equal scores in the order of the catalogue.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from edgerec.evaluate.intervals import Interval, bootstrap_interval

Array = NDArray[np.float64]
NOTHING: Final = -1
"""a place that no item fills, where fewer than k are left to recommend"""
PER_USER: Final = ("ndcg", "recall", "mrr", "hit_rate", "novelty", "diversity")


@dataclass(frozen=True)
class RankedLists:
    """The top of the catalogue for each user, and what was relevant."""

    top: NDArray[np.int64]
    """[U, k]: catalogue positions, best first; NOTHING where there are fewer"""
    hits: NDArray[np.bool_]
    """[U, k]: the item was relevant"""
    n_relevant: NDArray[np.int64]
    """[U]: relevant items of each user, those included that are not in the catalogue; at least 1"""


def per_user_accuracy(lists: RankedLists) -> dict[str, Array]:
    """Return NDCG, recall, MRR and hit rate of each user: float64 [U] each.

    NDCG is the sum of 1 / log2(rank + 1) over the hits, divided by what the best list of k would
    have. Recall is the share of all relevant items that stand in the list. MRR is 1 / rank of the
    first hit, 0 without one. Hit rate is 1 with a hit.

    References
    ----------
    Järvelin and Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques".

    >>> lists = RankedLists(np.array([[4, 2, 7]]), np.array([[False, True, True]]), np.array([4]))
    >>> {name: float(value[0].round(3)) for name, value in per_user_accuracy(lists).items()}
    {'ndcg': 0.531, 'recall': 0.5, 'mrr': 0.5, 'hit_rate': 1.0}
    """
    k = lists.top.shape[1]
    discount = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.cumsum(discount)[np.minimum(lists.n_relevant, k) - 1]
    any_hit = lists.hits.any(axis=1)
    return {
        "ndcg": lists.hits @ discount / ideal,
        "recall": lists.hits.sum(axis=1) / lists.n_relevant,
        "mrr": np.where(any_hit, 1 / (1 + lists.hits.argmax(axis=1)), 0.0),
        "hit_rate": any_hit.astype(np.float64),
    }


def per_user_novelty(top: NDArray[np.int64], n_users_of_item: Array, n_users: int) -> Array:
    """Return the mean self-information of each list in bits: float64 [U].

    An item that a share p of the training users has carries -log2(p): one that half of them
    have, 1 bit. An item that nobody has counts as if half a user had it.

    Parameters
    ----------
    n_users_of_item : [catalogue]
        Training users that have each item.

    References
    ----------
    Zhou et al. 2010, "Solving the apparent diversity-accuracy dilemma of recommender systems".

    >>> per_user_novelty(np.array([[0, 1]]), np.array([4.0, 2.0]), 4).tolist()
    [0.5]
    """
    share = np.maximum(n_users_of_item, 0.5) / max(n_users, 1)
    bits = np.r_[-np.log2(share), 0.0]
    return _mean_of_places(bits[top], top != NOTHING)


def per_user_diversity(top: NDArray[np.int64], item_vectors: csr_matrix) -> Array:
    """Return the mean of 1 - cosine over the pairs of each list: float64 [U]; 0 without a pair.

    Parameters
    ----------
    item_vectors : sparse [catalogue, width]
        Rows of length 1 or 0. Vectors that no model made serve all models alike, such as those
        of who has the item.

    References
    ----------
    Smyth and McClave 2001, "Similarity vs. diversity" (intra-list).

    >>> per_user_diversity(np.array([[0, 1]]), csr_matrix(np.eye(2))).tolist()
    [1.0]
    """
    diversity = np.zeros(len(top))
    for row, places in enumerate(top):
        items = places[places != NOTHING]
        n_pairs = len(items) * (len(items) - 1)
        if n_pairs:
            vectors = item_vectors[items]
            # Every pair twice and each item with itself; the sum needs no matrix of pairs.
            total = np.asarray(vectors.sum(axis=0)).ravel()
            own = vectors.multiply(vectors).sum()
            diversity[row] = 1 - (total @ total - own) / n_pairs
    return diversity


def coverage(top: NDArray[np.int64], n_items: int) -> float:
    """Return the share of the catalogue that stands in at least one list.

    >>> coverage(np.array([[0, 1], [1, -1]]), 4)
    0.5
    """
    return len(np.unique(top[top != NOTHING])) / max(n_items, 1)


@dataclass(frozen=True)
class RankingMetrics:
    """What a model's lists are worth."""

    per_user: dict[str, Array]
    """[U] of each name in PER_USER"""
    coverage: float
    """of the whole, which has no value per user and so no interval"""

    def interval(self, name: str, random_state: int = 0) -> Interval:
        """Return the mean of a metric in PER_USER with its 95 % interval over users."""
        return bootstrap_interval(self.per_user[name], random_state)


def ranking_metrics(
    lists: RankedLists, n_users_of_item: Array, n_users: int, item_vectors: csr_matrix
) -> RankingMetrics:
    """Compute all metrics of the lists."""
    per_user = per_user_accuracy(lists)
    per_user["novelty"] = per_user_novelty(lists.top, n_users_of_item, n_users)
    per_user["diversity"] = per_user_diversity(lists.top, item_vectors)
    return RankingMetrics(per_user, coverage(lists.top, len(n_users_of_item)))


def _mean_of_places(values: Array, filled: NDArray[np.bool_]) -> Array:
    total: Array = (values * filled).sum(axis=1) / np.maximum(filled.sum(axis=1), 1)
    return total
