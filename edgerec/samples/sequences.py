"""Sequences of items for embeddings: kept on disk, and matched to the users they are of.

Sequences come without a user, and some give the labels away: one of only what a user liked says
which of his samples are labelled 1. Vectors learned from it draw his liked items together, so
that in training "near his history" means "liked" far more than it will for anyone else. On
validation users of MovieLens latest-small the AUC falls from .818 (sequences of everything
rated) to .791; with vectors fitted without the user's own half of the sequences it is .809 (on
the test users of split U .817, .806 and .817). So sequences are matched to users, and
label-selected ones are fitted out of half.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgerec.errors import SampleError, shown
from edgerec.ids import IdArray, require_kind, rows_of
from edgerec.recsys import Id
from edgerec.samples.intake import Intake
from edgerec.samples.spool import Spool

# With more distinct values than this they are no ratings, and only the labels are tried.
_MAX_LEVELS: Final = 32
_OF_NOBODY: Final = 0
# Hashes and user rows, side by side.
_Pairs = tuple[NDArray[np.uint64], NDArray[np.int32]]
_NO_HASHES: Final = np.zeros(0, np.uint64)


class SequenceOwners:
    """Tells whose a sequence is, by the set of its items.

    A match is exact: the items of a sequence are those of one user that were labelled 1, or
    valued at some level or above, or all of them.

    Parameters
    ----------
    intake : Intake
        Its spool is read twice; memory is a few numbers per user.
    """

    def __init__(self, intake: Intake, chunk_rows: int) -> None:
        spool = intake.spool
        # The hashes of a set's items are summed, so that neither order nor repetition matters.
        random = np.random.default_rng(0)
        self._item_hash = random.integers(0, 2**64, spool.n_items + 1, dtype=np.uint64)
        whole, selected = _Owned(), _Owned()
        levels = _levels(spool, chunk_rows)
        for records in spool.blocks(chunk_rows):
            stated = records[~np.isnan(records["value"])]
            whole.add(*self._hashes(records))
            # With implicit feedback only what was liked has a value: no whole, but a selection.
            if not intake.only_liked_have_values:
                whole.add(*self._hashes(stated))
            for level in levels[1:]:
                selected.add(*self._hashes(stated[stated["value"] >= level]))
            selected.add(*self._hashes(records[records["label"] == 1]))
        self._whole, self._selected = whole.sorted(), selected.sorted()

    def owner(self, rows: NDArray[np.int64]) -> tuple[int, bool]:
        """Return the user row and whether only some of his items are there; (0, False): nobody."""
        key = self._item_hash[np.unique(rows[rows > 0])].sum(dtype=np.uint64)
        user = _last_of(self._whole, key)
        if user != _OF_NOBODY:
            return user, False
        user = _last_of(self._selected, key)
        return user, user != _OF_NOBODY

    def _hashes(self, records: NDArray[np.void]) -> _Pairs:
        """Return the hash of each user's set of items, and the users."""
        # User and item as one number: unique pairs sort several times faster so.
        width = len(self._item_hash)
        user, item = np.divmod(
            np.unique(records["user"].astype(np.int64) * width + records["item"]), width
        )
        starts = np.flatnonzero(np.diff(user, prepend=-1))
        sums = np.add.reduceat(self._item_hash[item], starts) if len(starts) else _NO_HASHES
        return sums, user[starts].astype(np.int32)


class _Owned:
    """Collects hashes and users: twelve bytes each, where a dictionary would take a hundred."""

    def __init__(self) -> None:
        self._hashes: list[NDArray[np.uint64]] = [_NO_HASHES]
        self._users: list[NDArray[np.int32]] = [np.zeros(0, np.int32)]

    def add(self, hashes: NDArray[np.uint64], users: NDArray[np.int32]) -> None:
        self._hashes.append(hashes)
        self._users.append(users)

    def sorted(self) -> _Pairs:
        hashes = np.concatenate(self._hashes)
        order = np.argsort(hashes, kind="stable")
        return hashes[order], np.concatenate(self._users)[order]


def _last_of(pairs: _Pairs, key: np.uint64) -> int:
    """Return the user who came last with this hash; 0: there is none."""
    hashes, users = pairs
    position = int(np.searchsorted(hashes, key, side="right")) - 1
    found = position >= 0 and hashes[position] == key
    return int(users[position]) if found else _OF_NOBODY


