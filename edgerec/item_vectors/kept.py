"""NAME.embedding/: item vectors and what their training goes on from.

| file | holds |
|---|---|
| `state.json` | format, settings, what was read, name and SHA-256 of the vectors' file |
| `vectors-….npz` | ids, vectors, and what training goes on from |
| `unfinished.npz` | while training: where it stands, for `resume` |

npz and JSON, never pickle. Each file is written beside its place and moved there whole, and
state.json is last, so that an interrupt at any moment leaves the old vectors or the new ones.
"""

import dataclasses
import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgerec.config import EmbeddingSettings
from edgerec.errors import StateError
from edgerec.features.embeddings.corpus import Corpus
from edgerec.features.embeddings.word_vectors import word_vectors_from
from edgerec.files import replace_file
from edgerec.item_vectors.vectors import ItemVectors
from edgerec.training.packed_ids import pack_ids, unpack_ids

FORMAT: Final = 1
STATE: Final = "state.json"
UNFINISHED: Final = "unfinished.npz"
_NEW: Final = "vectors-new.npz"
_AGAIN: Final = "Make the vectors again with `edgerec embed`."


def load_item_vectors(folder: str | Path) -> ItemVectors:
    """Read what `embed` kept.

    Raises
    ------
    StateError
        The folder holds nothing that is finished, it is damaged, or of another format.
    """
    folder = Path(folder)
    path = folder / STATE
    try:
        state = json.loads(path.read_text("utf-8"))
    except OSError:
        raise StateError(
            f"{folder} holds no {STATE}, so there are no item vectors. `edgerec embed` makes them."
        ) from None
    except ValueError as error:
        raise StateError(f"{path} is no JSON ({error}). {_AGAIN}") from None
    written = state.get("format") if isinstance(state, dict) else None
    if written != FORMAT:
        raise StateError(f"{path} has format {written!r}, this edgeRec reads {FORMAT}. {_AGAIN}")
    try:
        arrays = _read_arrays(folder / _name(state["vectors_sha256"]), state["vectors_sha256"])
        found = ItemVectors(
            unpack_ids("item", arrays),
            word_vectors_from(arrays),
            EmbeddingSettings(**state["settings"]),
            int(state["random_state"]),
            int(state["last_timestamp"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StateError(f"{path} was changed or is incomplete ({error!r}). {_AGAIN}") from None
    return found


def save_item_vectors(folder: Path, found: ItemVectors, corpus: Corpus) -> None:
    """Write vectors that are finished, and remove what they replace."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {**pack_ids("item", found.item_ids), **found.words.arrays()}
    _write_arrays(folder / _NEW, arrays)
    digest = _digest(folder / _NEW)
    (folder / _NEW).replace(folder / _name(digest))
    state = {
        "format": FORMAT,
        "settings": dataclasses.asdict(found.settings),
        "random_state": found.random_state,
        "last_timestamp": found.last_timestamp,
        "n_words": corpus.n_words,
        "n_sequences": corpus.n_sequences,
        "vectors_sha256": digest,
    }
    text = json.dumps(state, indent=1, sort_keys=True)
    replace_file(folder / STATE, lambda path: path.write_text(text, "utf-8"))
    for path in folder.glob("vectors-*.npz"):
        if path.name != _name(digest):
            path.unlink()
    (folder / UNFINISHED).unlink(missing_ok=True)


def _name(digest: str) -> str:
    return f"vectors-{str(digest)[:12]}.npz"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_arrays(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    replace_file(path, write)


def _read_arrays(path: Path, digest: str | None = None) -> dict[str, NDArray[Any]]:
    try:
        if digest is not None and _digest(path) != digest:
            raise StateError(f"{path} is not the file that {STATE} was written for. {_AGAIN}")
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return dict(arrays)
    except OSError as error:
        raise StateError(f"{path} cannot be read ({error}). {_AGAIN}") from None
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise StateError(f"{path} is damaged ({error}). {_AGAIN}") from None
