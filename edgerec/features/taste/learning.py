"""The maximisation step: items, prior and noise, from the tastes of all users."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.features.taste.items import Beliefs, ridge
from edgerec.features.taste.posterior import Posterior
from edgerec.features.taste.rows import UserRows

Numbers = NDArray[np.float64]
INTERCEPT_COUNT: Final = 3.0
"""how many interactions the prior of an intercept is worth"""
_PRIOR_USERS: Final = 4.0
# Less noise than this share of what the fit starts from is overfitting, and the equations of a
# posterior would be too stiff for float32.
_SMALLEST_NOISE: Final = 0.15
# Penalties of the regression of intercepts on the basis: the constant, and each direction.
_CONSTANT_PENALTY: Final = 0.1
_DIRECTION_PENALTY: Final = 10.0


@dataclass
class Sums:
    """What a pass over the users adds up; Q = 1 + L unknowns per item, intercept first."""

    precision: Numbers
    """[M, Q, Q]"""
    target: Numbers
    """[M, Q]"""
    moment: Numbers
    """[D, D]: of the tastes"""
    squared_error: float = 0.0
    n_users: int = 0
    n_rows: int = 0

    @classmethod
    def nothing(cls, beliefs: Beliefs) -> "Sums":
        """Return zeros."""
        n_items, n_latent = beliefs.latent.shape
        size = 1 + n_latent
        return cls(
            np.zeros((n_items, size, size)),
            np.zeros((n_items, size)),
            np.zeros_like(beliefs.covariance),
        )

    def add(self, rows: UserRows, tastes: Posterior, beliefs: Beliefs) -> None:
        """Add some users' rows and tastes."""
        n_known = beliefs.basis.shape[1]
        moment = tastes.second_moment
        size = self.target.shape[1]
        # Expectations of [1, latent taste] times itself, and times the known part of the taste.
        own = np.empty((rows.n_users, size, size))
        own[:, 0, 0] = 1
        own[:, 0, 1:] = own[:, 1:, 0] = tastes.mean[:, n_known:]
        own[:, 1:, 1:] = moment[:, n_known:, n_known:]
        known = np.concatenate([tastes.mean[:, None, :n_known], moment[:, n_known:, :n_known]], 1)
        of_user = own.reshape(rows.n_users, -1)
        self.precision += (rows.by_user.T @ of_user).reshape(self.precision.shape)
        rest = rows.signal - beliefs.mean - beliefs.expected_intercept[rows.item]
        target = np.empty((len(rest), size), np.float32)
        # One product: of what is left of the signal, and of minus what the basis explains.
        sides = np.concatenate([own[:, 0, None], -known.swapaxes(1, 2)], axis=1, dtype=np.float32)
        table = np.zeros((len(self.target), 1 + n_known), np.float32)
        table[:, 1:] = beliefs.basis
        for user in range(rows.n_users):
            slots = slice(rows.starts[user], rows.starts[user + 1])
            with_rest = table.take(rows.item[slots], axis=0)
            with_rest[:, 0] = rest[slots]
            np.matmul(with_rest, sides[user], out=target[slots])
        self.target += rows.sum_by_item(target.astype(np.float64))
        self.moment += moment.sum(axis=0)
        self.squared_error += tastes.squared_error
        self.n_users += rows.n_users
        self.n_rows += len(rows.item)


def learned(sums: Sums, beliefs: Beliefs, start: Beliefs) -> Beliefs:
    """Return the beliefs of the next round.

    The prior's covariance is shrunk towards that of the start, the latent directions towards 0
    with variance 1, and intercepts towards what the basis lets expect.
    """
    noise = max(sums.squared_error / max(sums.n_rows, 1), _SMALLEST_NOISE * start.noise)
    covariance = (sums.moment + _PRIOR_USERS * start.covariance) / (sums.n_users + _PRIOR_USERS)
    count = sums.precision[:, 0, 0].copy()
    precision = sums.precision.copy()
    diagonal = np.arange(precision.shape[1])
    precision[:, diagonal, diagonal] += np.where(diagonal == 0, INTERCEPT_COUNT, noise)
    inverse = np.linalg.inv(precision)
    solution = np.matmul(inverse, sums.target[:, :, None])[:, :, 0]
    variance = noise * np.diagonal(inverse, axis1=1, axis2=2)
    intercept = beliefs.expected_intercept + solution[:, 0]
    penalty = np.full(beliefs.basis.shape[1], _DIRECTION_PENALTY)
    penalty[0] = _CONSTANT_PENALTY
    sure = count / (count + INTERCEPT_COUNT)
    coefficients = ridge(beliefs.basis, intercept, sure, penalty)
    return Beliefs(
        basis=beliefs.basis,
        latent=solution[:, 1:],
        latent_variance=variance[:, 1:],
        intercept=intercept,
        intercept_variance=variance[:, 0],
        expected_intercept=beliefs.basis @ coefficients,
        coefficients=coefficients,
        coefficients_before=beliefs.coefficients,
        mean=beliefs.mean,
        noise=noise,
        covariance=covariance,
    )
