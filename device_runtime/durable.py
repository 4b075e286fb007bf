"""Write files so that a power cut leaves the old one or the new one, and never a part of one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def synced_file(path: Path) -> Iterator[BinaryIO]:
    """Open a new file to write; its bytes are on the disk when the body of the ``with`` ends."""
    with path.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Put the names in a folder on the disk: a file that was moved there is there afterwards."""
    if os.name != "posix":
        return  # Elsewhere a folder cannot be opened, and the system sees to it.
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_durably(path: Path, content: bytes) -> None:
    """Write a file beside `path`, and move it there when its bytes are on the disk.

    Raises
    ------
    OSError
        The disk takes nothing; what stood there before is untouched.
    """
    temporary = path.with_name(path.name + ".new")
    try:
        with synced_file(temporary) as file:
            file.write(content)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_file(path: Path) -> None:
    """Put the bytes of a file that was written before on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
