"""String ids of a bundle that holds their hashes: hashed on the way in, read from a list after.

``docs/bundle-format.md`` describes the hash and the list.
"""

import mmap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device_runtime.errors import BundleError

POSITIONS = {"top_ids": "top_positions", "similar_ids": "similar_positions"}
"""Outputs of ids, and those that say where these stand."""
_BASIS = 14_695_981_039_346_656_037
_PRIME = np.uint64(1_099_511_628_211)
_PADDING = -(2**63)


def hash_ids(ids: Sequence[str], seed: int) -> NDArray[np.int64]:
    """Return what the graph is given for string ids: 63 bits of FNV-1a.

    Parameters
    ----------
    ids : sequence of str
        Unicode text.
    seed : int
        Of the bundle.

    Returns
    -------
    ndarray of int64 of shape (len(ids),)
        −2**63, the padding id, for an empty string; else 0 or more.

    Examples
    --------
    >>> hash_ids(["", "a", "foobar"], 0)
    array([-9223372036854775808,  6319093600277820998,  4812695130666218484])
    """
    texts = [text.encode() for text in ids]
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    together = np.frombuffer(b"".join(texts), dtype=np.uint8)
    starts = np.cumsum(lengths) - lengths
    numbers = np.full(len(texts), (_BASIS + seed) % 2**64, dtype=np.uint64)
    # Byte by byte, of all ids at once; those that have ended are left out.
    place, left = 0, np.flatnonzero(lengths)
    while len(left):
        numbers[left] = (numbers[left] ^ together[starts[left] + place]) * _PRIME
        place += 1
        left = left[lengths[left] > place]
    hashed = (numbers >> np.uint64(1)).astype(np.int64)
    hashed[lengths == 0] = _PADDING
    return hashed


class IdList:
    """The ids of a catalogue, looked up where their file is mapped.

    Parameters
    ----------
    path : Path
        ``NAME.ids``, audited: UTF-8, each id followed by a NUL.
    n_ids : int
        How many there must be.

    Raises
    ------
    BundleError
        There are more or fewer.
    """

    def __init__(self, path: Path, n_ids: int) -> None:
        with path.open("rb") as file:
            size = path.stat().st_size
            self._text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
        ends = np.flatnonzero(np.frombuffer(self._text, dtype=np.uint8) == 0)
        if len(ends) != n_ids:
            raise BundleError(f"{path}: expected {n_ids} ids, got {len(ends)}; export again")
        self._ends = ends.astype(np.int64 if size >= 2**31 else np.int32)

    def at(self, positions: NDArray[np.int64]) -> list[str]:
        """Return the ids at positions of the catalogue."""
        ends = self._ends[positions].tolist()
        starts = np.where(positions > 0, self._ends[positions - 1] + 1, 0).tolist()
        return [self._text[start:end].decode() for start, end in zip(starts, ends, strict=True)]
