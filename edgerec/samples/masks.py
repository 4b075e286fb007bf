"""Boolean masks over the rows of a table, kept in .npz files."""

import zipfile
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
from numpy.lib.npyio import NpzFile

from edgerec.errors import ConfigurationError

__all__ = ["RULES", "mask_file", "read_mask"]

BoolArray = npt.NDArray[np.bool_]

RULES = "user, user-time, time, row or leave-last-out, or MASKS.npz:KEY"


def mask_file(by: str) -> tuple[Path, str]:
    """Return the file and the key that `by` names."""
    file, colon, key = by.rpartition(":")
    if colon and file.endswith(".npz"):
        return Path(file), key
    hint = f" Name one of its arrays, as in {by}:KEY." if by.endswith(".npz") else ""
    raise ConfigurationError(f"there is no rule {by!r} to split by: expected {RULES}.{hint}")


def read_mask(file: Path, key: str, n_rows: int, table: str) -> BoolArray:
    """Read the mask `key` of `file`, bool[n_rows]."""
    try:
        loaded = np.load(file, allow_pickle=False)
        if not isinstance(loaded, NpzFile):
            raise ValueError("it is a single array, not an archive of named ones")
        with loaded as arrays:
            keys = ", ".join(arrays.files)
            mask = arrays[key] if key in arrays.files else None
    except FileNotFoundError:
        raise ConfigurationError(
            f"there is no mask file {file}: give the path of an .npz file, as in MASKS.npz:KEY"
        ) from None
    except (OSError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise ConfigurationError(
            f"the mask file {file} cannot be read ({error}): "
            "write it with numpy.savez, boolean arrays only"
        ) from None
    if mask is None:
        raise ConfigurationError(f"the mask file {file} has no array {key!r}: it has {keys}")
    if mask.dtype != np.bool_ or mask.shape != (n_rows,):
        raise ConfigurationError(
            f"the mask {key!r} of {file} is {mask.dtype}{list(mask.shape)}, expected "
            f'bool[{n_rows}]: one value for each row of table "{table}", sorted stably by '
            "(timestamp, user, item, value)"
        )
    return np.asarray(mask, dtype=np.bool_)
