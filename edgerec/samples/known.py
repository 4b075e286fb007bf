"""Known histories: the newest interactions of each training user, which the file will hold."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edgerec.config import TrainSettings
from edgerec.features.tables import KnownHistories
from edgerec.progress import Progress
from edgerec.recsys import RecSys, UserBehavior
from edgerec.samples.asked_history import asked_history
from edgerec.samples.intake import Intake

# User, item row, value and timestamp of what is kept of one block, by user, oldest first.
_Kept = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32], NDArray[np.int64]]


def known_histories(
    intake: Intake, settings: TrainSettings, rec_sys: RecSys, progress: Progress
) -> KnownHistories:
    """Return the newest `n_history` distinct items of each user, at the end of training.

    They grow with the users, and so would the file and the memory that exports it. Where they
    would be more than `n_known_interactions`, every user keeps only the newest m, and a message
    says so.
    """
    progress.stage("known histories")
    at_most = np.full(intake.spool.n_users, settings.n_history)
    # A class that is asked may know more than its samples show.
    if not isinstance(rec_sys, UserBehavior):
        at_most = np.minimum(np.diff(intake.spool.offsets)[1:], at_most)
    longest = longest_kept(at_most, settings.n_history, settings.n_known_interactions)
    if longest < settings.n_history:
        progress.message(
            f"The file keeps the newest {longest} items of each of {intake.spool.n_users:,} users "
            f"and not {settings.n_history}: n_known_interactions allows "
            f"{settings.n_known_interactions:,} in all. Raise it if the file may be larger; a "
            "request can bring the history that the file lacks."
        )
    if isinstance(rec_sys, UserBehavior):
        blocks = _asked(intake, longest, rec_sys, settings.chunk_rows)
    else:
        blocks = _newest(intake, longest, settings.chunk_rows)
    # One piece from the start: many small ones would leave holes behind when they are joined.
    capacity = int(np.minimum(at_most, longest).sum())
    rows = np.empty(capacity, np.int32)
    values = np.empty(capacity, np.float32)
    times = np.empty(capacity, np.int64)
    counts = np.zeros(intake.spool.n_users + 1, np.int64)
    n_kept = 0
    for user, item, value, time in blocks:
        part = slice(n_kept, n_kept + len(user))
        rows[part], values[part], times[part] = item, value, time
        counts += np.bincount(user, minlength=len(counts))
        n_kept += len(user)
        progress.advance(int(np.count_nonzero(counts)), intake.spool.n_users)
    return KnownHistories(
        np.r_[0, np.cumsum(counts)], rows[:n_kept], values[:n_kept], times[:n_kept]
    )


def longest_kept(counts: NDArray[np.int64], n_history: int, limit: int) -> int:
    """Return the largest m <= n_history for which the newest m of all users are within `limit`.

    Parameters
    ----------
    counts : int64 [n]
        Samples of each user.

    >>> [longest_kept(np.array([9, 2, 1]), 5, limit) for limit in (100, 8, 7, 3, 2)]
    [5, 5, 4, 1, 0]
    """
    # The k-th newest stands in the history of every user who has k.
    has_length = np.bincount(np.minimum(counts, n_history), minlength=n_history + 1)
    n_with = has_length[::-1].cumsum()[::-1][1:]
    return int(np.searchsorted(n_with.cumsum(), limit, side="right"))


def _newest(intake: Intake, longest: int, chunk_rows: int) -> Iterator[_Kept]:
    for records in intake.spool.blocks(chunk_rows):
        own = records[~np.isnan(records["value"])]
        key = own["user"].astype(np.int64) * (intake.spool.n_items + 1) + own["item"]
        _, from_end = np.unique(key[::-1], return_index=True)
        own = own[np.sort(len(own) - 1 - from_end)]
        end = np.searchsorted(own["user"], own["user"], side="right")
        own = own[end - np.arange(len(own)) <= longest]
        yield own["user"], own["item"], own["value"], own["timestamp"]


def _asked(intake: Intake, longest: int, rec_sys: UserBehavior, chunk_rows: int) -> Iterator[_Kept]:
    as_of = intake.last_timestamp + 1
    for records in intake.spool.blocks(chunk_rows):
        users = np.unique(records["user"])
        asked = [asked_history(rec_sys, intake, user, as_of, longest) for user in users.tolist()]
        item, value, time = (np.concatenate(column) for column in zip(*asked, strict=True))
        yield np.repeat(users, [len(one[0]) for one in asked]), item.astype(np.int32), value, time
