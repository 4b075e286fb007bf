"""Which columns know what they cannot have known: the labels, or the future.

A column that is computed of the labels, as an average rating over all rows is, holds the very
labels that it shall predict. It looks like an honest column that is strong, and no bound on its
AUC tells them apart. This does: divide the interactions of each item by user into two halves. How
an honest column's item did in one half speaks for how it does in the other, whatever the column
says; it can be useless beside a perfect column, never a sign against. But where the column is the
average of both halves, one half's average *less* means the other half's *more*. So a column leaks
where, given it, the first half speaks against the second beyond noise. (The covariance of the
first half's rest with the second half is the variance of what the column leaves open, which is
not below zero, as long as the halves' noise is independent: users are divided at random.)
For users the items are divided.

The audit of a training asks the same of pairs of samples (`edgerec.audit.noise`). The two stand
beside each other since neither finds all of the other's. Of averages over all interactions, 20
draws each, the halves find 20 and the pairs 16 where 150 things have 2 interactions each, but 16
and 20 where 80 things have 60; of 540 honest columns both find none. What is counted (how often a
thing was met) only the halves see. A column that passes here meets the audit when it is trained.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from edgerec.features.tabular.values import Key

Numbers = NDArray[np.float64]

# Things with interactions in both halves, fewer of which prove nothing.
_FEWEST: Final = 50
# Standard errors below zero: one honest column in 30 000 lies so far by chance.
_ERRORS: Final = 4.0
# The share of the second half's variance that the column must explain: what it holds by itself.
_EXPLAINED: Final = 0.05
# An AUC that no static column reaches by itself, unless what others did nearly reaches it too.
_IMPLAUSIBLE: Final = 0.95
_FROM_OTHERS: Final = 0.1
# The share of interactions that may precede the date of their own item: early sales, wrong dates.
_EARLIER: Final = 0.05
# Whether a column began to be filled after the cut.
_BEFORE_CUT, _AFTER_CUT = 0.01, 0.5


@dataclass(frozen=True)
class Halves:
    """What happened to each thing, apart for two halves of the interactions: [2, n_things]."""

    n_liked: Numbers
    """interactions of label 1"""
    n_samples: Numbers
    """samples of both labels"""
    n_interactions: Numbers
    """interactions with a value"""
    total: Numbers
    """their values summed up"""


def label_leak(column: Numbers, halves: Halves) -> str | None:
    """Return how a column of numbers knows the labels; None: it does not show.

    Parameters
    ----------
    column : float64 [n_things]
        NaN: missing.
    """
    signals = {
        "mean value": _mean(halves.total, halves.n_interactions),
        "share of liked": _mean(halves.n_liked, halves.n_samples),
        # Where nothing happened, nothing was counted.
        "count": np.log1p(halves.n_interactions),
    }
    for name, signal in signals.items():
        own = _shape(column, name)
        there = ~np.isnan(own) & ~np.isnan(signal).any(axis=0) & (halves.n_samples.sum(axis=0) > 0)
        found = _inverse(own[there], signal[:, there])
        if found is not None:
            return (
                f"knows the {name} that it shall predict: given it, one half of the interactions "
                f"speaks against the other ({found:.2f})"
            )
    return _too_good(column, halves)


def category_leak(categories: Sequence[Key | None], halves: Halves) -> str | None:
    """Return how a column of categories knows the labels; None: it does not show.

    Each category is scored by what the first half liked of it.
    """
    liked: dict[Key, float] = {}
    n: dict[Key, float] = {}
    for category, n_liked, n_samples in zip(
        categories, halves.n_liked[0].tolist(), halves.n_samples[0].tolist(), strict=True
    ):
        if category is not None:
            liked[category] = liked.get(category, 0.0) + n_liked
            n[category] = n.get(category, 0.0) + n_samples
    score = {category: (liked[category] + 1) / (n[category] + 2) for category in liked}
    column = [np.nan if category is None else score[category] for category in categories]
    return _too_good(np.array(column, np.float64), halves)


def _too_good(column: Numbers, halves: Halves) -> str | None:
    alone, others = area_alone(column, halves), area_alone(_earlier(halves), halves)
    if alone >= _IMPLAUSIBLE and alone - others > _FROM_OTHERS:
        return f"alone reaches an AUC of {alone:.3f}, where what others did reaches {others:.3f}"
    return None


def area_alone(column: Numbers, halves: Halves) -> float:
    """Return the AUC, on the second half, of a column alone, in the better direction.

    >>> n = np.array([[3.0, 3.0], [3.0, 3.0]])
    >>> area_alone(np.array([1.0, 0.0]), Halves(np.array([[3.0, 0.0], [3.0, 0.0]]), n, n, n))
    1.0
    """
    liked, other = halves.n_liked[1], halves.n_samples[1] - halves.n_liked[1]
    there = ~np.isnan(column) & (halves.n_samples[1] > 0)
    if not liked[there].sum() or not other[there].sum():
        return 0.5
    area = roc_auc_score(
        np.repeat([1, 0], there.sum()),
        np.tile(column[there], 2),
        sample_weight=np.concatenate([liked[there], other[there]]),
    )
    return float(max(area, 1 - area))


def future_leak(
    n_earlier: int, n_interactions: int, is_filled: NDArray[np.bool_], is_new: NDArray[np.bool_]
) -> str | None:
    """Return how a column did not exist at `as_of`; None: it does not show.

    Parameters
    ----------
    n_earlier, n_interactions : int
        Interactions that precede the date in their own thing's row, and all with such a date; of
        a column that holds no dates, 0.
    is_filled, is_new : bool [n_things]
        Which things have a value, and which appear in no interaction before the cut.
    """
    if n_interactions and n_earlier > _EARLIER * n_interactions:
        return (
            f"later than {n_earlier / n_interactions:.0%} of its own interactions: it did not "
            "exist at as_of"
        )
    if min(is_new.sum(), (~is_new).sum()) >= _FEWEST:
        before, after = float(is_filled[~is_new].mean()), float(is_filled[is_new].mean())
        if before <= _BEFORE_CUT and after >= _AFTER_CUT:
            return (
                f"filled for {after:.0%} of what appears after the cut and for {before:.0%} before:"
                " it did not exist at as_of"
            )
    return None


def _mean(total: Numbers, count: Numbers) -> Numbers:
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _earlier(halves: Halves) -> Numbers:
    """Return what the first half says: liked of all, shrunk to one half."""
    score: Numbers = (halves.n_liked[0] + 1) / (halves.n_samples[0] + 2)
    return score


def _shape(column: Numbers, signal: str) -> Numbers:
    # Counts are compared on their logarithm, and so is what may be one.
    if signal == "count" and np.nanmin(column, initial=0) >= 0:
        return np.log1p(column)
    return column


def _inverse(column: Numbers, signal: Numbers) -> float | None:
    """Return the weight of the first half given the column, where it is below zero beyond noise.

    Ordinary least squares, its standard error after White (HC1), which allows for things with few
    interactions to scatter more.
    """
    n = len(column)
    if n < _FEWEST or column.std() < 1e-12 or signal.std(axis=1).min() < 1e-12:
        return None
    first, second = signal
    design = np.stack([np.ones(n), (column - column.mean()) / column.std(), first], axis=1)
    inverse = np.linalg.pinv(design.T @ design)
    weights = inverse @ (design.T @ second)
    rest = second - design @ weights
    spread = design.T @ (design * (rest * rest)[:, None])
    error = float(np.sqrt((inverse @ spread @ inverse)[2, 2] * n / max(n - 3, 1)))
    explained = (np.corrcoef(first, second)[0, 1]) ** 2
    gained = 1 - rest.var() / second.var() - explained
    weight = float(weights[2])
    # Exactly an average leaves no error at all; beside a perfect honest column the weight is 0.
    is_against = weight < -max(_ERRORS * error, 1e-6)
    return weight if is_against and gained > _EXPLAINED else None