def _levels(spool: Spool, chunk_rows: int) -> NDArray[np.float32]:
    levels = np.zeros(0, np.float32)
    for records in spool.blocks(chunk_rows):
        levels = np.union1d(levels, records["value"][~np.isnan(records["value"])])
        if len(levels) > _MAX_LEVELS:
            return np.zeros(0, np.float32)
    return levels


@dataclass(frozen=True)
class SequenceFile:
    """Encoded sequences on disk."""

    path: Path
    ends: NDArray[np.int64]
    """[n]: where each ends in the file, in items"""
    owners: NDArray[np.int64]
    """[n]: user row; 0: nobody's samples fit"""
    n_selected: int
    """sequences that hold only some of their user's items"""
    n_known: int
    """entries that are items of the samples"""

    def __len__(self) -> int:
        return len(self.ends)

    def sequences(self, kept_users: NDArray[np.bool_] | None = None) -> Iterator[NDArray[np.int64]]:
        """Yield the item rows of each sequence, or of those of `kept_users` [n_users + 1]."""
        with self.path.open("rb") as file:
            start = 0
            for position, end in enumerate(self.ends.tolist()):
                rows = np.frombuffer(file.read(4 * (end - start)), np.int32).astype(np.int64)
                start = end
                if kept_users is None or kept_users[self.owners[position]]:
                    yield rows


def write_sequences(
    sequences: Iterable[Sequence[Id]], item_ids: IdArray, owners: SequenceOwners, path: Path
) -> SequenceFile:
    """Read the sequences once, encode them and match each to its user.

    Raises
    ------
    SampleError
        What `item_seq_generator` returned is no iterator of sequences of item ids.
    """
    if not isinstance(sequences, Iterable):
        raise SampleError(
            f"item_seq_generator returned {shown(sequences)}; expected an iterator of sequences "
            "of item ids. Write `yield [first_id, second_id, …]` for each user."
        )
    ends, users = array("q"), array("q")
    n_items = n_selected = n_known = 0
    with path.open("wb") as file:
        for sequence in sequences:
            rows = rows_of(_checked(sequence, item_ids), item_ids)
            user, selected = owners.owner(rows)
            file.write(rows.astype(np.int32).tobytes())
            n_items += len(rows)
            n_known += int(np.count_nonzero(rows))
            n_selected += selected
            ends.append(n_items)
            users.append(user)
    return SequenceFile(
        path, np.array(ends, np.int64), np.array(users, np.int64), n_selected, n_known
    )


def _checked(sequence: Sequence[Id], item_ids: IdArray) -> list[Id]:
    if isinstance(sequence, str) or not isinstance(sequence, Iterable):
        raise SampleError(
            f"item_seq_generator yielded {shown(sequence)}, which is no sequence of item ids. "
            "Yield one list per user."
        )
    ids = list(sequence)
    require_kind(ids, "int64" if item_ids.dtype == np.int64 else "string", "item_seq_generator")
    return ids


def liked_sequences(
    spool: Spool,
    chunk_rows: int,
    kept_users: NDArray[np.bool_] | None = None,
    session_gap: int = 0,
) -> Iterator[NDArray[np.int64]]:
    """Yield what each user liked, or each of `kept_users` [n_users + 1], as item rows.

    Parameters
    ----------
    session_gap : int
        Seconds between two of them from which on they are of two sequences; 0: never.
    """
    for records in spool.blocks(chunk_rows):
        kept = records[~np.isnan(records["value"]) & (records["label"] == 1)]
        if kept_users is not None:
            kept = kept[kept_users[kept["user"]]]
        starts = sequence_starts(kept["user"], kept["timestamp"], session_gap)
        yield from np.split(kept["item"].astype(np.int64), np.flatnonzero(starts)[1:])


def sequence_starts(
    users: NDArray[Any], timestamps: NDArray[np.int64], session_gap: int
) -> NDArray[np.bool_]:
    """Return which of some interactions [n], sorted by user and time, begin a sequence.

    >>> users, times = np.array([1, 1, 1, 2]), np.array([0, 10, 500, 510])
    >>> sequence_starts(users, times, session_gap=0).tolist()
    [True, False, False, True]
    >>> sequence_starts(users, times, session_gap=100).tolist()
    [True, False, True, True]
    """
    starts = np.ones(len(users), np.bool_)
    starts[1:] = users[1:] != users[:-1]
    if session_gap:
        starts[1:] |= np.diff(timestamps) >= session_gap
    return starts
