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
    second_moment: Numbers
    """[U, D, D]: expectation of taste · tasteᵀ"""
    squared_error: float
    """expected, summed over the rows: of the signal, given tastes and items"""


def posterior(rows: UserRows, beliefs: Beliefs) -> Posterior:
    """Return the tastes of the users of `rows`: a Bayesian ridge regression for each.

    The uncertainty of an item's latent directions enters as more of the prior: an item that
    nobody knows says nothing in them.
    """
    n_known = beliefs.basis.shape[1]
    directions = beliefs.directions
    size = directions.shape[1]
    # The signal's rest stands beside the directions, so that one product of a user's rows with
    # themselves (which takes half of another's time) gives all sums over them; one more gives the
    # weighted ones. What rows take from tables stays in the processor's cache. The sums are of
    # float32, which halves their time; what is far smaller than its parts is computed of float64.
    beside = np.zeros((len(directions), size + 1), np.float32)
    beside[:, :size] = directions
    root_weight = np.sqrt(beliefs.weight).astype(np.float32)
    rest = rows.signal - beliefs.mean - beliefs.intercept[rows.item]
    tables = beside, beside * root_weight[:, None]
    columns = rest.astype(np.float32), (rest * root_weight[rows.item]).astype(np.float32)
    sums = np.empty((2, rows.n_users, size + 1, size + 1), np.float32)
    for user in range(rows.n_users):
        own = slice(rows.starts[user], rows.starts[user + 1])
        for table, column, total in zip(tables, columns, sums, strict=True):
            part = table.take(rows.item[own], axis=0)
            part[:, size] = column[own]
            np.matmul(part.T, part, out=total[user])
    gram, unweighted = sums[0, :, :size, :size], sums[0, :, :size, size]
    precision, target = sums[1, :, :size, :size], sums[1, :, :size, size:].astype(np.float64)
    precision += np.linalg.inv(beliefs.covariance).astype(np.float32)
    latent = np.arange(n_known, size)
    weighted_variance = beliefs.latent_variance * beliefs.weight[:, None]
    precision[:, latent, latent] += rows.by_user @ weighted_variance
    covariance = np.linalg.inv(precision).astype(np.float64)
    mean = np.matmul(covariance, target)[:, :, 0]
    moment = mean[:, :, None] * mean[:, None, :] + covariance
    # Over a user's rows: of (rest - direction · taste)², taste being uncertain.
    squares = rest @ rest - 2 * np.vdot(mean, unweighted) + np.vdot(gram, moment)
    # And what the items' own uncertainty adds.
    squares += beliefs.intercept_variance[rows.item].sum()
    latent_moment = moment[:, latent, latent]
    squares += (latent_moment * (rows.by_user @ beliefs.latent_variance)).sum()
    return Posterior(mean, covariance, moment, float(squares))
