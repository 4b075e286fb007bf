"""Requests that say what training knew of a user: what a change of a file is judged by."""

from edgerec.schema import Request
from edgerec.train.ranker import Ranker


def asked_by(ranker: Ranker, user: int) -> Request:
    """Return a request with all that training knew of a user, as a file that knows none needs.

    A file that does know him counts each item once, so it answers the same.
    """
    known = ranker.known
    own = slice(int(known.offsets[user]), int(known.offsets[user + 1]))
    return Request(
        user_id=ranker.user_ids.item(user - 1),
        history=ranker.item_ids[known.rows[own] - 1].tolist(),
        history_values=known.values[own].tolist(),
        history_times=known.times[own].tolist(),
    )


def asked_by_newcomer(ranker: Ranker, user: int, n_newest: int) -> Request:
    """Return a request of somebody who did the newest of this, and whom no file knows."""
    whole = asked_by(ranker, user)
    return Request(
        history=whole.history[-n_newest:],
        history_values=whole.history_values[-n_newest:],
        history_times=whole.history_times[-n_newest:],
    )
