"""Samples on disk, sorted by (user, timestamp, item), read by whole users.

Training never holds the interaction table in memory. A record is 28 bytes; plain reads into a
buffer are used and not a memory map, whose pages would count as the process's own memory.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from edgerec.progress import Progress

RECORD: Final = np.dtype(
    [
        ("user", "<i4"),
        ("item", "<i4"),
        ("label", "<f4"),
        ("value", "<f4"),
        ("timestamp", "<i8"),
        ("weight", "<f4"),
    ]
)


def record_type(n_context: int) -> np.dtype[np.void]:
    """Return the type of records with so many numbers of context behind the weight.

    >>> record_type(0) == RECORD, record_type(2).itemsize - RECORD.itemsize
    (True, 8)
    """
    if not n_context:
        return RECORD
    fields: list[Any] = [(name, RECORD[name]) for name in RECORD.names or ()]
    return np.dtype([*fields, ("context", "<f4", (n_context,))])


_BYTES_BEFORE_WEIGHT: Final = RECORD.itemsize - RECORD["weight"].itemsize


@dataclass(frozen=True)
class Spool:
    """Where the sorted samples are, and where each user's begin."""

    path: Path
    offsets: NDArray[np.int64]
    """[n_users + 2]: the samples of user row r are offsets[r] to offsets[r + 1]; row 0 has none"""
    n_items: int
    fingerprint: str
    """SHA-256 of the sorted records; weights go into it where one is not 1"""
    record: np.dtype[np.void] = RECORD
    """of the file"""

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.offsets) - 2

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return int(self.offsets[-1])

    def blocks(self, max_rows: int) -> Iterator[NDArray[np.void]]:
        """Yield the records [rows] of whole users, at most `max_rows` unless one user has more."""
        with self.path.open("rb") as file:
            for first, last in user_ranges(self.offsets, max_rows):
                start, end = int(self.offsets[first]), int(self.offsets[last + 1])
                yield read_records(file, start, end, self.record)


def user_ranges(offsets: NDArray[np.int64], max_rows: int) -> Iterator[tuple[int, int]]:
    """Yield (first, last) user rows whose samples together are at most `max_rows`.

    >>> list(user_ranges(np.array([0, 0, 3, 5, 9]), 5))
    [(1, 2), (3, 3)]
    """
    first, n_rows = 1, len(offsets) - 1
    while first < n_rows:
        end = int(np.searchsorted(offsets, offsets[first] + max_rows, side="right")) - 1
        end = max(end, first + 1)
        yield first, end - 1
        first = end


def read_records(
    file: BinaryIO, start: int, end: int, record: np.dtype[np.void] = RECORD
) -> NDArray[np.void]:
    """Read the records from `start` up to `end` into an array of their own."""
    file.seek(start * record.itemsize)
    data = file.read((end - start) * record.itemsize)
    if len(data) < (end - start) * record.itemsize:
        raise OSError(
            f"The spool of samples ends at byte {start * record.itemsize + len(data)}, before "
            f"record {end}. Was the temporary folder cleaned while training?"
        )
    return np.frombuffer(bytearray(data), record)


def _write_records(file: BinaryIO, start: int, records: NDArray[np.void]) -> None:
    file.seek(start * records.dtype.itemsize)
    file.write(records.tobytes())


class _Digest:
    """SHA-256 of records. Where nobody weighs anything, it is that of records without weights,
    and where no context is declared, of records without context."""

    def __init__(self) -> None:
        self._rest, self._weights = hashlib.sha256(), hashlib.sha256()
        self._context = hashlib.sha256()
        self._any_weight = self._any_context = False

    def update(self, records: NDArray[np.void]) -> None:
        # Records are packed, and weight and context stand last.
        data = records.view(np.uint8).reshape(len(records), records.dtype.itemsize)
        self._rest.update(data[:, :_BYTES_BEFORE_WEIGHT].tobytes())
        self._weights.update(records["weight"].tobytes())
        self._any_weight = self._any_weight or bool((records["weight"] != 1).any())

        if "context" in (records.dtype.names or ()):
            self._context.update(records["context"].tobytes())
            self._any_context = True

    def hexdigest(self) -> str:
        if self._any_weight:
            self._rest.update(self._weights.digest())
        if self._any_context:
            self._rest.update(self._context.digest())
        return self._rest.hexdigest()


def sort_by_user(
    raw: Path,
    target: Path,
    user_row: NDArray[np.int32],
    item_row: NDArray[np.int32],
    chunk_rows: int,
    progress: Progress,
    record: np.dtype[np.void] = RECORD,
) -> Spool:
    """Sort the records of `raw` into `target`, by (user row, timestamp, item row).

    Two passes: records go to the region of the file where their range of users will stand, then
    each region, which fits into memory, is sorted in place.

    Parameters
    ----------
    user_row, item_row : int32 [n_users], [n_items]
        The row of each code in `raw`.
    """
    progress.stage("sorting samples")
    n_samples = raw.stat().st_size // record.itemsize
    counts = np.zeros(len(user_row) + 1, np.int64)
    for chunk in _raw_chunks(raw, chunk_rows, record):
        counts += np.bincount(user_row[chunk["user"]], minlength=len(counts))
    offsets = np.r_[0, np.cumsum(counts)]
    ranges = list(user_ranges(offsets, 4 * chunk_rows))
    first_rows = np.array([first for first, _ in ranges])
    cursor = offsets[first_rows].copy()
    digest = _Digest()
    n_written = 0
    with target.open("w+b") as file:
        for chunk in _raw_chunks(raw, chunk_rows, record):
            chunk["user"] = user_row[chunk["user"]]
            chunk["item"] = item_row[chunk["item"]]
            region = np.searchsorted(first_rows, chunk["user"], side="right") - 1
            order = np.argsort(region, kind="stable")
            bounds = np.searchsorted(region[order], np.arange(len(ranges) + 1))
            for part in np.flatnonzero(np.diff(bounds)):
                records = chunk[order[bounds[part] : bounds[part + 1]]]
                _write_records(file, int(cursor[part]), records)
                cursor[part] += len(records)
            n_written += len(chunk)
            progress.advance(n_written, 2 * n_samples)
        for first, last in ranges:
            records = read_records(file, int(offsets[first]), int(offsets[last + 1]), record)
            records = records[np.lexsort((records["item"], records["timestamp"], records["user"]))]
            _write_records(file, int(offsets[first]), records)
            digest.update(records)
            progress.advance(n_samples + int(offsets[last + 1]), 2 * n_samples)
    return Spool(target, offsets, len(item_row), digest.hexdigest(), record)


def _raw_chunks(
    raw: Path, chunk_rows: int, record: np.dtype[np.void]
) -> Iterator[NDArray[np.void]]:
    with raw.open("rb") as file:
        while data := file.read(chunk_rows * record.itemsize):
            yield np.frombuffer(bytearray(data), record)
