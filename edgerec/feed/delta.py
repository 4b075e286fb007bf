"""What leads from one file to the next in few bytes: only the rows that changed, and what is new.

The format is described in ``docs/updates.md``. Tables stand whole in an .onnx file, so that a
changed row changes bytes in one place, and added rows move everything after them by as much. The
new file is walked through in pieces that are compared with the old one at the distance found last;
where they no longer agree, the distance is looked for by the hash of 32 bytes at every position
(Tridgell 1999, "Efficient Algorithms for Sorting and Synchronization", chapter 3; the differences
stand as zeros and are left to zlib, as in Percival 2003, "Naive differences of executable code").
"""

import hashlib
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

_HEAD: Final = struct.Struct("<8sQQ")
_MAGIC: Final = b"EDGEDLT1"
_STEP: Final = struct.Struct("<BQQ")
_INSERT, _CHANGE = 0, 1
_BLOCK: Final = 32
_PIECE: Final = 256
_SPAN: Final = 1 << 16
# How far ahead the old file is looked for, first near, then farther.
_SEARCHED: Final = (1 << 12, 1 << 16, 1 << 20)
# Fewer equal bytes than this in a piece: it is another place. Other rows of the same table share
# their exponents, which is about a quarter of their bytes.
_ALIKE: Final = 0.5
_N_TRIED: Final = 50
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)


class Step(NamedTuple):
    """`length` bytes of the new file, from `start` in the old one or, at -1, from nowhere."""

    length: int
    start: int


def write_delta(old: Path, new: Path, delta: Path) -> None:
    """Write the way from `old` to `new`, and prove that it leads there.

    Raises
    ------
    RuntimeError
        It does not: a mistake in this module.
    """
    before, after = _mapped(old), _mapped(new)
    packer = zlib.compressobj(9)
    with delta.open("wb") as file:
        file.write(_HEAD.pack(_MAGIC, len(before), len(after)))
        at = 0
        for step in steps(before, after):
            kind = _INSERT if step.start < 0 else _CHANGE
            file.write(packer.compress(_STEP.pack(kind, step.length, max(step.start, 0))))
            for begin in range(0, step.length, _SPAN):
                here = slice(at + begin, at + min(begin + _SPAN, step.length))
                piece = np.array(after[here])
                if kind == _CHANGE:
                    there = step.start - at
                    piece ^= before[here.start + there : here.stop + there]
                file.write(packer.compress(piece.data))
            at += step.length
        file.write(packer.flush())
    if _followed(before, delta) != hashlib.sha256(after.data).hexdigest():
        raise RuntimeError(f"the delta {delta} does not lead to {new}")


def _followed(before: Bytes, delta: Path) -> str:
    """Return the hash of what a reader makes of the old file and the delta on the disk."""
    content = memoryview(zlib.decompress(delta.read_bytes()[_HEAD.size :]))
    digest = hashlib.sha256()
    at = 0
    while at < len(content):
        kind, length, start = _STEP.unpack_from(content, at)
        piece = np.frombuffer(content, np.uint8, length, at + _STEP.size)
        if kind == _CHANGE:
            piece = piece ^ before[start : start + length]
        digest.update(piece.data)
        at += _STEP.size + length
    return digest.hexdigest()


def steps(before: Bytes, after: Bytes) -> Iterator[Step]:
    """Yield how the new file is made of the old one, from its first byte to its last.

    Parameters
    ----------
    before, after : ndarray of uint8 of shape (n_bytes,)
        The files.

    Examples
    --------
    >>> before = np.random.default_rng(0).integers(0, 256, 20_000, np.uint8)
    >>> after = np.concatenate([before[:10_240], before[:5], before[10_240:]])
    >>> list(steps(before, after))
    [Step(length=10240, start=0), Step(length=5, start=-1), Step(length=9760, start=10240)]
    """
    places = _Places(before)
    at = begun = distance = 0
    while at < len(after):
        at += _agreeing(before, after, at, distance)
        if at == len(after):
            break
        skipped, other = places.next_place(after, at, distance)
        if other == distance:
            # Rows that changed: their differences have zeros where the old bytes were.
            at += skipped
            continue
        if at > begun:
            yield Step(at - begun, begun + distance)
        if skipped:
            yield Step(skipped, -1)
        at = begun = at + skipped
        distance = distance if other is None else other
    if at > begun:
        yield Step(at - begun, begun + distance)


