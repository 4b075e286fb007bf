"""How far an event with each item can move the system that tastes are solved from.

The graph's solver is made for the stiffest system that a history of trained items can give. An
item that is added later must not give a stiffer one, or the solver of all would have to change,
and with it the last bits of every score.
"""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.features.taste.tables import Array, TasteTables

Numbers = NDArray[np.float64]
_MARGIN: Final = 0.99
_ROWS: Final = 4096


def stiffness(tables: TasteTables) -> Numbers:
    """Return what an event with each item adds to the trace of the system: [F, S, M].

    The same for an item, to the bit, whatever others there are.
    """
    n_fits, n_signals, n_rows, _ = tables.latent.shape
    squares = np.empty((n_fits, n_signals, n_rows))
    for start in range(0, n_rows, _ROWS):
        some = slice(start, start + _ROWS)
        known = np.repeat(tables.basis[:, None, some], n_signals, axis=1)
        directions = np.concatenate([known, tables.latent[:, :, some]], axis=3, dtype=np.float64)
        # Not by a product of matrices, whose last bits depend on how many rows there are.
        scaled = np.zeros_like(directions)
        for place in range(directions.shape[3]):
            scaled += directions[..., place, None] * tables.root[:, :, None, place]
        squares[:, :, some] = (scaled**2).sum(axis=3)
    n_latent = tables.latent.shape[3]
    of_latent = tables.root[:, :, tables.root.shape[3] - n_latent :].astype(np.float64)
    squares += (tables.latent_variance * (of_latent**2).sum(axis=3)[:, :, None]).sum(axis=3)
    added: Numbers = tables.weight * squares
    return added


def stiffest(added: Numbers, n_history: int) -> Numbers:
    """Return what the stiffest items of a history add to the trace: [..., n_history].

    Where there are fewer items, the others that may be added count as the least stiff of all.

    >>> stiffest(np.array([3.0, 1.0, 2.0]), 2).tolist()
    [2.0, 3.0]
    >>> stiffest(np.array([3.0, 1.0]), 3).tolist()
    [1.0, 1.0, 3.0]
    """
    ordered = np.sort(added, axis=-1)
    missing = n_history - ordered.shape[-1]
    if missing > 0:
        ordered = np.concatenate([ordered[..., :1].repeat(missing, axis=-1), ordered], axis=-1)
    return ordered[..., ordered.shape[-1] - n_history :]


def no_stiffer(tables: TasteTables, is_new: NDArray[np.bool_], n_history: int) -> TasteTables:
    """Return tables in which the new items [M] are no stiffer than those that a history may hold.

    What such an item is expected to get counts as less certain, so that an event with it says less.
    Items that nobody met are uncertain anyway, so this is for those whose content lies far out.
    """
    added = stiffness(tables)
    most = _MARGIN * stiffest(added[:, :, ~is_new], n_history)[:, :, :1]
    excess = np.maximum(added / np.maximum(most, 1e-30), 1)
    variance = tables.noise[:, :, None] + tables.intercept_variance
    needed: Array = (variance * excess - tables.noise[:, :, None]).astype(np.float32)
    uncertain = np.where(is_new, needed, tables.intercept_variance)
    return replace(tables, intercept_variance=uncertain)
