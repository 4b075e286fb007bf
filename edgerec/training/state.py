"""NAME.training/: what resuming and exporting again need. npz and JSON, never pickle.

| file | holds |
|---|---|
| `state.json` | format, settings, facts of the data, course of the epochs, SHA-256 of the others |
| `tables.npz` | ids, tables with the statistics of all folds, known histories, held-out samples |
| `network-N.npz` | after epoch N: weights now and best so far, optimiser, random state |

A new training removes the state before it. From then on each file is written beside its place
and moved there whole, and state.json is last and names the others, so that an interrupt at any
moment leaves the state after some epoch.
"""

import dataclasses
import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier

from edgerec.config import TrainSettings, settings_from_mapping, settings_to_mapping
from edgerec.errors import StateError
from edgerec.features.embeddings.text import TextModel
from edgerec.features.table_arrays import tables_from_arrays, tables_to_arrays
from edgerec.features.tables import KnownHistories
from edgerec.features.vector import FeatureTables
from edgerec.files import replace_file
from edgerec.ids import IdType
from edgerec.samples.held_out import HeldOutSamples
from edgerec.training.fit import Course
from edgerec.training.network import Weights, optimiser_state, restore_optimiser, weights_of
from edgerec.training.packed_ids import pack_ids, unpack_ids
from edgerec.training.ranker import Ranker, TrainingFacts

FORMAT: Final = 2
_Arrays = Mapping[str, NDArray[Any]]


@dataclasses.dataclass(frozen=True)
class SavedState:
    """A state that was read back."""

    ranker: Ranker
    """with the statistics of all folds in its tables"""
    course: Course
    network: dict[str, NDArray[Any]] | None
    """weights and optimiser at the last checkpoint; None: no epoch was finished"""

    def restore_network(self, network: MLPClassifier) -> None:
        """Put weights, optimiser and random state of the last checkpoint into `network`."""
        assert self.network is not None
        for number in range(len(network.coefs_)):
            network.coefs_[number][:] = self.network[f"now_coefficients_{number}"]
            network.intercepts_[number][:] = self.network[f"now_intercepts_{number}"]
        restore_optimiser(network, self.network)


def save_tables(folder: Path, ranker: Ranker) -> None:
    """Write everything but the network, and a state.json that says that no epoch is done."""
    _write_tables(folder, ranker)
    _write_state(folder, ranker, Course([], 0, None))


def save_changed(folder: Path, ranker: Ranker, saved: SavedState) -> None:
    """Write a state that is `saved` with the tables of `ranker`, as of more items."""
    assert saved.network is not None
    _write_tables(folder, ranker)
    _write_arrays(folder / _network_name(saved.course.epochs), saved.network)
    _write_state(folder, ranker, saved.course)


def _write_tables(folder: Path, ranker: Ranker) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "state.json").unlink(missing_ok=True)
    _remove_networks(folder, "")
    arrays = {
        **pack_ids("user", ranker.user_ids),
        **pack_ids("item", ranker.item_ids),
        **tables_to_arrays(ranker.tables),
        **({} if ranker.text is None else _prefixed("text", ranker.text.to_arrays())),
        "added_items": ranker.added_items,
        "embedding_fit_of_user": ranker.embedding_fit_of_user,
        **{f"known_{key}": value for key, value in vars(ranker.known).items()},
        **{f"held_out_{key}": value for key, value in vars(ranker.held_out).items()},
    }
    _write_arrays(folder / "tables.npz", arrays)


def save_checkpoint(folder: Path, ranker: Ranker, network: MLPClassifier, course: Course) -> None:
    """Write the network after an epoch; the tables stand there already."""
    best = course.best
    assert best is not None
    now = weights_of(network, best.mean, best.inverse_spread)
    arrays = {
        **_pack_weights("now", now),
        **_pack_weights("best", best),
        "mean": best.mean,
        "inverse_spread": best.inverse_spread,
        **optimiser_state(network),
    }
    name = _network_name(course.epochs)
    _write_arrays(folder / name, arrays)
    _write_state(folder, ranker, course)
    _remove_networks(folder, name)


def load_state(folder: Path) -> SavedState:
    """Read a state back.

    Raises
    ------
    StateError
        The folder or a file is missing, damaged, or of another format.
    """
    path = folder / "state.json"
    if not path.is_file():
        raise StateError(
            f"{folder} holds no state.json, so there is nothing to resume. Train without resume "
            "first, or name the folder that training wrote (NAME.training)."
        )
    try:
        state = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise StateError(f"{path} is no JSON ({error}). Train again without resume.") from None
    written = state.get("format") if isinstance(state, dict) else None
    if written != FORMAT:
        raise StateError(
            f"{path} has format {written!r}, this edgeRec reads {FORMAT}. "
            "Train again without resume."
        )
    try:
        return _saved_state(folder, state)
    except StateError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StateError(
            f"{path} was changed or is incomplete ({error!r}). Train again without resume."
        ) from None


