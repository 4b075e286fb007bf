"""What a feature is worth: the difference of two scorings of the same samples, with its error."""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.areas import grouped_auc

Numbers = NDArray[np.float64]

N_DRAWS: Final = 200


@dataclass(frozen=True)
class Quality:
    """AUC and GAUC of one scoring, as measured and in each bootstrap draw of the users."""

    auc: float
    gauc: float
    draws: Numbers
    """[2, N_DRAWS]: AUC and GAUC"""
    by_network: Numbers
    """[n_networks]: (AUC + GAUC) / 2 of each network alone"""


@dataclass(frozen=True)
class Difference:
    """How much better one scoring is than another."""

    auc: float
    gauc: float
    auc_error: float
    """standard error, over users"""
    gauc_error: float
    mean_error: float
    """of (AUC + GAUC) / 2"""
    network_variance: float = 0.0
    """what of its variance is the networks' seeds, as far as so few of them show"""

    @property
    def mean(self) -> float:
        """Half of both, which decides."""
        return (self.auc + self.gauc) / 2

    def is_better(self, n_tried: int, network_variance: float = 0.0) -> bool:
        """Say whether it is above zero beyond noise, when that many features are tried.

        One-sided, at 5 % for all of them together (Bonferroni). Noise is which users were drawn,
        and the seeds of the networks.

        >>> Difference(0.002, 0.004, 0.001, 0.001, 0.001).is_better(10)
        True
        """
        error = math.sqrt(self.mean_error**2 + network_variance)
        return self.mean > NormalDist().inv_cdf(1 - 0.05 / max(n_tried, 1)) * error


class Judge:
    """Measures scorings of the same samples over the same draws of users.

    Parameters
    ----------
    label, user : [n]
        `user` is any code per user.
    random_state : int
    """

    def __init__(self, label: Numbers, user: NDArray[np.int64], random_state: int) -> None:
        self._label = label
        _, self._user = np.unique(user, return_inverse=True)
        self.n_users = int(self._user.max()) + 1
        random = np.random.default_rng([random_state, 7])
        draws = random.integers(0, self.n_users, (N_DRAWS, self.n_users))
        self._weights = np.stack([np.bincount(draw, minlength=self.n_users) for draw in draws])

    def measure(self, scores: Numbers) -> Quality:
        """Return the quality of the mean of scorings [n_networks, n]."""
        score = scores.mean(axis=0)
        own, weight = self._per_user(score)
        total = self._weights @ weight
        gauc = (self._weights @ (own * weight)) / np.maximum(total, 1)
        _, level = np.unique(score, return_inverse=True)
        auc = np.array([self._area(level, draw) for draw in self._weights])
        ones = np.ones(self.n_users, np.int64)
        measured, _, _ = grouped_auc(self._label, score, self._user)
        by_network = np.array([self._mean(one, ones) for one in scores])
        return Quality(self._area(level, ones), measured, np.stack([auc, gauc]), by_network)

    def _mean(self, score: Numbers, draw: NDArray[np.int64]) -> float:
        _, level = np.unique(score, return_inverse=True)
        gauc, _, _ = grouped_auc(self._label, score, self._user)
        return (self._area(level, draw) + gauc) / 2

    def _per_user(self, score: Numbers) -> tuple[Numbers, Numbers]:
        """Return AUC and number of samples of each user; 0 of one with a single label."""
        area, weight = np.zeros(self.n_users), np.zeros(self.n_users)
        order = np.argsort(self._user, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(self._user[order])) + 1):
            label = self._label[rows]
            if 0 < label.sum() < len(label):
                user = self._user[rows[0]]
                area[user], _, _ = grouped_auc(label, score[rows], self._user[rows])
                weight[user] = len(rows)
        return area, weight

    def _area(self, level: NDArray[np.int64], draw: NDArray[np.int64]) -> float:
        """Return the AUC where each user counts as often as he is drawn; ties count half."""
        weight = draw[self._user].astype(np.float64)
        n_levels = int(level.max()) + 1
        liked = np.bincount(level, weight * self._label, n_levels)
        other = np.bincount(level, weight * (1 - self._label), n_levels)
        below = np.cumsum(other) - other / 2
        pairs = liked.sum() * other.sum()
        return float(liked @ below / pairs) if pairs else 0.5


def difference(better: Quality, base: Quality) -> Difference:
    """Return the difference of two measured scorings, with paired bootstrap errors over users."""
    draws = better.draws - base.draws
    auc_error, gauc_error = draws.std(axis=1, ddof=1).tolist()
    return Difference(
        better.auc - base.auc,
        better.gauc - base.gauc,
        auc_error,
        gauc_error,
        float(draws.mean(axis=0).std(ddof=1)),
        float((better.by_network - base.by_network).var(ddof=1)) / len(base.by_network),
    )
