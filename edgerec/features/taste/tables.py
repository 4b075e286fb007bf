"""What a fitted taste model holds: the directions that a taste has, and where each item lies.

The model, for one signal (the stated value, or the label):

    signal(user, item) = mean + intercept_item + phi_item · taste_user + noise
    phi_item = [1, content directions, popularity, popularity², latent directions]
    taste_user ~ Normal(0, prior covariance),  noise ~ Normal(0, noise variance)

A user's history then gives the posterior of his taste, which is a ridge regression: see
`edgerec.features.taste.columns`.

Axes: F fits (K without a fold of users each, and one of all), S signals, M = n_items + 1 item
rows, C content directions, L latent ones, D = 1 + C + 2 + L.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
SIGNALS: Final = ("value", "liked")
"""what a taste is of; where values say nothing there is only the last"""
N_POPULARITY: Final = 2
"""popularity and its square"""


@dataclass(frozen=True)
class TasteTables:
    """The fits of the taste model; the last one is of all users and goes into the file.

    >>> no_taste(n_items=2).signals
    ('liked',)
    """

    content: Array
    """[M, C]: directions of the items' declared features, the same for every fit"""
    popularity: Array
    """[F, M, 2]"""
    latent: Array
    """[F, S, M, L]: posterior means"""
    latent_variance: Array
    """[F, S, M, L]: how uncertain they are; without it rarely rated items would be overfitted"""
    intercept: Array
    """[F, S, M]"""
    intercept_variance: Array
    """[F, S, M]"""
    coefficients: Array
    """[F, S, D - L]: of the known directions, which let expect the intercept of an item that
    nobody met"""
    mean: Array
    """[F, S]"""
    noise: Array
    """[F, S]: variance of what neither item nor taste explains; above 0"""
    root: Array
    """[F, S, D, D]: lower Cholesky factor of the prior covariance of the tastes"""

    @property
    def signals(self) -> tuple[str, ...]:
        """Names of the signals, of length S."""
        return SIGNALS[-self.mean.shape[1] :]

    @cached_property
    def basis(self) -> Array:
        """The directions that are known before any fit, 1 first: [F, M, D - L]."""
        n_fits, n_rows = self.popularity.shape[:2]
        content = np.broadcast_to(self.content, (n_fits, *self.content.shape))
        ones = np.ones((n_fits, n_rows, 1), np.float32)
        return np.concatenate([ones, content, self.popularity], axis=2)

    @cached_property
    def scaled(self) -> Array:
        """Directions in units of the prior, phi · root: [F, S, M, D].

        In these a taste is Normal(0, 1), and the equations of its posterior are well conditioned.
        """
        n_signals = self.latent.shape[1]
        known = np.repeat(self.basis[:, None], n_signals, axis=1)
        directions = np.concatenate([known, self.latent], axis=3)
        scaled: Array = np.matmul(directions, self.root)
        return scaled

    @cached_property
    def level(self) -> Array:
        """What is expected of an item, whoever asks: [F, S, M]."""
        level: Array = self.mean[:, :, None] + self.intercept
        return level

    @cached_property
    def spread(self) -> Array:
        """Standard deviation of the level: [F, S, M]."""
        return np.sqrt(self.intercept_variance).astype(np.float32)

    @cached_property
    def weight(self) -> Array:
        """What an event with an item says of a taste: [F, S, M]."""
        return (1 / (self.noise[:, :, None] + self.intercept_variance)).astype(np.float32)

    @property
    def parts(self) -> dict[str, slice]:
        """Where each part of a direction stands in it."""
        n_content, n_latent = self.content.shape[1], self.latent.shape[3]
        ends = np.cumsum([1, n_content, N_POPULARITY, n_latent]).tolist()
        return {
            "bias": slice(0, ends[0]),
            "content": slice(ends[0], ends[1]),
            "popularity": slice(ends[1], ends[2]),
            "latent": slice(ends[2], ends[3]),
        }

    def followed_by(self, other: "TasteTables") -> "TasteTables":
        """Return these fits and behind them those of `other`, whose content is the same."""
        others = taste_to_arrays(other)
        joined = {
            name: np.concatenate([array, others[name]])
            for name, array in taste_to_arrays(self).items()
            if name != "content"
        }
        return TasteTables(content=self.content, **joined)

    def full(self) -> "TasteTables":
        """Return the fit of all users alone (F = 1): what the file holds."""
        arrays = taste_to_arrays(self)
        last = {name: array[-1:].copy() for name, array in arrays.items() if name != "content"}
        return TasteTables(content=self.content, **last)


def taste_to_arrays(tables: TasteTables) -> dict[str, Array]:
    """Return the tables as named arrays, for a file."""
    return {name: getattr(tables, name) for name in TasteTables.__dataclass_fields__}


def taste_from_arrays(arrays: Mapping[str, Array]) -> TasteTables:
    """Return the tables that `taste_to_arrays` wrote."""
    return TasteTables(**{name: arrays[name] for name in TasteTables.__dataclass_fields__})


def no_taste(n_items: int, n_fits: int = 1) -> TasteTables:
    """Return tables that say nothing: every taste is 0, whatever the history."""
    rows = n_items + 1
    size = 1 + N_POPULARITY

    def zeros(*shape: int) -> Array:
        return np.zeros((n_fits, *shape), np.float32)

    return TasteTables(
        content=np.zeros((rows, 0), np.float32),
        popularity=zeros(rows, N_POPULARITY),
        latent=zeros(1, rows, 0),
        latent_variance=zeros(1, rows, 0),
        intercept=zeros(1, rows),
        intercept_variance=zeros(1, rows),
        coefficients=zeros(1, size),
        mean=zeros(1),
        noise=zeros(1) + 1,
        root=zeros(1, size, size) + np.eye(size, dtype=np.float32),
    )
