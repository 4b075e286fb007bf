"""Known histories: the newest interactions of each training user, which the file will hold."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edgerec.config import TrainSettings
from edgerec.features.tables import KnownHistories
from edgerec.progress import Progress
from edgerec.recsys import RecSys, UserBehavior
from edgerec.samples.intake import Intake
from edgerec.samples.stream import asked_history

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
    longest = longest_kept(
        np.diff(intake.spool.offsets), settings.n_history, settings.n_known_interactions
    )
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
    counts = np.zeros(intake.spool.n_users + 1, np.int64)
    rows, values, times = [], [], []
    for user, item, value, time in blocks:
        counts += np.bincount(user, minlength=len(counts))
        rows.append(item)
        values.append(value)
        times.append(time)
        progress.advance(int(np.count_nonzero(counts)), intake.spool.n_users)
    return KnownHistories(
        offsets=np.r_[0, np.cumsum(counts)],
        rows=np.concatenate(rows),
        values=np.concatenate(values),
        times=np.concatenate(times),
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
        yield own["user"].copy(), own["item"].copy(), own["value"].copy(), own["timestamp"].copy()


def _asked(intake: Intake, longest: int, rec_sys: UserBehavior, chunk_rows: int) -> Iterator[_Kept]:
    as_of = intake.last_timestamp + 1
    for records in intake.spool.blocks(chunk_rows):
        users = np.unique(records["user"])
        asked = [asked_history(rec_sys, intake, user, as_of, longest) for user in users.tolist()]
        item, value, time = (np.concatenate(column) for column in zip(*asked, strict=True))
        yield np.repeat(users, [len(one[0]) for one in asked]), item.astype(np.int32), value, time
