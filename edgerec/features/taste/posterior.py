"""The expectation step: the posterior taste of each user, from all his rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgerec.features.taste.items import Beliefs
from edgerec.features.taste.rows import UserRows

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Posterior:
    """Normal posteriors of the tastes of U users."""

    mean: Numbers
    """[U, D]"""
    covariance: Numbers
    """[U, D, D]"""
    squared_error: float
    """expected, summed over the rows: of the signal, given tastes and items"""

    @property
    def second_moment(self) -> Numbers:
        """Expectation of taste · tasteᵀ: [U, D, D]."""
        moment: Numbers = self.mean[:, :, None] * self.mean[:, None, :] + self.covariance
        return moment


def posterior(rows: UserRows, beliefs: Beliefs) -> Posterior:
    """Return the tastes of the users of `rows`: a Bayesian ridge regression for each.

    The uncertainty of an item's latent directions enters as more of the prior: an item that
    nobody knows says nothing in them.
    """
    n_known = beliefs.basis.shape[1]
    directions = beliefs.directions[rows.item]
    weight = beliefs.weight[rows.item]
    rest = rows.signal - beliefs.mean - beliefs.intercept[rows.item]
    size = directions.shape[1]
    precision = np.empty((rows.n_users, size, size))
    target = np.empty((rows.n_users, size))
    for user in range(rows.n_users):
        own = slice(rows.starts[user], rows.starts[user + 1])
        weighted = directions[own] * weight[own, None]
        precision[user] = weighted.T @ directions[own]
        target[user] = rest[own] @ weighted
    precision += np.linalg.inv(beliefs.covariance)
    latent = np.arange(n_known, size)
    weighted_variance = beliefs.latent_variance * beliefs.weight[:, None]
    precision[:, latent, latent] += rows.by_user @ weighted_variance
    covariance = np.linalg.inv(precision).astype(np.float64)
    mean = np.matmul(covariance, target[:, :, None])[:, :, 0]
    error = rest - (directions * mean[rows.user]).sum(axis=1)
    squares = error @ error + beliefs.intercept_variance[rows.item].sum()
    for user in range(rows.n_users):
        own = slice(rows.starts[user], rows.starts[user + 1])
        squares += ((directions[own] @ covariance[user]) * directions[own]).sum()
    latent_moment = (mean**2 + np.diagonal(covariance, axis1=1, axis2=2))[:, latent]
    squares += (latent_moment * (rows.by_user @ beliefs.latent_variance)).sum()
    return Posterior(mean, covariance, float(squares))
