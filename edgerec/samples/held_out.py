"""Samples of users that training held out: what a change of the file is judged on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgerec.samples.intake import Intake
from edgerec.samples.spool import read_records


@dataclass(frozen=True)
class HeldOutSamples:
    """Samples that the network was not fitted on, sorted by (user, timestamp, item)."""

    user: NDArray[np.int32]
    """[n]: user rows"""
    item: NDArray[np.int32]
    """[n]: item rows"""
    as_of: NDArray[np.int64]
    """[n]: Unix seconds"""
    label: NDArray[np.float32]
    """[n]"""


NO_SAMPLES = HeldOutSamples(
    np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.float32)
)


def held_out_samples(
    intake: Intake, is_held_out: NDArray[np.bool_], most: int = 65_536
) -> HeldOutSamples:
    """Read the samples of the users who are held out.

    Parameters
    ----------
    is_held_out : bool [n_users + 1]
        Of each user row.
    most : int
        Samples that are read at most: a user of very many counts with his first ones.
    """
    offsets = intake.spool.offsets
    parts, n_left = [], most
    with intake.spool.path.open("rb") as file:
        for user in np.flatnonzero(is_held_out).tolist():
            start = int(offsets[user])
            end = min(int(offsets[user + 1]), start + n_left)
            parts.append(read_records(file, start, end, intake.spool.record))
            n_left -= end - start
    if not parts:
        return NO_SAMPLES
    records = np.concatenate(parts)
    return HeldOutSamples(
        records["user"].astype(np.int32),
        records["item"].astype(np.int32),
        records["timestamp"].astype(np.int64),
        records["label"].astype(np.float32),
    )
