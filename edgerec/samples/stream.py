"""Samples as feature vectors, block by block, each with the history that was there `as_of` it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgerec.features.slots import what_slots_state
from edgerec.features.taste.moments import MomentTastes, stretches
from edgerec.features.vector import FeatureTables, Requests, feature_vectors
from edgerec.recsys import RecSys, UserBehavior
from edgerec.samples.asked_history import asked_history
from edgerec.samples.history import history_positions
from edgerec.samples.intake import Intake

# Rows in a block, at most: their positions in histories alone take 800 bytes each.
_BLOCK_ROWS: Final = 8192
# Rows whose histories are expanded at a time: the [rows, slots, embedding_dim] arrays then fit into
# a processor's cache, which takes half the time that many more rows take.
_EXPANDED_ROWS: Final = 256
# Rows among which histories of like length are looked for, to be expanded together.
_SORTED_ROWS: Final = 2048
# Slots are computed in steps of so many. How many a row has depends on its own history alone, so
# that its features are the same to the last bit whatever stands beside it.
_SLOT_STEP: Final = 25


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
    for records in intake.spool.blocks(min(chunk_rows, _BLOCK_ROWS)):
        user = records["user"].astype(np.int64)
        positions = _own_positions(records, n_history)
        parts: Iterable[_Part] = ()
        if isinstance(rec_sys, UserBehavior):
            parts = _asked_parts(records, intake, n_history, rec_sys)
        # What was asked may be what the samples say: then their tastes share sums, too.
        if not isinstance(rec_sys, UserBehavior) or _are_own(parts, records, positions):
            parts = _parts(records, positions, tables, folds_of_user)
        features = np.empty((len(records), len(tables.names())), np.float32)
        for part in parts:
            for places, n_slots in _alike_in_length(part.rows):
                own = part.start + places
                requests = Requests(
                    user=user[own],
                    candidates=records["item"][own, None].astype(np.int64),
                    history=part.rows[places, :n_slots],
                    values=part.values[places, :n_slots],
                    fit=folds_of_user.statistics[user[own]],
                    embedding_fit=folds_of_user.embedding[user[own]],
                    as_of=records["timestamp"][own],
                    context=records["context"][own] if len(tables.context) else None,
                )
                taste = None if part.taste is None else part.taste[places]
                features[own] = feature_vectors(requests, tables, taste)[:, 0]
        yield SampleBlock(user, features, records["label"], records["weight"])


def _alike_in_length(rows: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], int]]:
    """Yield places in histories [n, n_history], and how many slots hold all that is there.

    >>> [(places.tolist(), n) for places, n in _alike_in_length(np.array([[7, 8], [0, 0]]))]
    [([0, 1], 2)]
    """
    n_steps = np.maximum(-(-(rows > 0).sum(axis=1) // _SLOT_STEP), 1)
    for number in np.unique(n_steps).tolist():
        places = np.flatnonzero(n_steps == number)
        n_slots = min(number * _SLOT_STEP, rows.shape[1])
        for start in range(0, len(places), _EXPANDED_ROWS):
            yield places[start : start + _EXPANDED_ROWS], n_slots


class _Part(NamedTuple):
    """The histories of some neighbouring records, newest first, and the tastes at each."""

    start: int
    rows: NDArray[np.int64]
    values: NDArray[np.float32]
    taste: NDArray[np.float32] | None
    """None: to be solved for each record by itself"""


def _own_positions(records: NDArray[np.void], n_history: int) -> NDArray[np.int32]:
    enters = ~np.isnan(records["value"])
    return history_positions(
        records["user"], records["item"], records["timestamp"], enters, n_history
    )


def _own_histories(
    records: NDArray[np.void], positions: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    there = positions >= 0
    item, value = records["item"].astype(np.int64), records["value"].copy()
    return np.where(there, item.take(positions), 0), np.where(there, value.take(positions), np.nan)


def _parts(
    records: NDArray[np.void],
    positions: NDArray[np.int32],
    tables: FeatureTables,
    folds_of_user: FoldsOfUser,
) -> Iterator[_Part]:
    user, item = records["user"], records["item"].astype(np.int64)
    slots = what_slots_state(item, records["value"].copy(), tables.value_range, tables.label_above)
    compared = positions[:, : tables.n_compared]
    moments = MomentTastes(tables.taste, item, *slots.of_tastes(tables.label_above), compared)
    start, tastes = 0, []
    for stretch in stretches(user, records["timestamp"]):
        tastes.append(moments.of(stretch, int(folds_of_user.statistics[user[stretch.first]])))
        if stretch.end - start < _SORTED_ROWS and stretch.end < len(records):
            continue
        own = _own_histories(records, positions[start : stretch.end])
        yield _Part(start, *own, np.concatenate(tastes))
        start, tastes = stretch.end, []


def _asked_parts(
    records: NDArray[np.void], intake: Intake, n_history: int, rec_sys: UserBehavior
) -> list[_Part]:
    return [
        _Part(
            start,
            *_asked_histories(records[start : start + _SORTED_ROWS], intake, n_history, rec_sys),
            None,
        )
        for start in range(0, len(records), _SORTED_ROWS)
    ]


def _are_own(
    parts: Iterable[_Part], records: NDArray[np.void], positions: NDArray[np.int32]
) -> bool:
    """Return whether what was asked is what the samples say."""
    for part in parts:
        rows, values = _own_histories(records, positions[part.start :][: len(part.rows)])
        if not np.array_equal(rows, part.rows):
            return False
        if not np.array_equal(values, part.values, equal_nan=True):
            return False
    return True


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
