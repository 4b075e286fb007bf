"""Files: their place is tried before long work, they are written whole, a full disk is said."""

import errno
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from edgerec.errors import StorageError

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


def require_writable(path: str | Path) -> None:
    """Refuse a path that no file could be written to; nothing is created.

    Folders that are missing count as writable where the nearest one that is there is: whoever
    writes makes them.

    Raises
    ------
    StorageError
        The path is a folder, or a folder above it is a file or cannot be written to.

    >>> require_writable("pyproject.toml/model.onnx")
    Traceback (most recent call last):
    ...
    edgerec.errors.StorageError: pyproject.toml/model.onnx cannot be written, since ...
    """
    path = Path(path)
    if path.is_dir():
        raise StorageError(f"{path} cannot be written, since it is a folder. Name a file in it.")
    # Not path.exists(): below a file nothing exists, and below a locked folder asking is refused.
    folder = next(one for one in path.absolute().parents if _is_there(one))
    try:
        # Trying is surer than asking for rights, which a read-only disk or a root user has too.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = "is no folder" if folder.is_file() else f"refuses it ({error.strerror})"
        raise StorageError(
            f"{path} cannot be written, since {folder} {reason}. Name another place, or make that "
            "folder writable."
        ) from None


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        pass
    return True


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Write beside `path` and move it there whole; where that fails, the old file stays.

    Raises
    ------
    StorageError
        The disk is full, or the folder cannot be written to.
    """
    with written_beside(path, write):
        pass


@contextmanager
def written_beside(path: Path, write: Callable[[Path], object]) -> Iterator[Path]:
    """Write beside `path`, give that file to look at, and move it there if nothing is raised.

    Raises
    ------
    StorageError
        The disk is full, or the folder cannot be written to.
    """
    temporary = path.with_name(path.name + ".new")
    try:
        write(temporary)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written ({error.strerror or error}); what stood there before is "
            f"untouched. {_advice(error)}"
        ) from None
    finally:
        temporary.unlink(missing_ok=True)


def described_file(path: Path, name: str) -> dict[str, Any]:
    """Return name, bytes and SHA-256 of a file that is to stand as `name`; it is read in pieces."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"file": name, "bytes": path.stat().st_size, "sha256": digest}


def _advice(error: OSError) -> str:
    if error.errno in _FULL:
        return "Free some space on that disk and try again."
    return "Name another place, or make that folder writable."


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a temporary folder for the body of a `with`, and remove it after.

    Raises
    ------
    StorageError
        No temporary folder can be written to, or its disk is full.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix="edgerec-")
    except OSError as error:
        raise StorageError(
            f"There is no temporary folder to work in ({error.strerror}). Set TMPDIR to a folder "
            "that can be written to."
        ) from None
    with folder as name:
        try:
            yield Path(name)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            raise StorageError(
                f"The disk of {tempfile.gettempdir()} is full; training keeps its samples there "
                "while it works. Free some space, or set TMPDIR to a folder on a larger disk."
            ) from None
