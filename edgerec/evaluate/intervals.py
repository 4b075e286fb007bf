"""Intervals by bootstrap over users, for one model and for the difference of two."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.errors import EvaluationError

Array = NDArray[np.float64]

_RESAMPLES: Final = 1000
_LEVEL: Final = 0.95
# Users drawn at a time: bounds the array of drawn users.
_DRAWN: Final = 1_000_000


@dataclass(frozen=True)
class Interval:
    """A mean over users and where it would lie for other users of the same kind."""

    mean: float
    low: float
    """2.5 % of the resampled means lie below"""
    high: float
    """2.5 % of the resampled means lie above"""


def bootstrap_interval(
    per_user: Array, random_state: int = 0, n_resamples: int = _RESAMPLES
) -> Interval:
    """Return the mean of `per_user` [n] with its 95 % interval.

    Users are drawn with replacement, since the rows of one user are alike and users are not.

    Raises
    ------
    EvaluationError
        There is no user.

    References
    ----------
    Efron and Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3 (percentiles).

    >>> bootstrap_interval(np.array([1.0, 1.0, 1.0]))
    Interval(mean=1.0, low=1.0, high=1.0)
    """
    n_users = len(per_user)
    if not n_users:
        raise EvaluationError(
            "There is no user to resample. Check that the test table holds rows that count."
        )
    random = np.random.default_rng(random_state)
    means = []
    step = max(1, _DRAWN // n_users)
    for start in range(0, n_resamples, step):
        size = (min(step, n_resamples - start), n_users)
        means.append(per_user[random.integers(0, n_users, size)].mean(axis=1))
    tail = 100 * (1 - _LEVEL) / 2
    low, high = np.percentile(np.concatenate(means), [tail, 100 - tail])
    return Interval(float(per_user.mean()), float(low), float(high))


def paired_interval(
    first: Array, second: Array, random_state: int = 0, n_resamples: int = _RESAMPLES
) -> Interval:
    """Return the mean of `first` - `second` with its 95 % interval; both are of the same users.

    Pairing takes out what makes a user easy or hard for both, so it tells apart what two separate
    intervals do not. The difference counts where 0 lies outside of the interval.

    Parameters
    ----------
    first, second : float64 [n]
        The same metric of two models, in the same order of users.

    Raises
    ------
    EvaluationError
        The lengths differ, or there is no user.

    >>> paired_interval(np.array([0.3, 0.9]), np.array([0.1, 0.7])).mean.__round__(3)
    0.2
    """
    if len(first) != len(second):
        raise EvaluationError(
            f"A paired comparison needs the same users for both, but one has {len(first)} and the "
            f"other {len(second)}. Evaluate both on the same test table."
        )
    return bootstrap_interval(
        np.asarray(first, np.float64) - second, random_state, n_resamples=n_resamples
    )
