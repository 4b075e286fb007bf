"""Make a new file from the one that is there and a delta: what changed, and where the rest is.

The format is described in ``docs/updates.md``. Memory is bounded by a few buffers, whatever the
sizes of the files are.
"""

import hashlib
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from device_runtime.durable import synced_file
from device_runtime.errors import UnusableFileError

_HEAD: Final = struct.Struct("<8sQQ")
_MAGIC: Final = b"EDGEDLT1"
# Kind, bytes of the new file, where they begin in the old one.
_STEP: Final = struct.Struct("<BQQ")
# 0: the bytes themselves. 1: their difference from the old ones (exclusive or), mostly zeros.
_CHANGE: Final = 1
_BUFFER: Final = 1 << 16


def apply_delta(old: Path, delta: Path, new: Path, n_bytes: int, sha256: str) -> None:
    """Write `new` from `old` and `delta`; it is on the disk on return.

    Parameters
    ----------
    old : Path
        The file that the delta begins with.
    delta : Path
        Its own hash has been checked.
    new : Path
        Is overwritten; removed where anything is wrong.
    n_bytes, sha256 : int and str
        What the new file must be.

    Raises
    ------
    UnusableFileError
        The delta is damaged, is for another file, or leads to other bytes.
    OSError
        The disk takes nothing.
    """
    digest = hashlib.sha256()
    try:
        with old.open("rb") as before, delta.open("rb") as changes, synced_file(new) as after:
            n_old = old.stat().st_size
            if changes.read(_HEAD.size) != _HEAD.pack(_MAGIC, n_old, n_bytes):
                raise _damaged(delta, "it is for other files")
            steps = _Inflated(changes, delta)
            left = n_bytes
            while left:
                kind, length, start = _STEP.unpack(steps.read(_STEP.size))
                if kind > _CHANGE or not 0 < length <= left or start > n_old:
                    raise _damaged(delta, "a step is none")
                left -= length
                before.seek(start)
                while length:
                    piece = steps.read(min(length, _BUFFER))
                    length -= len(piece)
                    if kind == _CHANGE:
                        piece = _changed(before.read(len(piece)), piece, delta)
                    digest.update(piece)
                    after.write(piece)
            steps.end()
            if digest.hexdigest() != sha256:
                raise _damaged(delta, "it leads to other bytes than were signed")
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _changed(old: bytes, difference: bytes, delta: Path) -> bytes:
    if len(old) != len(difference):
        raise _damaged(delta, "it reaches beyond the old file")
    return (np.frombuffer(old, np.uint8) ^ np.frombuffer(difference, np.uint8)).tobytes()


def _damaged(delta: Path, why: str) -> UnusableFileError:
    return UnusableFileError(f"{delta.name}: the delta cannot be used ({why})")


class _Inflated:
    """Reads a stream of zlib, never more at once than is asked for."""

    def __init__(self, file: BinaryIO, name: Path) -> None:
        self._file = file
        self._name = name
        self._stream = zlib.decompressobj()
        self._waiting = b""

    def read(self, n_bytes: int) -> bytes:
        """Return exactly so many bytes."""
        parts, left = [], n_bytes
        while left:
            if not self._waiting:
                self._waiting = self._file.read(_BUFFER)
            try:
                part = self._stream.decompress(self._waiting, left)
            except zlib.error:
                raise _damaged(self._name, "it is no zlib stream") from None
            if not part and (self._stream.eof or not self._waiting):
                raise _damaged(self._name, "it ends early")
            self._waiting = self._stream.unconsumed_tail
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def end(self) -> None:
        """Refuse a stream that goes on."""
        rest = self._waiting + self._file.read(_BUFFER)
        try:
            more = self._stream.decompress(rest, 1)
        except zlib.error:
            more = b"x"
        if more or self._stream.unused_data or not self._stream.eof or self._file.read(1):
            raise _damaged(self._name, "it goes on after its end")
