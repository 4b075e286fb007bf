"""Samples as feature vectors, block by block, each with the history that was there `as_of` it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.features.tables import KnownHistories
from edgerec.features.vector import FeatureTables, Requests, feature_vectors
from edgerec.recsys import RecSys, UserBehavior
from edgerec.samples.asked_history import asked_history
from edgerec.samples.history import history_positions, newest_distinct
from edgerec.samples.intake import Intake

# Rows whose histories are expanded at a time: bounds the [rows, n_history, embedding_dim] arrays.
_EXPANDED_ROWS: Final = 1024


@dataclass(frozen=True)
class SampleBlock:
    """Feature vectors of the samples of some users, sorted by (user, timestamp, item)."""

    user: NDArray[np.int64]
    """[n]: user rows"""
    features: NDArray[np.float32]
    """[n, width]"""
    label: NDArray[np.float32]
    """[n]"""


@dataclass(frozen=True)
class FoldsOfUser:
    """Which fits the samples of each user may see: int64 [n_users + 1] each."""

    statistics: NDArray[np.int64]
    embedding: NDArray[np.int64]


def sample_blocks(
    intake: Intake,
    tables: FeatureTables,
    folds_of_user: FoldsOfUser,
    n_history: int,
    rec_sys: RecSys,
    chunk_rows: int,
) -> Iterator[SampleBlock]:
    """Yield every sample once, point in time, with statistics out of its user's fold."""
    for records in intake.spool.blocks(chunk_rows):
        rows, values = _histories(records, intake, n_history, rec_sys)
        user = records["user"].astype(np.int64)
        parts = []
        for start in range(0, len(records), _EXPANDED_ROWS):
            part = slice(start, start + _EXPANDED_ROWS)
            requests = Requests(
                user=user[part],
                candidates=records["item"][part, None].astype(np.int64),
                history=rows[part],
                values=values[part],
                fit=folds_of_user.statistics[user[part]],
                embedding_fit=folds_of_user.embedding[user[part]],
            )
            parts.append(feature_vectors(requests, tables)[:, 0])
        yield SampleBlock(user, np.concatenate(parts), records["label"])


def _histories(
    records: NDArray[np.void], intake: Intake, n_history: int, rec_sys: RecSys
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return item rows and values [n, n_history] of each record, newest first."""
    if isinstance(rec_sys, UserBehavior):
        return _asked_histories(records, intake, n_history, rec_sys)
    positions = history_positions(
        records["user"],
        records["item"],
        records["timestamp"],
        ~np.isnan(records["value"]),
        n_history,
    )
    there = positions >= 0
    rows = np.where(there, records["item"][positions], 0).astype(np.int64)
    values = np.where(there, records["value"][positions], np.float32(np.nan))
    return rows, values


def _asked_histories(
    records: NDArray[np.void], intake: Intake, n_history: int, rec_sys: UserBehavior
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    rows = np.zeros((len(records), n_history), np.int64)
    values = np.full((len(records), n_history), np.nan, np.float32)
    previous: tuple[int, int] | None = None
    for position, (user, as_of) in enumerate(
        zip(records["user"].tolist(), records["timestamp"].tolist(), strict=True)
    ):
        if (user, as_of) == previous:
            rows[position], values[position] = rows[position - 1], values[position - 1]
            continue
        previous = (user, as_of)
        item, value, _ = asked_history(rec_sys, intake, user, as_of, n_history)
        rows[position, : len(item)] = item[::-1]
        values[position, : len(item)] = value[::-1]
    return rows, values


def known_histories(
    intake: Intake, n_history: int, rec_sys: RecSys, chunk_rows: int
) -> KnownHistories:
    """Return the newest `n_history` distinct items of each user, at the end of training."""
    items, values, times = [], [], []
    counts = np.zeros(intake.spool.n_users + 1, np.int64)
    as_of = intake.last_timestamp + 1
    for records in intake.spool.blocks(chunk_rows):
        bounds = np.flatnonzero(np.diff(records["user"], prepend=-1, append=-1))
        for start, end in pairwise(bounds.tolist()):
            user = int(records["user"][start])
            if isinstance(rec_sys, UserBehavior):
                item, value, time = asked_history(rec_sys, intake, user, as_of, n_history)
            else:
                own = records[start:end]
                own = own[~np.isnan(own["value"])]
                own = own[np.sort(newest_distinct(own["item"], n_history))]
                item, value, time = own["item"].astype(np.int64), own["value"], own["timestamp"]
            counts[user] = len(item)
            items.append(item)
            values.append(value)
            times.append(time)
    return KnownHistories(
        offsets=np.r_[0, np.cumsum(counts)],
        rows=np.concatenate(items),
        values=np.concatenate(values),
        times=np.concatenate(times),
    )
