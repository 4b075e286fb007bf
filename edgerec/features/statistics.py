"""Item statistics: mean value, share of liked, count; for training samples out of fold.

A sample must not see statistics that its own label went into: an item with two interactions
would give the label away. So there are K + 1 fits. Fit k < K leaves the users of fold k out
and serves their samples; fit K has all users and goes into the file.

Means are corrected for raters: value = prior + item + user, solved by alternating shrunk means,
as in Koren 2010, "Factor in the neighbors", section 2.1 (baseline estimates).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.progress import Progress

Array = NDArray[np.float32]
Blocks = Callable[[], Iterator[NDArray[np.void]]]

_ROUNDS: Final = 4
# One for the first times; of two signals, one that counts, and for each round one over items and
# one over users.
_N_PASSES: Final = 1 + 2 * (1 + 2 * _ROUNDS)
_USER_SHRINKAGE: Final = 5.0
_VALUE_SHRINKAGE: Final = 5.0
_LIKED_SHRINKAGE: Final = 4.0
# Later than any time that is asked about, and far from where differences of seconds overflow.
NEVER_SEEN: Final = 2**62


@dataclass(frozen=True)
class ItemStatistics:
    """Statistics of K + 1 fits; the last one is of all users. Item row 0 holds the prior."""

    mean_value: Array
    """[K + 1, n_items + 1]: mean value of the interactions, corrected for raters, shrunk"""
    liked_rate: Array
    """[K + 1, n_items + 1]: share of label 1, corrected likewise"""
    log_count: Array
    """[K + 1, n_items + 1]: log(1 + interactions), scaled up to all users"""
    first_seen: NDArray[np.int64]
    """[K + 1, n_items + 1]: Unix seconds of the first interaction; NEVER_SEEN: there is none"""
    prior_value: Array
    """[K + 1]"""
    prior_liked_rate: Array
    """[K + 1]"""
    prior_spread: Array
    """[K + 1]: variance of value minus the item's mean"""

    @property
    def n_folds(self) -> int:
        """K."""
        return len(self.prior_value) - 1

    def scaled(self, scale: float) -> "ItemStatistics":
        """Return statistics whose counts are `scale` times as large."""
        log_count = np.log1p(np.expm1(self.log_count) * np.float32(scale))
        return replace(self, log_count=log_count.astype(np.float32))

    def followed_by(self, other: "ItemStatistics") -> "ItemStatistics":
        """Return these fits and behind them those of `other`."""
        return ItemStatistics(
            **{
                name: np.concatenate([getattr(self, name), getattr(other, name)])
                for name in self.__dataclass_fields__
            }
        )

    def full(self) -> "ItemStatistics":
        """Return the fit of all users alone (K = 0): what the file holds."""
        names = ItemStatistics.__dataclass_fields__
        return ItemStatistics(*(getattr(self, name)[-1:].copy() for name in names))


def folds(n_users: int, n_folds: int, random_state: int) -> NDArray[np.int64]:
    """Return the fold of each user row: int64 [n_users + 1], evenly filled.

    >>> sorted(folds(4, 2, 0)[1:].tolist())
    [0, 0, 1, 1]
    """
    shuffled = np.random.default_rng(random_state).permutation(n_users) % n_folds
    fold: NDArray[np.int64] = np.r_[0, shuffled]
    return fold


