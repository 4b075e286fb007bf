"""The rows that one fit of one signal sees, block by block, as sparse and grouped arrays."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Numbers = NDArray[np.float64]
Blocks = Callable[[], Iterator[NDArray[np.void]]]


@dataclass(frozen=True)
class UserRows:
    """Rows of whole users, grouped by user: R rows of U users."""

    item: NDArray[np.int64]
    """[R]: item rows"""
    signal: Numbers
    """[R]: value or label"""
    starts: NDArray[np.int64]
    """[U + 1]: the rows of user u are starts[u] to starts[u + 1]"""
    n_item_rows: int
    """n_items + 1"""

    @property
    def n_users(self) -> int:
        """U."""
        return len(self.starts) - 1

    @cached_property
    def user(self) -> NDArray[np.int64]:
        """The user of each row, counted from 0: [R]."""
        return np.repeat(np.arange(self.n_users), np.diff(self.starts))

    @cached_property
    def by_user(self) -> sparse.csr_matrix:
        """How often each user has each item: [U, n_item_rows]."""
        ones = np.ones(len(self.item))
        return sparse.csr_matrix((ones, self.item, self.starts), (self.n_users, self.n_item_rows))

    def sum_by_item(self, numbers: Numbers) -> Numbers:
        """Sum numbers [R, …] over the rows of each item: [n_item_rows, …]."""
        n = len(self.item)
        pick = sparse.csr_matrix((np.ones(n), self.item, np.arange(n + 1)), (n, self.n_item_rows))
        total: Numbers = (pick.T @ numbers.reshape(n, -1)).reshape(-1, *numbers.shape[1:])
        return total


@dataclass(frozen=True)
class FitRows:
    """Reads the rows of one fit: those of the users outside a fold that state the signal."""

    blocks: Blocks
    """an iterator over records of whole users, sorted by user; called once per pass"""
    fold_of_user: NDArray[np.int64]
    """[n_users + 1]"""
    fold: int
    """whose rows are left out; beyond the last fold: nobody's"""
    signal: str
    """`value` (rows without one are left out) or `liked` (the label)"""
    n_item_rows: int

    def __iter__(self) -> Iterator[UserRows]:
        for block in self.blocks():
            kept = self.fold_of_user[block["user"]] != self.fold
            if self.signal == "value":
                kept &= ~np.isnan(block["value"])
            rows = block[kept]
            if not len(rows):
                continue
            column = rows["value" if self.signal == "value" else "label"]
            yield UserRows(
                item=rows["item"].astype(np.int64),
                signal=column.astype(np.float64),
                starts=np.flatnonzero(np.diff(rows["user"], prepend=-1, append=-1)),
                n_item_rows=self.n_item_rows,
            )