def _saved_state(folder: Path, state: dict[str, Any]) -> SavedState:
    tables = _read_arrays(folder / "tables.npz", state["files"])
    finished = bool(state["course"]["finished"])
    network = None
    best = None
    if state["course"]["epochs"]:
        name = _network_name(state["course"]["epochs"])
        network = _read_arrays(folder / name, state["files"])
        best = _unpack_weights("best", network)
    course = Course(state["course"]["epochs"], state["course"]["best_epoch"], best, finished)
    return SavedState(_ranker(state, tables, best), course, network)


def _ranker(state: dict[str, Any], arrays: _Arrays, best: Weights | None) -> Ranker:
    label_above = state["label_above"]
    settings = settings_from_mapping(state["settings"])
    tables: FeatureTables = tables_from_arrays(
        arrays,
        label_above,
        tuple(state["value_range"]),
        settings.n_compared,
        state["n_text"],
        settings.taste.n_content,
    )
    facts = dict(state["facts"])
    facts["epochs"] = tuple(facts["epochs"])
    nothing = np.zeros(0, np.float32)
    return Ranker(
        settings=settings,
        user_ids=unpack_ids("user", arrays),
        item_ids=unpack_ids("item", arrays),
        user_id_type=_id_type(state["user_id_type"]),
        item_id_type=_id_type(state["item_id_type"]),
        tables=tables,
        known=KnownHistories(
            *(arrays[f"known_{key}"] for key in KnownHistories.__dataclass_fields__)
        ),
        embedding_fit_of_user=arrays["embedding_fit_of_user"],
        held_out=HeldOutSamples(
            *(arrays[f"held_out_{key}"] for key in HeldOutSamples.__dataclass_fields__)
        ),
        weights=best or Weights((), (), nothing, nothing),
        facts=TrainingFacts(**facts),
        text=_text(arrays, settings),
        added_items=arrays["added_items"],
        item_rules=state["item_rules"],
        audit=tuple(state.get("audit", ())),
    )


def _prefixed(prefix: str, arrays: _Arrays) -> dict[str, NDArray[Any]]:
    return {f"{prefix}_{name}": array for name, array in arrays.items()}


def _text(arrays: _Arrays, settings: TrainSettings) -> TextModel | None:
    own = {name[5:]: array for name, array in arrays.items() if name.startswith("text_")}
    if not own:
        return None
    return TextModel.from_arrays(own, settings.text, settings.random_state)


def _id_type(name: str) -> IdType:
    return "string" if name == "string" else "int64"


def _pack_weights(prefix: str, weights: Weights) -> dict[str, NDArray[Any]]:
    packed: dict[str, NDArray[Any]] = {}
    for number, coefficients in enumerate(weights.coefficients):
        packed[f"{prefix}_coefficients_{number}"] = coefficients
        packed[f"{prefix}_intercepts_{number}"] = weights.intercepts[number]
    return packed


def _unpack_weights(prefix: str, arrays: _Arrays) -> Weights:
    n_layers = sum(key.startswith(f"{prefix}_coefficients_") for key in arrays)
    return Weights(
        tuple(arrays[f"{prefix}_coefficients_{number}"] for number in range(n_layers)),
        tuple(arrays[f"{prefix}_intercepts_{number}"] for number in range(n_layers)),
        arrays["mean"],
        arrays["inverse_spread"],
    )


def _network_name(epochs: Sequence[object]) -> str:
    return f"network-{len(epochs)}.npz"


def _remove_networks(folder: Path, kept: str) -> None:
    for path in folder.glob("network-*.npz"):
        if path.name != kept:
            path.unlink()


def _write_state(folder: Path, ranker: Ranker, course: Course) -> None:
    files = {
        path.name: _digest(path)
        for path in (folder / "tables.npz", folder / _network_name(course.epochs))
        if course.epochs or path.name == "tables.npz"
    }
    state = {
        "format": FORMAT,
        "settings": settings_to_mapping(ranker.settings),
        "user_id_type": ranker.user_id_type,
        "item_id_type": ranker.item_id_type,
        "label_above": ranker.tables.label_above,
        "value_range": list(ranker.tables.value_range),
        "n_text": ranker.tables.n_text,
        "item_rules": ranker.item_rules,
        "facts": dataclasses.asdict(ranker.facts),
        "audit": ranker.audit,
        "course": {
            "epochs": course.epochs,
            "best_epoch": course.best_epoch,
            "finished": course.finished,
        },
        "files": files,
    }
    text = json.dumps(state, indent=1, sort_keys=True)
    replace_file(folder / "state.json", lambda path: path.write_text(text, "utf-8"))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_arrays(path: Path, arrays: _Arrays) -> None:
    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    replace_file(path, write)


def _read_arrays(path: Path, files: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    try:
        digest = _digest(path)
    except OSError as error:
        raise StateError(f"{path} cannot be read ({error}). Train again without resume.") from None
    if digest != files.get(path.name):
        raise StateError(
            f"{path} is not the file that state.json was written for. Train again without resume."
        )
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return dict(arrays)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise StateError(f"{path} is damaged ({error}). Train again without resume.") from None
