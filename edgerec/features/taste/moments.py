"""The tastes of users at the moments of all their samples: the sums of `columns`, shared.

A user's histories at two moments are nearly the same events. So what each event adds to the
equations is multiplied out once for a stretch of neighbouring samples, and one product of matrices
adds it up for all their moments: a third of the work of solving for each sample by itself.

The same to the last bit whatever comes later, which the leak audit relies on: products of matrices
round as their shapes have it, so shapes depend on what is earlier alone.

Axes as in `columns`; T moments of a stretch, K events, Q = D (D + 1) / 2.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.features.taste.columns import N_WEIGHTINGS, recency
from edgerec.features.taste.tables import TasteTables

Array = NDArray[np.float32]
Rows = NDArray[np.int64]
# A stretch spans as many samples as are before it, within these bounds: short histories would
# drown in long stretches, and long ones be multiplied out again and again for short stretches.
_SHORTEST: Final = 8
_LONGEST: Final = 64


@dataclass(frozen=True)
class Stretch:
    """Neighbouring samples of one user, `first` to `end`, at moments that begin at `starts`."""

    first: int
    end: int
    span: int
    """how many samples from `first` on may stand in their histories"""
    starts: Rows
    """[T]: the first sample of each moment"""


def stretches(user: NDArray[np.int32], timestamp: NDArray[np.int64]) -> Iterator[Stretch]:
    """Cut samples, sorted by (user, timestamp), into stretches.

    >>> user, timestamp = np.array([1, 1, 1, 2]), np.array([5, 5, 6, 6])
    >>> [(one.first, one.end, one.starts.tolist()) for one in stretches(user, timestamp)]
    [(0, 3, [0, 2]), (3, 4, [3])]
    """
    is_new = np.ones(len(user), bool)
    is_new[1:] = (user[1:] != user[:-1]) | (timestamp[1:] != timestamp[:-1])
    moments = np.flatnonzero(is_new)
    bounds = np.flatnonzero(np.diff(user[moments], prepend=-1, append=-1))
    for low, high in pairwise(bounds.tolist()):
        own = moments[low:high]
        end = int(moments[high]) if high < len(moments) else len(user)
        place = 0
        while place < len(own):
            first = int(own[place])
            span = min(max(first - int(own[0]), _SHORTEST), _LONGEST)
            following = int(np.searchsorted(own, first + span))
            stop = int(own[following]) if following < len(own) else end
            yield Stretch(first, stop, span, own[place:following])
            place = following


class MomentTastes:
    """Gives the tastes of stretches of samples.

    Parameters
    ----------
    item : int64 [n]
        Item rows of samples of whole users, sorted by (user, timestamp).
    stated, signals : of each signal's name, float32 [n]
        1 where a sample states the signal; and what it states.
    positions : int32 [n, H]
        Which of them are the history of each, newest first; -1: nothing there.
    """

    def __init__(
        self,
        tables: TasteTables,
        item: Rows,
        stated: Mapping[str, Array],
        signals: Mapping[str, Array],
        positions: NDArray[np.int32],
    ) -> None:
        self._tables = tables
        self._item = item
        self._known = np.stack([stated[name] for name in tables.signals])
        self._signal = np.stack([signals[name] for name in tables.signals])
        self._positions = positions
        size, n_latent = tables.root.shape[-1], tables.latent.shape[-1]
        self._upper = np.triu_indices(size)
        number = np.zeros((size, size), np.int64)
        number[self._upper] = np.arange(len(self._upper[0]))
        self._whole = np.maximum(number, number.T).ravel()
        of_latent = tables.root[..., size - n_latent :, :]
        self._latent = of_latent[..., self._upper[0]] * of_latent[..., self._upper[1]]
        self._factors = recency(positions.shape[1]).T
        self._column_of = np.zeros(len(item) + _LONGEST, np.int64)

    def of(self, stretch: Stretch, fit: int) -> Array:
        """Return the tastes of each sample of a stretch: [end - first, S, W, D]."""
        events, counts = self._events(stretch)
        n_systems, size = len(stretch.starts) * N_WEIGHTINGS, self._tables.root.shape[-1]
        parts = []
        for signal, root in enumerate(self._tables.root[fit]):
            total = np.matmul(counts, self._parts(events, fit, signal).T)[:n_systems]
            system = total.take(self._whole, axis=1)
            system[:, :: size + 1] += 1
            solution = np.linalg.solve(
                system.reshape(n_systems, size, size), total[:, -size:, None]
            )
            parts.append(np.matmul(root, solution).reshape(-1, N_WEIGHTINGS, size))
        n_rows = np.diff(stretch.starts, append=stretch.end)
        tastes: Array = np.stack(parts, axis=1).astype(np.float32)
        return tastes.repeat(n_rows, axis=0)

    def _events(self, stretch: Stretch) -> tuple[Rows, Array]:
        """Return positions of events [K], and how much each counts: [span * W, K].

        The events are the history of the first moment, and the samples from there on.
        """
        earlier = self._positions[stretch.first]
        earlier = earlier[earlier >= 0][::-1]
        events = np.r_[earlier, np.arange(stretch.first, stretch.first + stretch.span)]
        self._column_of[events] = np.arange(len(events))
        positions = self._positions[stretch.starts]
        moment, rank = np.nonzero(positions >= 0)
        column = self._column_of[positions[moment, rank]]
        counts = np.zeros((stretch.span, N_WEIGHTINGS, len(events)), np.float32)
        counts[moment, :, column] = self._factors[rank]
        # Behind the last sample stand events that count nowhere.
        events = np.minimum(events, len(self._item) - 1)
        return events, counts.reshape(stretch.span * N_WEIGHTINGS, -1)

    def _parts(self, events: Rows, fit: int, signal: int) -> Array:
        """Return what each event adds to a system, its upper triangle, and its right side.

        [Q + D, K]
        """
        tables, item = self._tables, self._item[events]
        known = self._known[signal, events]
        rest = self._signal[signal, events] - tables.level[fit, signal, item]
        weight = known * tables.weight[fit, signal, item]
        directions = np.ascontiguousarray(tables.scaled[fit, signal, item].T)
        first, second = self._upper
        parts = np.empty((len(first) + len(directions), len(item)), np.float32)
        system, right = parts[: len(first)], parts[len(first) :]
        np.matmul(
            self._latent[fit, signal].T, tables.latent_variance[fit, signal, item].T, out=system
        )
        system += directions.take(first, axis=0) * directions.take(second, axis=0)
        np.multiply(directions, known * rest, out=right)
        parts *= weight
        return parts
