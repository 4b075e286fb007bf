"""AUC, GAUC and log loss of several scores on the same rows, with intervals over users.

Users are drawn with replacement and all scores are measured on the same draws, so that the
difference of two has its own interval, which is far narrower than theirs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from edgerec.evaluate.intervals import Interval

Array = NDArray[np.float64]

# Rows times draws that an interval of the AUC may take: half a minute on one core.
_WORK: Final = 2e8
_MOST_DRAWS: Final = 1000
_FEWEST_DRAWS: Final = 100
_TAIL_PERCENT: Final = 2.5
_SMALLEST: Final = 1e-15


@dataclass(frozen=True)
class RowQuality:
    """How well one score tells the labels of rows apart."""

    auc: Interval
    gauc: Interval | None
    """None: no user has both labels"""
    log_loss: Interval | None
    """None: the score is no probability"""
    auc_difference: Interval | None = None
    """AUC of the first score minus this one's; None for the first itself"""
    gauc_difference: Interval | None = None
    """GAUC likewise"""


@dataclass(frozen=True)
class _Draws:
    auc: Array
    gauc: Array
    log_loss: Array


def row_qualities(
    label: Array,
    scores: Mapping[str, Array],
    user: NDArray[np.int64],
    *,
    probabilities: frozenset[str] | set[str] = frozenset(),
    random_state: int = 0,
) -> dict[str, RowQuality]:
    """Measure each score on the same rows and the same draws of users.

    Parameters
    ----------
    label, user : [n]
        Both labels occur. `user` is any code per user.
    scores : mapping of name to [n]
        The first is the one that the others are compared with.
    probabilities : set of str
        Names of the scores that are probabilities, and so have a log loss.

    Notes
    -----
    Drawing a user k times is weighing his rows by k: no row is copied. Draws in which all rows
    have one label have no AUC and are left out.

    References
    ----------
    Efron and Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3 (percentiles).
    """
    codes, user = np.unique(user, return_inverse=True)
    n_users = len(codes)
    n_draws = int(np.clip(_WORK / len(label), _FEWEST_DRAWS, _MOST_DRAWS))
    random = np.random.default_rng(random_state)
    weights = random.multinomial(n_users, np.full(n_users, 1 / n_users), n_draws).astype(np.float64)
    # The first draw takes every user once: it is the estimate itself.
    weights = np.concatenate([np.ones((1, n_users)), weights])
    measured = {
        name: _draws(label, np.asarray(score, np.float64), user, weights)
        for name, score in scores.items()
    }
    first = next(iter(measured.values()))
    return {
        name: RowQuality(
            auc=_interval(draws.auc),
            gauc=None if np.isnan(draws.gauc[0]) else _interval(draws.gauc),
            log_loss=_interval(draws.log_loss) if name in probabilities else None,
            auc_difference=None if draws is first else _interval(first.auc - draws.auc),
            gauc_difference=None
            if draws is first or np.isnan(draws.gauc[0])
            else _interval(first.gauc - draws.gauc),
        )
        for name, draws in measured.items()
    }


def _interval(draws: Array) -> Interval:
    low, high = np.nanpercentile(draws[1:], [_TAIL_PERCENT, 100 - _TAIL_PERCENT])
    return Interval(float(draws[0]), float(low), float(high))


def _draws(label: Array, score: Array, user: NDArray[np.int64], weights: Array) -> _Draws:
    n_users = weights.shape[1]
    area, count = _area_per_user(label, score, user, n_users)
    probability = np.clip(score, _SMALLEST, 1 - _SMALLEST)
    loss = -np.where(label == 1, np.log(probability), np.log1p(-probability))
    loss_of_user = np.bincount(user, loss, n_users)
    rows_of_user = np.bincount(user, minlength=n_users).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return _Draws(
            auc=_weighted_areas(label, score, user, weights),
            gauc=weights @ (area * count) / (weights @ count),
            log_loss=weights @ loss_of_user / (weights @ rows_of_user),
        )


def _weighted_areas(label: Array, score: Array, user: NDArray[np.int64], weights: Array) -> Array:
    """Return the pooled AUC under each row of `weights` [draws, users]."""
    order = np.argsort(score, kind="stable")
    label, score, user = label[order], score[order], user[order]
    starts = np.flatnonzero(np.r_[True, score[1:] != score[:-1]])
    areas = np.empty(len(weights))
    for draw, weight_of_user in enumerate(weights):
        weight = weight_of_user[user]
        positive = np.add.reduceat(weight * label, starts)
        negative = np.add.reduceat(weight * (1 - label), starts)
        below = np.cumsum(negative) - negative / 2
        with np.errstate(invalid="ignore"):
            areas[draw] = positive @ below / (positive.sum() * negative.sum())
    return areas


def _area_per_user(
    label: Array, score: Array, user: NDArray[np.int64], n_users: int
) -> tuple[Array, Array]:
    """Return each user's AUC and number of rows; both 0 where he has one label."""
    area, count = np.zeros(n_users), np.zeros(n_users)
    order = np.argsort(user, kind="stable")
    label, score, user = label[order], score[order], user[order]
    bounds = np.flatnonzero(np.r_[True, user[1:] != user[:-1], True])
    for start, end in pairwise(bounds.tolist()):
        n, n_positive = end - start, label[start:end].sum()
        if 0 < n_positive < n:
            ranks = rankdata(score[start:end])[label[start:end] == 1].sum()
            pairs = n_positive * (n - n_positive)
            area[user[start]] = (ranks - n_positive * (n_positive + 1) / 2) / pairs
            count[user[start]] = n
    return area, count
