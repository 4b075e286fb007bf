"""What a search may change of a file: knobs, each with notches from all to little."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from edgerec.export.kept import words
from edgerec.export_settings import ExportSettings, KeptSettings
from edgerec.training.ranker import Ranker

Place = Mapping[str, int]
"""of each knob, which notch; 0: as it was trained, or as was asked"""
_LEAST_HISTORY: Final = 10


def knobs(ranker: Ranker, settings: ExportSettings) -> dict[str, list[Any]]:
    """Return the notches of each knob that the ranker has; the first is as the settings say."""
    tables, kept, trained = ranker.tables, settings.kept, ranker.settings
    n_history = kept.n_history or trained.n_history
    found: dict[str, list[Any]] = {
        "deduplicate": [True] if settings.deduplicate else [False, True],
        "precision": ["fp32", "fp16", "int8"][["fp32", "fp16", "int8"].index(settings.precision) :],
        "n_history": [kept.n_history, *_halves(n_history, _LEAST_HISTORY, 3)],
        "n_embedding": [kept.n_embedding, *_halves(tables.embedding.shape[2], 4, 2)],
        "n_audience": [kept.n_audience, *_halves(tables.audience.shape[2], 4, 2)],
        "n_content": [kept.n_content, *_halves(tables.taste.content.shape[1], 4, 2)],
        "n_latent": [kept.n_latent, *_halves(tables.taste.latent.shape[3], 1, 2)],
    }
    if tables.taste.latent.shape[3]:
        variances = ["direction", "item", "none"]
        found["item_variance"] = variances[variances.index(kept.item_variance) :]
    if tables.neighbours is not None:
        n_neighbours = kept.n_neighbours or tables.neighbours.rows.shape[3]
        found["n_neighbours"] = [kept.n_neighbours, *_halves(n_neighbours, 2, 2)]
    if len(ranker.known.rows) and not settings.without_users:
        found["n_known_each"] = [kept.n_known_each, *_halves(n_history, _LEAST_HISTORY, 3)]
    return {name: notches for name, notches in found.items() if len(notches) > 1}


def _halves(number: int, least: int, most: int) -> list[int]:
    """Return half of a number, half of that, and so on.

    >>> _halves(100, 10, 5)
    [50, 25, 12]
    """
    found: list[int] = []
    while (number := number // 2) >= least and len(found) < most:
        found.append(number)
    return found


def settings_at(settings: ExportSettings, found: Mapping[str, list[Any]], place: Place) -> Any:
    """Return the settings with the knobs of a place."""
    changes = {name: found[name][notch] for name, notch in place.items()}
    kept = {name: changes.pop(name) for name in [*changes] if name in _KEPT}
    return dataclasses.replace(settings, kept=dataclasses.replace(settings.kept, **kept), **changes)


_KEPT: Final = frozenset(KeptSettings.__dataclass_fields__)


def said_of(settings: ExportSettings) -> str:
    """Say how a file is stored and what is left out of it.

    >>> said_of(ExportSettings(precision="fp16", kept=KeptSettings(n_history=50)))
    'fp16, 50 items of history'
    """
    parts = [settings.precision, "shared rows once" if settings.deduplicate else ""]
    return ", ".join(one for one in [*parts, words(settings.kept)] if one)
