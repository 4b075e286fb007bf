"""Requests that say what training knew of a user: what a change of a file is judged by."""

import dataclasses

from edgerec.schema import NOT_STATED, Request
from edgerec.training.ranker import Ranker


def asked_by(
    ranker: Ranker, user: int, n_newest: int | None = None, as_of: int = NOT_STATED
) -> Request:
    """Return a request with what training knew of a user, as a file that knows none needs.

    A file that does know him counts each item once, so it answers the same.

    Parameters
    ----------
    user : int
        His row.
    n_newest : int, optional
        The newest alone, of those before `as_of`: as if he, or the file, had been made then.
        None: all; what is not before `now` the graph leaves out by itself.
    as_of : int
        Unix seconds.
    """
    known = ranker.known
    own = slice(int(known.offsets[user]), int(known.offsets[user + 1]))
    rows, values, times = known.rows[own], known.values[own], known.times[own]
    if n_newest is not None:
        end = len(times) if as_of == NOT_STATED else int((times < as_of).sum())
        newest = slice(max(0, end - n_newest), end)
        rows, values, times = rows[newest], values[newest], times[newest]
    return Request(
        user_id=ranker.user_ids.item(user - 1),
        history=ranker.item_ids[rows - 1].tolist(),
        history_values=values.tolist(),
        history_times=times.tolist(),
    )


def asked_by_newcomer(ranker: Ranker, user: int, n_newest: int) -> Request:
    """Return a request of somebody who did the newest of this, and whom no file knows."""
    return dataclasses.replace(asked_by(ranker, user, n_newest), user_id=None)
