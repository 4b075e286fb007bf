"""What a round of the fit believes: of the items, of the tastes' prior, and of the noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Beliefs:
    """The parameters of one fit of one signal; M item rows, B known directions, L latent ones."""

    basis: Numbers
    """[M, B]: 1, content and popularity"""
    latent: Numbers
    """[M, L]"""
    latent_variance: Numbers
    """[M, L]"""
    intercept: Numbers
    """[M]"""
    intercept_variance: Numbers
    """[M]"""
    expected_intercept: Numbers
    """[M]: what an item's directions alone let expect; the intercept is shrunk towards it"""
    coefficients: Numbers
    """[B]: of the basis, by which intercepts are expected"""
    coefficients_before: Numbers
    """[B]: those by which `intercept` was expected; an item that nobody met has that alone"""
    mean: float
    noise: float
    covariance: Numbers
    """[D, D]: the prior's, D = B + L"""

    @property
    def directions(self) -> Numbers:
        """[M, D]."""
        return np.concatenate([self.basis, self.latent], axis=1)

    @property
    def weight(self) -> Numbers:
        """What an interaction with each item says of a taste: [M]."""
        weight: Numbers = 1 / (self.noise + self.intercept_variance)
        return weight


def ridge(basis: Numbers, target: Numbers, weight: Numbers, penalty: Numbers) -> Numbers:
    """Return the coefficients of a weighted ridge regression: float64 [B].

    >>> ridge(np.ones((2, 1)), np.array([1.0, 3.0]), np.ones(2), np.array([0.0])).tolist()
    [2.0]
    """
    weighted = basis * weight[:, None]
    precision = basis.T @ weighted + np.diag(penalty)
    return np.linalg.solve(precision, weighted.T @ target).astype(np.float64)
