"""Held-out rows on disk, sorted by user, as the training samples are."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.ids import IdArray, IdIndex, IdType, rows_of
from edgerec.progress import Silent
from edgerec.recsys import Id
from edgerec.samples.intake import Intake
from edgerec.samples.spool import RECORD, Spool, sort_by_user

HeldOutRow = tuple[Id, Id, int, float | None]
"""user_id, item_id, timestamp and value of a row that the finished file is evaluated on"""
HeldOutRows = Callable[[], Iterable[HeldOutRow]]

_CHUNK: Final = 16_384


@dataclass(frozen=True)
class HeldOut:
    """Held-out rows; user rows are of held-out users alone, item rows those of training."""

    spool: Spool
    user_ids: IdArray
    """ascending; the held-out user of row r is user_ids[r - 1]"""
    training_row: NDArray[np.int64]
    """[n_users + 1]: the row of each held-out user in training; 0: not a user of training"""
    any_value: bool
    """False: no row states a value, so each says that something was taken"""

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.spool.n_samples


def take_in_held_out(
    rows: Iterable[HeldOutRow], intake: Intake, folder: Path, chunk_rows: int
) -> HeldOut | None:
    """Read the rows once; None: there are none. Memory holds the ids of their users.

    Raises
    ------
    SampleError
        An id is no id; the sentence names it.
    """
    users = IdIndex("user")
    raw = folder / "held-out.raw"
    remaining = iter(rows)
    n_rows, any_value = 0, False
    with raw.open("wb") as file:
        while some := list(islice(remaining, _CHUNK)):
            user_ids, item_ids, timestamps, values = zip(*some, strict=True)
            records = np.zeros(len(some), RECORD)
            records["user"] = users.encode(user_ids)
            records["item"] = _known_rows(item_ids, intake.item_ids, intake.item_id_type)
            records["timestamp"] = timestamps
            records["value"] = [np.nan if value is None else value for value in values]
            any_value = any_value or not np.isnan(records["value"]).all()
            file.write(records.tobytes())
            n_rows += len(some)
    if not n_rows:
        return None
    ids, user_row = users.finish()
    item_row = np.arange(len(intake.item_ids) + 1, dtype=np.int32)
    spool = sort_by_user(raw, folder / "held-out.sorted", user_row, item_row, chunk_rows, Silent())
    raw.unlink()
    training_row = np.zeros(len(ids) + 1, np.int64)
    training_row[1:] = _known_rows(ids.tolist(), intake.user_ids, intake.user_id_type)
    return HeldOut(spool, ids, training_row, any_value)


def _known_rows(ids: Iterable[Id], known: IdArray, id_type: IdType) -> NDArray[np.int64]:
    """Return the row of each id; 0 for one that training does not know, of whatever kind."""
    listed = list(ids)
    if any(isinstance(id_, str) != (id_type == "string") for id_ in listed):
        return np.zeros(len(listed), np.int64)
    return rows_of(listed, known)


def id_at(ids: IdArray, row: int) -> Id:
    """Return the id of a row as it came, for a sentence.

    >>> id_at(np.array([10, 30]), 2)
    30
    """
    id_: Id = ids[row - 1 : row].tolist()[0]
    return id_