def _agreeing(before: Bytes, after: Bytes, at: int, distance: int) -> int:
    """Return how many bytes from `at` on are mostly those at this distance."""
    n_bytes = 0
    while at < len(after):
        length = min(_SPAN, len(after) - at, len(before) - at - distance)
        if length <= 0:
            break
        same = after[at : at + length] == before[at + distance : at + distance + length]
        shares = np.add.reduceat(same, np.arange(0, length, _PIECE), dtype=np.int64)
        sizes = np.minimum(_PIECE, length - np.arange(0, length, _PIECE))
        unlike = np.flatnonzero(shares < _ALIKE * sizes)
        if len(unlike):
            return n_bytes + int(unlike[0]) * _PIECE
        n_bytes += length
        at += length
    return n_bytes


class _Places:
    """Finds where in the old file a piece of the new one stands."""

    def __init__(self, before: Bytes) -> None:
        self._before = before
        n_blocks = len(before) // _BLOCK
        words = np.frombuffer(before[: n_blocks * _BLOCK], "<u8").reshape(n_blocks, 4)
        hashes, first, counts = np.unique(_mix(words.T), return_index=True, return_counts=True)
        # What stands there several times says nothing of where.
        self._hashes = hashes[counts == 1]
        self._starts = first[counts == 1].astype(np.int64) * _BLOCK

    def next_place(self, after: Bytes, at: int, distance: int) -> tuple[int, int | None]:
        """Return how many bytes come before the next known place, and its distance; None: none."""
        for searched in _SEARCHED:
            searched = min(searched, len(after) - at)
            content = after[at : at + searched + _BLOCK - 1]
            for position, start in self._matches(content):
                for there in (at + position + distance, start):
                    if self._stands(after, at + position, there):
                        return position, there - at - position
        return searched, None

    def _matches(self, content: Bytes) -> Iterator[tuple[int, int]]:
        if len(content) < _BLOCK or not len(self._hashes):
            return
        # Eight bytes from each position on, as one number.
        n_words = len(content) - 7
        words: Any = np.zeros(n_words, np.uint64)
        for byte in range(8):
            words |= content[byte : byte + n_words].astype(np.uint64) << np.uint64(8 * byte)
        n_positions = len(content) - _BLOCK + 1
        hashes = _mix([words[8 * part : 8 * part + n_positions] for part in range(4)])
        found = np.searchsorted(self._hashes, hashes)
        found[found == len(self._hashes)] = 0
        hits = np.flatnonzero(self._hashes[found] == hashes)
        # Where many hits are none, they are a coincidence of a pattern.
        for position in hits[:_N_TRIED].tolist():
            yield position, int(self._starts[found[position]])

    def _stands(self, after: Bytes, at: int, there: int) -> bool:
        length = min(_PIECE, len(after) - at)
        if not 0 <= there <= len(self._before) - _BLOCK:
            return False
        length = min(length, len(self._before) - there)
        same = after[at : at + length] == self._before[there : there + length]
        return bool(same[:_BLOCK].all() and same.mean() >= _ALIKE)


def _mix(words: Any) -> NDArray[np.uint64]:
    mixed: NDArray[np.uint64] = words[0] * _ODD
    for word in words[1:]:
        mixed = (mixed + word) * _ODD
    return mixed


def _mapped(path: Path) -> Bytes:
    return np.memmap(path, np.uint8, mode="r")
