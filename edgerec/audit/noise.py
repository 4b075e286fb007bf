"""Whether a static feature knows the noise in the labels of the samples themselves.

An honest feature of an item, however strong, says how good the item is; of the chance in the
labels of its samples it says nothing. So what it leaves unexplained of two samples of one item
cannot pull in opposite directions: the covariance of two residuals within an item is the variance
of what is not known of the item, which is at least 0. A mean over the samples knows their chance.
Its residuals add up to 0 within each item, so two of an item with n samples have the covariance
-variance / (n - 1): the fewer samples an item has, the more is seen of it.

This is the bound of classical test theory: nothing correlates with a mean by more than the square
root of that mean's reliability (Spearman 1904, "The proof and measurement of association between
two things"), tested on pairs of samples, among items with about as many samples each.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.audit.groups import FloatArray, Groups

# Below, even a mean over the samples could not be told from chance.
N_GROUPS_NEEDED: Final = 60
_MAX_GROUPS: Final = 5_000
_N_KNOTS: Final = 4
# Directions of the regression that are this much smaller than the largest are taken for none.
_COLLINEAR: Final = 1e-9
# A feature is found out where it knows this much of the noise, and this surely: see
# docs/leak-audit.md for what was measured.
_SHARE: Final = 0.25
_DEVIATIONS: Final = 4.0
# Labels are balanced by design where sizes alone know this much: half as much, nearly as surely.
_BALANCED_SHARE: Final = 0.12
_BALANCED_DEVIATIONS: Final = 3.0


@dataclass(frozen=True)
class Known:
    """How much of the noise something knows."""

    share: float
    """part of the noise in the groups' means that is known: 0 honest, 1 a mean over the samples;
    negative: the groups differ in what is not known of them"""
    deviations: float
    """how far the covariance is below 0, in standard deviations of an honest one"""

    @property
    def too_much(self) -> bool:
        """Whether no honest feature knows that much."""
        return self.share >= _SHARE and self.deviations >= _DEVIATIONS

    @property
    def balanced(self) -> bool:
        """Whether sizes alone know so much that labels must be balanced within the groups."""
        return self.share >= _BALANCED_SHARE and self.deviations >= _BALANCED_DEVIATIONS

    @property
    def weight(self) -> float:
        """How near it is to `too_much`: 1 is the border."""
        return min(self.share / _SHARE, self.deviations / _DEVIATIONS)


def known_noise(groups: Groups, feature: FloatArray | None) -> Known | None:
    """Return the most that `feature` knows, over classes of groups of like size.

    Parameters
    ----------
    groups : Groups
        [n]: the groups that are compared.
    feature : float64 [n] or [n, width], optional
        None: what the groups' sizes alone know, which is above 0 where labels are balanced by
        design, for example a fixed number of negatives per user.

    Returns
    -------
    Known or None
        None: there are too few groups to tell.

    >>> random = np.random.default_rng(0)
    >>> label = random.random((500, 4)) < 0.5
    >>> groups = Groups(
    ...     np.full(500, 4.0), label.sum(axis=1) - 2.0, np.full(500, 1.0), np.zeros(500))
    >>> known_noise(groups, label.mean(axis=1)).too_much, known_noise(groups, None).too_much
    (True, False)
    """
    parts = []
    for rows in _classes(groups.n):
        size = groups[rows]
        columns = [np.ones(len(rows)), 1 / size.n, size.other / size.n]
        if feature is not None:
            columns += _basis(feature[rows], size.n)
        part = _covariance(size, np.column_stack(columns))
        if part is not None:
            parts.append(part)
    # Each class alone, and the first few together: noise is seen best where samples are few.
    sums = [*parts, *np.cumsum(np.reshape(parts, (-1, 3)), axis=0)]
    found = [Known(float(-one[0] / one[1]), float(-one[0] / np.sqrt(one[2]))) for one in sums]
    return max(found, key=lambda one: one.weight, default=None)


def _classes(n: FloatArray) -> list[NDArray[np.int64]]:
    """Return the rows of groups of like size, enough of them in each class.

    A shrunk mean means another thing where there are more samples, so that one regression would
    not fit both.
    """
    order = np.argsort(n, kind="stable")
    order = order[n[order] >= 2]
    sizes, bounds = n[order], [0]
    while bounds[-1] < len(order):
        start = bounds[-1]
        like = int(np.searchsorted(sizes, 2 * sizes[start], side="right"))
        bounds.append(max(like, start + N_GROUPS_NEEDED))
    if len(bounds) > 2 and len(order) - bounds[-2] < N_GROUPS_NEEDED:
        del bounds[-2]
    parts = np.split(order, bounds[1:-1])
    return [part[:: -(-len(part) // _MAX_GROUPS)] for part in parts if len(part) >= N_GROUPS_NEEDED]


def _basis(feature: FloatArray, n: FloatArray) -> list[FloatArray]:
    """Return columns whose combinations follow any smooth function of the feature."""
    if feature.ndim == 2:
        varies = np.ptp(feature, axis=0) > 0
        return list(feature[:, varies].T)
    if np.isin(feature, (feature.min(), feature.max())).all():
        return [feature]
    # A sum over samples tells as much as a mean, to whoever knows their number.
    return [*_hinges(feature), *_hinges(feature / n)]


def _hinges(feature: FloatArray) -> list[FloatArray]:
    spread = feature.std()
    if not spread:
        return []
    scaled = (feature - feature.mean()) / spread
    knots = np.unique(np.quantile(scaled, np.arange(1, _N_KNOTS + 1) / (_N_KNOTS + 1)))
    return [scaled, *(np.maximum(scaled - knot, 0) for knot in knots)]


def _covariance(groups: Groups, columns: FloatArray) -> FloatArray | None:
    """Test the covariance within groups, after regression of their means on `columns` [n, k].

    Returns
    -------
    float64 [3]
        Sum of the covariances; minus what it is for a mean over the samples; its variance for an
        honest feature that knows all of the groups.
    """
    n = groups.n
    if columns.shape[1] > len(n) // 4:
        return None
    scaled = columns * np.sqrt(n)[:, None]
    length = np.sqrt((scaled**2).sum(axis=0))
    columns, scaled = columns[:, length > 0], scaled[:, length > 0]
    columns, scaled = columns / length[length > 0], scaled / length[length > 0]
    strength, direction = np.linalg.eigh(scaled.T @ scaled)
    direction = direction[:, strength > _COLLINEAR * strength[-1]]
    strength = strength[strength > _COLLINEAR * strength[-1]]
    solved = direction @ (direction.T @ (columns.T @ groups.total) / strength)
    fitted = columns @ solved
    # The pairs of a group: the square of its sum less its squares, by its size to weigh equally.
    total = groups.total - n * fitted
    squares = groups.squares - 2 * fitted * groups.total + n * fitted**2
    pairs = (total**2 - squares) / n
    variance = np.maximum(groups.squares - groups.total**2 / n, 0).sum() / (n - 1).sum()
    if variance <= 1e-12:
        return None
    n_pairs = ((n - 1) / n).sum()
    # Each column of the regression takes one variance of chance with it.
    covariance = pairs.sum() + len(strength) * variance
    # The theoretical variance too: pairs are skewed, and few of them may vary too little by chance.
    spread = max(2 * n_pairs * variance**2, len(n) * float(pairs.var()))
    return np.array([covariance, variance * n_pairs, spread])
