"""Samples as feature vectors, block by block, each with the history that was there `as_of` it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.features.vector import FeatureTables, Requests, feature_vectors
from edgerec.recsys import RecSys, UserBehavior
from edgerec.samples.asked_history import asked_history
from edgerec.samples.history import history_positions
from edgerec.samples.intake import Intake

# Rows whose histories are expanded at a time: the [rows, n_history, embedding_dim] arrays then fit
# into a processor's cache, which takes half the time that 1024 rows take.
_EXPANDED_ROWS: Final = 256


@dataclass(frozen=True)
class SampleBlock:
    """Feature vectors of the samples of some users, sorted by (user, timestamp, item)."""

    user: NDArray[np.int64]
    """[n]: user rows"""
    features: NDArray[np.float32]
    """[n, width]"""
    label: NDArray[np.float32]
    """[n]"""
    weight: NDArray[np.float32]
    """[n]: how much each counts where the network is fitted"""


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
        user = records["user"].astype(np.int64)
        histories = _histories(records, intake, n_history, rec_sys)
        features = np.empty((len(records), len(tables.names())), np.float32)
        for start in range(0, len(records), _EXPANDED_ROWS):
            part = slice(start, start + _EXPANDED_ROWS)
            rows, values = histories(part)
            requests = Requests(
                user=user[part],
                candidates=records["item"][part, None].astype(np.int64),
                history=rows,
                values=values,
                fit=folds_of_user.statistics[user[part]],
                embedding_fit=folds_of_user.embedding[user[part]],
                as_of=records["timestamp"][part],
            )
            features[part] = feature_vectors(requests, tables)[:, 0]
        yield SampleBlock(user, features, records["label"], records["weight"])


_Histories = tuple[NDArray[np.int64], NDArray[np.float32]]


def _histories(
    records: NDArray[np.void], intake: Intake, n_history: int, rec_sys: RecSys
) -> Callable[[slice], _Histories]:
    """Return what gives item rows and values [n, n_history] of a part's records, newest first."""
    if isinstance(rec_sys, UserBehavior):
        return lambda part: _asked_histories(records[part], intake, n_history, rec_sys)
    item, value = records["item"].astype(np.int64), records["value"].copy()
    positions = history_positions(
        records["user"], records["item"], records["timestamp"], ~np.isnan(value), n_history
    )

    def of_part(part: slice) -> _Histories:
        there, own = positions[part] >= 0, positions[part]
        return np.where(there, item.take(own), 0), np.where(there, value.take(own), np.nan)

    return of_part


def _asked_histories(
    records: NDArray[np.void], intake: Intake, n_history: int, rec_sys: UserBehavior
) -> _Histories:
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
