"""What users and items leave of a signal (labels or values), summed per item and per user.

The noise of a sample is what neither its user nor its item explains. To see it, the item's sums
are of the signal less the user's effect, and the user's less the item's. An effect is a shrunk
mean out of half, so that no sample is in the effect that is taken off it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from edgerec.features.statistics import folds

FloatArray = NDArray[np.float64]
Blocks = Callable[[], Iterator[NDArray[np.void]]]
Signal = Literal["label", "value"]

_SHRINKAGE: Final = 5.0
_N_HALVES: Final = 2


@dataclass(frozen=True)
class Groups:
    """Sums over the samples of each user, or of each item; row 0 is nobody. All [rows]."""

    n: FloatArray
    """samples"""
    total: FloatArray
    """sum of the residuals: signal less the mean and the other side's effect"""
    squares: FloatArray
    """sum of their squares"""
    other: FloatArray
    """sum of the other side's effects that were taken off"""

    def __getitem__(self, rows: NDArray[np.int64]) -> "Groups":
        return Groups(self.n[rows], self.total[rows], self.squares[rows], self.other[rows])


def group_sums(
    blocks: Blocks, n_users: int, n_items: int, signal: Signal, random_state: int
) -> dict[str, Groups]:
    """Return the sums by "user" and by "item", in two passes over the samples.

    Parameters
    ----------
    blocks : callable
        Returns an iterator over record arrays; see `edgerec.samples.spool`. Memory is that of one
        block and of a few numbers per user and item.
    """
    n_rows = {"user": n_users + 1, "item": n_items + 1}
    other = {"user": "item", "item": "user"}
    half = {
        role: folds(rows - 1, _N_HALVES, random_state + place)
        for place, (role, rows) in enumerate(n_rows.items())
    }
    count = {role: np.zeros((_N_HALVES, rows)) for role, rows in n_rows.items()}
    total = {role: np.zeros((_N_HALVES, rows)) for role, rows in n_rows.items()}
    n_all = total_of_all = 0.0
    for kept, number in _numbers(blocks, signal):
        n_all += len(number)
        total_of_all += number.sum()
        for role in n_rows:
            # An effect of an item from one half of the users, of a user from one half of the items.
            own, half_of_other = kept[role], half[other[role]][kept[other[role]]]
            for number_of_half in range(_N_HALVES):
                inside = half_of_other == number_of_half
                _add(count[role][number_of_half], own[inside], None)
                _add(total[role][number_of_half], own[inside], number[inside])
    mean = total_of_all / max(n_all, 1)
    effect = {
        role: (total[role] - mean * count[role]) / (count[role] + _SHRINKAGE) for role in n_rows
    }
    sums = {role: np.zeros((4, rows)) for role, rows in n_rows.items()}
    for kept, number in _numbers(blocks, signal):
        for role in n_rows:
            own, opposite = kept[role], kept[other[role]]
            taken_off = effect[other[role]][1 - half[role][own], opposite]
            rest = number - mean - taken_off
            for place, weight in enumerate((None, rest, rest * rest, taken_off)):
                _add(sums[role][place], own, weight)
    return {role: Groups(*rows) for role, rows in sums.items()}


def _add(sums: FloatArray, rows: NDArray[np.int32], weight: FloatArray | None) -> None:
    """Add to `sums` in place; a block has few of many users, so only their part is touched."""
    if len(rows):
        first = int(rows.min())
        part = np.bincount(rows - first, weight)
        sums[first : first + len(part)] += part


def _numbers(
    blocks: Blocks, signal: Signal
) -> Iterator[tuple[NDArray[np.void], NDArray[np.float64]]]:
    for block in blocks():
        kept = block if signal == "label" else block[~np.isnan(block["value"])]
        yield kept, kept[signal].astype(np.float64)
