"""Looks up what the taste columns read, in the tables of the fit that each request may see."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from edgerec.features.taste.columns import CandidateInputs, TasteInputs
from edgerec.features.taste.tables import TasteTables

Array = NDArray[np.float32]
Rows = NDArray[np.int64]


def taste_inputs(
    tables: TasteTables,
    fit: Rows,
    history: Rows,
    stated: Mapping[str, Array],
    signals: Mapping[str, Array],
) -> TasteInputs:
    """Look up the items of histories.

    Parameters
    ----------
    fit : int64 [G]
    history : int64 [G, H]
        Item rows, newest first; 0: nothing there.
    stated, signals : of each signal's name, float32 [G, H]
        1 where a slot states the signal; and what it states.
    """
    known = np.stack([stated[name] for name in tables.signals], axis=1)
    signal = np.stack([signals[name] for name in tables.signals], axis=1)
    return TasteInputs(
        scaled=_gathered(tables.scaled, fit, history),
        rest=known * (signal - _gathered(tables.level, fit, history)),
        weight=known * _gathered(tables.weight, fit, history),
        latent_variance=_gathered(tables.latent_variance, fit, history),
        root=tables.root[fit],
    )


def candidate_inputs(tables: TasteTables, fit: Rows, candidates: Rows) -> CandidateInputs:
    """Look up candidates [G, N] in the fits [G]."""
    return CandidateInputs(
        directions=_directions(tables, fit, candidates),
        level=_gathered(tables.level, fit, candidates),
        spread=_gathered(tables.spread, fit, candidates),
    )


def _gathered(table: Array, fit: Rows, rows: Rows) -> Array:
    """Take the rows [G, n] of a table [F, S, M, …]: [G, S, n, …]."""
    n_fits, n_signals, n_rows = table.shape[:3]
    # `take` of one axis needs half the time of indexing by three.
    first = (fit[:, None] * n_signals + np.arange(n_signals)) * n_rows
    flat = table.reshape(n_fits * n_signals * n_rows, *table.shape[3:])
    taken: Array = flat.take(first[:, :, None] + rows[:, None], axis=0)
    return taken


def _directions(tables: TasteTables, fit: Rows, rows: Rows) -> Array:
    n_known, n_latent = tables.basis.shape[2], tables.latent.shape[3]
    n_signals = tables.latent.shape[1]
    directions = np.empty((len(rows), n_signals, rows.shape[1], n_known + n_latent), np.float32)
    directions[..., :n_known] = tables.basis[fit[:, None], rows][:, None]
    directions[..., n_known:] = _gathered(tables.latent, fit, rows)
    return directions