def fit_statistics(
    blocks: Blocks,
    n_items: int,
    fold_of_user: NDArray[np.int64],
    n_folds: int,
    progress: Progress | None = None,
) -> ItemStatistics:
    """Fit the statistics in passes over the samples.

    Parameters
    ----------
    blocks : callable
        Returns an iterator over record arrays with fields user, item, label and value (NaN: no
        value); called once per pass. Memory is that of one block and of the tables.
    fold_of_user : int64 [n_users + 1]
    n_folds : int
        0: one fit, of all.

    References
    ----------
    Out-of-fold statistics: Micci-Barreca 2001, "A preprocessing scheme for high-cardinality
    categorical attributes", with users as the unit that is left out.
    """

    def values(block: NDArray[np.void]) -> tuple[NDArray[np.void], NDArray[np.float64]]:
        kept = block[~np.isnan(block["value"])]
        return kept, kept["value"].astype(np.float64)

    def labels(block: NDArray[np.void]) -> tuple[NDArray[np.void], NDArray[np.float64]]:
        return block, block["label"].astype(np.float64)

    n_passes = 0

    def counted() -> Iterator[NDArray[np.void]]:
        nonlocal n_passes
        yield from blocks()
        n_passes += 1
        if progress is not None:
            progress.advance(n_passes, _N_PASSES)

    value = _Means(values, n_items, fold_of_user, n_folds, _VALUE_SHRINKAGE).fit(counted)
    liked = _Means(labels, n_items, fold_of_user, n_folds, _LIKED_SHRINKAGE).fit(counted)
    first_seen = _first_seen(counted, n_items, fold_of_user, n_folds)
    scale = np.r_[np.full(n_folds, n_folds / max(n_folds - 1, 1)), 1.0]
    log_count = np.log1p(value.n_item * scale[:, None])
    log_count[:, 0] = 0
    return ItemStatistics(
        mean_value=value.table(),
        liked_rate=liked.table(),
        log_count=log_count.astype(np.float32),
        first_seen=first_seen,
        prior_value=value.prior.astype(np.float32),
        prior_liked_rate=liked.prior.astype(np.float32),
        prior_spread=value.spread.astype(np.float32),
    )


def _first_seen(
    blocks: Blocks, n_items: int, fold_of_user: NDArray[np.int64], n_folds: int
) -> NDArray[np.int64]:
    first = np.full((n_folds + 1, n_items + 1), NEVER_SEEN, np.int64)
    for block in blocks():
        kept = block[~np.isnan(block["value"])]
        fold = fold_of_user[kept["user"]]
        for fit in range(n_folds + 1):
            inside = kept[fold != fit]
            np.minimum.at(first[fit], inside["item"], inside["timestamp"])
    first[:, 0] = NEVER_SEEN
    return first


_Signal = Callable[[NDArray[np.void]], tuple[NDArray[np.void], NDArray[np.float64]]]


class _Means:
    """Alternating means of one signal in all fits at once."""

    def __init__(
        self,
        signal: _Signal,
        n_items: int,
        fold_of_user: NDArray[np.int64],
        n_folds: int,
        item_shrinkage: float,
    ) -> None:
        self._signal = signal
        self._fold_of_user = fold_of_user
        self._item_shrinkage = item_shrinkage
        self._fits = range(n_folds + 1)
        self.item = np.zeros((n_folds + 1, n_items + 1))
        self.user = np.zeros((n_folds + 1, len(fold_of_user)))
        self.n_item = np.zeros_like(self.item)
        self.n_user = np.zeros_like(self.user)
        self.prior = np.zeros(n_folds + 1)
        self.spread = np.ones(n_folds + 1)

    def table(self) -> Array:
        table = self.prior[:, None] + self.item
        table[:, 0] = self.prior
        return table.astype(np.float32)

    def fit(self, blocks: Blocks) -> "_Means":
        total = np.zeros(len(self._fits))
        count = np.zeros(len(self._fits))
        for fit, user, item, signal in self._rows(blocks):
            self.n_item[fit] += np.bincount(item, minlength=self.item.shape[1])
            self.n_user[fit] += np.bincount(user, minlength=self.user.shape[1])
            total[fit] += signal.sum()
            count[fit] += len(signal)
        self.prior = total / np.maximum(count, 1)
        for _ in range(_ROUNDS):
            item_total = np.zeros_like(self.item)
            for fit, user, item, signal in self._rows(blocks):
                rest = signal - self.prior[fit] - self.user[fit, user]
                item_total[fit] += np.bincount(item, rest, minlength=self.item.shape[1])
            self.item = item_total / (self.n_item + self._item_shrinkage)
            user_total = np.zeros_like(self.user)
            squares = np.zeros(len(self._fits))
            for fit, user, item, signal in self._rows(blocks):
                rest = signal - self.prior[fit] - self.item[fit, item]
                user_total[fit] += np.bincount(user, rest, minlength=self.user.shape[1])
                squares[fit] += rest @ rest
            self.user = user_total / (self.n_user + _USER_SHRINKAGE)
            self.spread = squares / np.maximum(count, 1)
        return self

    def _rows(
        self, blocks: Blocks
    ) -> Iterator[tuple[int, NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]]:
        for block in blocks():
            kept, signal = self._signal(block)
            user, item = kept["user"], kept["item"]
            fold = self._fold_of_user[user]
            for fit in self._fits:
                inside = fold != fit
                yield fit, user[inside], item[inside], signal[inside]
