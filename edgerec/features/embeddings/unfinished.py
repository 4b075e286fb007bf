"""Where a training of item2vec stands, on disk: what an interrupt leaves to go on from."""

import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgerec.errors import StateError
from edgerec.features.embeddings.word_vectors import WordVectors, word_vectors_from
from edgerec.files import replace_file

# Keeping costs a moment; no more than this is lost by an interrupt.
SECONDS_BETWEEN: Final = 20.0


class Unfinished:
    """Keeps the state of one training in an npz file, written whole and never a pickle.

    Parameters
    ----------
    of : str
        Says which training it is: a digest of all that decides its result.
    """

    def __init__(self, path: Path, of: str) -> None:
        self.path = path
        self.n_steps = 0
        """parts that were gone through in what is kept"""
        self._of = of
        self._kept_at = time.monotonic()

    def keep(self, state: WordVectors) -> None:
        """Write the state, unless that was done a moment ago and there is more to come."""
        if not state.finished and time.monotonic() - self._kept_at < SECONDS_BETWEEN:
            return
        arrays = {**state.arrays(), "of": np.frombuffer(self._of.encode(), np.uint8)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self.path, _writes(arrays))
        self._kept_at, self.n_steps = time.monotonic(), state.n_steps

    def load(self) -> WordVectors | None:
        """Read the state back; None: there is none, or it is of another training.

        Raises
        ------
        StateError
            The file is damaged.
        """
        if not self.path.is_file():
            return None
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as found:
                arrays = dict(found)
            same = arrays["of"].tobytes() == self._of.encode()
            state = word_vectors_from(arrays)
        except (KeyError, TypeError, ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
            raise StateError(
                f"{self.path} is damaged or incomplete ({error!r}). Run again without resume."
            ) from None
        if not same:
            return None
        self.n_steps = state.n_steps
        return state


def _writes(arrays: dict[str, NDArray[Any]]) -> Callable[[Path], None]:
    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    return write
