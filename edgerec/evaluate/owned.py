"""What users had in training: the items to leave out of their lists, and counts for baselines."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from edgerec.recsys import Id, Interaction, Sample
from edgerec.source import InteractionChunk


@dataclass(frozen=True)
class OwnedItems:
    """The training interactions by user, as catalogue positions. 16 bytes a row."""

    catalogue: Sequence[Id]
    """item ids in the order of the file's catalogue"""
    row_of_user: dict[Id, int]
    offsets: NDArray[np.int64]
    """[n_users + 1]: the interactions of row r are offsets[r] to offsets[r + 1]"""
    items: NDArray[np.int32]
    """[n]: catalogue positions, in the order of time; -1: not in the catalogue"""
    values: NDArray[np.float32]
    """[n]: NaN: not stated"""
    timestamps: NDArray[np.int64]
    """[n]: Unix seconds"""

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.offsets) - 1

    def of(self, user_id: Id, before: int | None = None) -> NDArray[np.int32]:
        """Return the items that a user had, strictly before a moment: positions, oldest first."""
        own = self.items[self._rows(user_id, before)]
        return own[own >= 0]

    def history(self, user_id: Id, before: int, limit: int) -> list[Interaction]:
        """Return the newest `limit` distinct items strictly before a moment, oldest first.

        A value that is not stated is given as 1: the row says that the item was taken.
        """
        rows = self._rows(user_id, before)
        items, values, times = self.items[rows], self.values[rows], self.timestamps[rows]
        newest: dict[int, int] = {}
        for at in range(len(items) - 1, -1, -1):
            if len(newest) == limit:
                break
            if items[at] >= 0:
                newest.setdefault(int(items[at]), at)
        return [
            Interaction(
                self.catalogue[item],
                1.0 if np.isnan(values[at]) else float(values[at]),
                int(times[at]),
            )
            for item, at in reversed(newest.items())
        ]

    def stated(self, user_id: Id, before: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return positions and values of what a user stated strictly before a moment, by time."""
        rows = self._rows(user_id, before)
        items, values = self.items[rows], self.values[rows]
        kept = (items >= 0) & ~np.isnan(values)
        return items[kept], values[kept]

    def _rows(self, user_id: Id, before: int | None) -> slice:
        row = self.row_of_user.get(user_id)
        if row is None:
            return slice(0, 0)
        start, end = int(self.offsets[row]), int(self.offsets[row + 1])
        if before is not None:
            end = start + int(np.searchsorted(self.timestamps[start:end], before, side="left"))
        return slice(start, end)

    def matrix(self, newest_share: float = 1.0) -> csr_matrix:
        """Return who has what: sparse float64 [n_users, catalogue] of ones, each pair once.

        Parameters
        ----------
        newest_share : float
            Of the interactions, how many count, the newest first; all of one second or none.
        """
        user = np.repeat(np.arange(self.n_users), np.diff(self.offsets))
        kept = self.items >= 0
        if newest_share < 1 and len(self.timestamps):
            kept &= self.timestamps >= np.quantile(self.timestamps, 1 - newest_share)
        shape = (self.n_users, len(self.catalogue))
        found = csr_matrix((np.ones(int(kept.sum())), (user[kept], self.items[kept])), shape=shape)
        found.sum_duplicates()
        found.data[:] = 1.0
        return found


def owned_items(chunks: Iterable[InteractionChunk], catalogue: Sequence[Id]) -> OwnedItems:
    """Read the training interactions, which come user by user in order of time.

    Parameters
    ----------
    chunks : iterable of InteractionChunk
        From `edgerec.source.read_interactions` with `order="user"`.
    catalogue : sequence of ids
        In the order of the file's catalogue.
    """
    position = {id_: place for place, id_ in enumerate(catalogue)}
    row_of_user: dict[Id, int] = {}
    counts: list[int] = []
    items, timestamps = [np.zeros(0, np.int32)], [np.zeros(0, np.int64)]
    values = [np.zeros(0, np.float32)]
    for chunk in chunks:
        for user_id in chunk.user_ids.tolist():
            row = row_of_user.setdefault(user_id, len(row_of_user))
            if row == len(counts):
                counts.append(0)
            counts[row] += 1
        codes = [position.get(item, -1) for item in chunk.item_ids.tolist()]
        items.append(np.array(codes, np.int32))
        values.append(chunk.values.astype(np.float32))
        timestamps.append(chunk.timestamps)
    return OwnedItems(
        catalogue,
        row_of_user,
        np.r_[0, np.cumsum(np.array(counts, np.int64))].astype(np.int64),
        np.concatenate(items),
        np.concatenate(values),
        np.concatenate(timestamps),
    )


def owned_samples(samples: Iterable[Sample], catalogue: Sequence[Id]) -> OwnedItems:
    """Read the training samples of a RecSys, of which a user's come in order of time.

    A sample without a value is a negative that was drawn, and nobody has it.
    """
    position = {id_: place for place, id_ in enumerate(catalogue)}
    row_of_user: dict[Id, int] = {}
    users, items, timestamps = array("q"), array("i"), array("q")
    values = array("f")
    for one in samples:
        if one.value is None:
            continue
        users.append(row_of_user.setdefault(one.user_id, len(row_of_user)))
        items.append(position.get(one.item_id, -1))
        values.append(one.value)
        timestamps.append(one.timestamp)
    user = np.frombuffer(users, np.int64)
    # Stable: a user's samples stay in their order.
    order = np.argsort(user, kind="stable")
    return OwnedItems(
        catalogue,
        row_of_user,
        np.r_[0, np.cumsum(np.bincount(user, minlength=len(row_of_user)))].astype(np.int64),
        np.frombuffer(items, np.int32)[order],
        np.frombuffer(values, np.float32)[order],
        np.frombuffer(timestamps, np.int64)[order],
    )
