"""Whether what is trained on now is what a state was saved of: settings, samples, tables."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgerec.config import TrainSettings, settings_to_mapping
from edgerec.errors import StateError
from edgerec.features.tables import item_table, user_table
from edgerec.features.texts import text_vectors
from edgerec.ids import IdArray
from edgerec.progress import Silent
from edgerec.recsys import RecSys
from edgerec.samples.intake import Intake
from edgerec.samples.known import known_histories
from edgerec.training.ranker import Ranker
from edgerec.training.state import SavedState

TABLES_KEPT: Final = (
    "no epoch is done, so there is no network yet. {} keeps features, embedding and statistics: "
    "train with resume (--resume) to go on from there."
)
ITEM2VEC_KEPT: Final = (
    "no epoch is done, so there is no network yet. {} keeps item2vec as far as it came: train with "
    "resume (--resume) to go on from there."
)
_ADVICE = "Train without resume."


def require_same_settings(saved: Ranker, settings: TrainSettings, folder: Path) -> None:
    """Refuse to go on with other settings.

    Raises
    ------
    StateError
        The sentence names each setting that differs.
    """
    before, now = _flat(settings_to_mapping(saved.settings)), _flat(settings_to_mapping(settings))
    differ = [
        f"{name} was {before[name]} and is {now[name]}" for name in now if before[name] != now[name]
    ]
    if differ:
        raise StateError(
            f"{folder} was trained with other settings: {', '.join(differ)}. Resume with the same "
            "ones, or train without resume."
        )


def require_same_data(saved: Ranker, rec_sys: RecSys, intake: Intake, folder: Path) -> None:
    """Refuse to go on with other samples, static features or histories than those saved.

    The network was fitted to these: with others it would be neither the old model nor a new one.

    Raises
    ------
    StateError
        The sentence names the method that gives something else now, and the first id.
    """
    if len(saved.added_items):
        raise StateError(
            f"{folder} holds {len(saved.added_items)} items that were added after training, so "
            "there is nothing to resume. Resume from the folder that training itself wrote."
        )
    if saved.facts.fingerprint != intake.fingerprint:
        before, now = saved.facts.n_samples, intake.n_samples
        what = (
            f"now there are {now}"
            if now != before
            else ("now there are as many, but with other ids, labels, values, times or weights")
        )
        raise StateError(f"{folder} was trained on {before} samples; {what}. {_ADVICE}")
    users, items = saved.tables.user_features, saved.tables.item_features
    _require_same_table("user", users, user_table(rec_sys, intake.user_ids), saved.user_ids, folder)
    texts = np.zeros((len(intake.item_ids) + 1, saved.tables.n_text), np.float32)
    texts[1:] = text_vectors(rec_sys, intake.item_ids, saved.text)
    with_texts = np.concatenate([item_table(rec_sys, intake.item_ids), texts], axis=1)
    _require_same_table("item", items, with_texts, saved.item_ids, folder)
    known = known_histories(intake, saved.settings, rec_sys, Silent())
    for name, before in vars(saved.known).items():
        if not np.array_equal(before, getattr(known, name), equal_nan=before.dtype.kind == "f"):
            raise StateError(
                f"{folder} was trained on other histories than get_user_behavior returns now. "
                f"{_ADVICE}"
            )


def require_same_embedding(
    saved: Ranker, given: Callable[[IdArray], NDArray[np.float32]], folder: Path
) -> None:
    """Refuse to go on with other item vectors than those saved.

    Raises
    ------
    StateError
        They differ.
    """
    before, now = saved.tables.embedding[-1], given(saved.item_ids)
    if not np.array_equal(before, now):
        raise StateError(
            f"{folder} was trained with other item vectors than those that are given. {_ADVICE}"
        )


def what_is_kept(folder: Path | None, saved: SavedState | None) -> str:
    """Say what an interrupt at the beginning leaves."""
    if folder is None:
        return "nothing is kept, since no training folder was named."
    if saved is None:
        return "nothing of this run is kept yet. Train again."
    if not saved.course.epochs:
        return TABLES_KEPT.format(folder)
    return (
        f"{folder} keeps the network after epoch {len(saved.course.epochs)}. Train with resume "
        "(--resume) to go on from there."
    )


def _require_same_table(
    role: str,
    before: NDArray[np.float32],
    now: NDArray[np.float32],
    ids: IdArray,
    folder: Path,
) -> None:
    if before.shape[1] != now.shape[1]:
        raise StateError(
            f"{folder} was trained on {before.shape[1]} features of each {role}; now there are "
            f"{now.shape[1]}. {_ADVICE}"
        )
    # Row 0, the mean, differs where any other does.
    other = np.flatnonzero((before[1:] != now[1:]).any(axis=1))
    if len(other):
        raise StateError(
            f"{folder} was trained on other {role} features: those of {role} "
            f"{ids.tolist()[other[0]]!r} have changed, and {len(other) - 1} more. {_ADVICE}"
        )


def _flat(mapping: dict[str, Any]) -> dict[str, Any]:
    flat = {}
    for key, value in mapping.items():
        if isinstance(value, dict):
            flat.update({f"{key}.{name}": each for name, each in value.items()})
        else:
            flat[key] = value
    return flat
