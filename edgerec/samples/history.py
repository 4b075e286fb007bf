"""The point-in-time join: which interactions stand in a sample's history.

Only interactions with a timestamp strictly before the sample's `as_of` may, an item that
repeats counts once where it occurs last, and the newest `n_history` of what is left are kept.
The graph applies the same rules to a request.
"""

from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray


def history_positions(
    user: NDArray[np.int32],
    item: NDArray[np.int32],
    timestamp: NDArray[np.int64],
    enters: NDArray[np.bool_],
    n_history: int,
) -> NDArray[np.int32]:
    """Return, for each sample of whole users, the positions of its history.

    Parameters
    ----------
    user, item, timestamp : [n]
        Samples sorted by (user, timestamp).
    enters : bool [n]
        False: never in a history (a sampled negative).

    Returns
    -------
    int32 [n, n_history]
        Positions into the same arrays, newest first; -1: nothing there.

    >>> history_positions(
    ...     np.array([1, 1, 1, 1]), np.array([7, 8, 7, 9]), np.array([5, 6, 6, 8]),
    ...     np.array([True, True, True, False]), 2).tolist()
    [[-1, -1], [0, -1], [0, -1], [2, 1]]
    """
    positions = np.full((len(user), n_history), -1, np.int32)
    newest_first = np.arange(n_history)
    bounds = np.flatnonzero(np.diff(user, prepend=-1, append=-1))
    for start, end in pairwise(bounds.tolist()):
        entering = start + np.flatnonzero(enters[start:end])
        if not len(entering):
            continue
        n_earlier = np.searchsorted(timestamp[entering], timestamp[start:end], side="left")
        items = item[entering]
        if len(np.unique(items)) == len(items):
            slot = n_earlier[:, None] - 1 - newest_first
            positions[start:end] = np.where(slot >= 0, entering[np.maximum(slot, 0)], -1)
        else:
            _last_occurrences(positions[start:end], entering, items, n_earlier)
    return positions


def _last_occurrences(
    positions: NDArray[np.int32],
    entering: NDArray[np.int64],
    items: NDArray[np.int32],
    n_earlier: NDArray[np.int64],
) -> None:
    """Fill `positions` for one user, who has items more than once.

    One walk, however long his history is: a dictionary keeps items in the order of insertion.
    """
    n_history = positions.shape[1]
    coming = zip(items.tolist(), entering.tolist(), strict=True)
    newest: dict[int, int] = {}
    n_seen = 0
    # n_earlier never falls, so samples that share it are neighbours.
    bounds = np.flatnonzero(np.r_[True, n_earlier[1:] != n_earlier[:-1], True])
    for first, last in pairwise(bounds.tolist()):
        count = int(n_earlier[first])
        for item, position in islice(coming, count - n_seen):
            newest.pop(item, None)
            newest[item] = position
        n_seen = count
        kept = list(islice(reversed(newest.values()), n_history))
        positions[first:last, : len(kept)] = kept


def newest_distinct(rows: NDArray[np.int64], n_history: int) -> NDArray[np.int64]:
    """Return positions of the newest `n_history` distinct items of one list, newest first.

    Parameters
    ----------
    rows : int64 [n]
        Item rows, oldest first.

    >>> newest_distinct(np.array([7, 8, 7, 9]), 2).tolist()
    [3, 2]
    """
    _, newest = np.unique(rows[::-1], return_index=True)
    kept: NDArray[np.int64] = len(rows) - 1 - np.sort(newest)[:n_history]
    return kept
