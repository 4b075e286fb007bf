"""Whether a training sample's features change when the answers of its own user change.

Statistics, embeddings and whatever else is fitted on samples must serve each sample from a fit
that its user is not in. This is seen from outside, so that it holds of any table, of those too that
are yet to be written: the tables of a few users are fitted twice, by the code that training uses,
the second time with one user's items, labels and values changed. The features of this user's
samples, with his history as it was, must stay the same to the last bit; those of others may move.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.audit.held_out import id_at
from edgerec.audit.report import Finding
from edgerec.features.vector import FeatureTables
from edgerec.recsys import Id, RecSys, Sample
from edgerec.samples.intake import Intake
from edgerec.samples.spool import Spool, read_records
from edgerec.samples.stream import FoldsOfUser, SampleBlock, sample_blocks

FitTables = Callable[[RecSys, Intake, Path], tuple[FeatureTables, FoldsOfUser]]
"""everything that training fits before its network, on the samples of an intake"""

_CHECK: Final = "out-of-fold"
_N_USERS: Final = 48
_N_ROWS_EACH: Final = 64
_N_CHANGED: Final = 2


@dataclass(frozen=True)
class _Features:
    """A recommender of features that are known already, so that nobody is asked twice."""

    of_user: Mapping[Id, Sequence[float]]
    of_item: Mapping[Id, Sequence[float]]

    def get_user_feature(self, user_id: Id) -> Sequence[float]:
        return self.of_user[user_id]

    def get_item_feature(self, item_id: Id) -> Sequence[float]:
        return self.of_item[item_id]

    def sample_generator(self) -> Iterator[Sample]:
        """Yield nothing: the samples are in the intake."""
        return iter(())


def check_out_of_fold(
    fit: FitTables,
    intake: Intake,
    tables: FeatureTables,
    n_history: int,
    folder: Path,
    random_state: int,
) -> Finding:
    """Fit the tables of a few users with and without some of their answers changed.

    Parameters
    ----------
    fit : callable
        What training fits its tables by; it is called on another intake, of a few users.
    """
    random = np.random.default_rng([random_state, 6])
    few, records = _few(intake, folder / "few", random)
    known = _Features(
        _by_id(few.user_ids, intake.user_ids, tables.user_features),
        _by_id(few.item_ids, intake.item_ids, tables.item_features),
    )

    def features(fitted: tuple[FeatureTables, FoldsOfUser]) -> SampleBlock:
        blocks = list(sample_blocks(few, *fitted, n_history, known, len(records)))
        return SampleBlock(
            np.concatenate([block.user for block in blocks]),
            np.concatenate([block.features for block in blocks]),
            np.concatenate([block.label for block in blocks]),
        )

    before = features(fit(known, few, folder))
    users = 1 + random.permutation(few.spool.n_users)[:_N_CHANGED]
    looked_at = (
        f"tables fitted on {len(records)} samples of {few.spool.n_users} users, and again with the "
        f"answers of one of them changed, {len(users)} times"
    )
    n_moved = 0
    for user in users.tolist():
        changed = _with_other_answers(few, records, user, folder / "few-changed", random)
        after = features(fit(known, changed, folder))
        differs = before.features.view(np.int32) != after.features.view(np.int32)
        own = before.user == user
        n_moved += int(differs[~own].any(axis=0).sum())
        if differs[own].any():
            row, column = np.argwhere(differs & own[:, None])[0]
            return Finding(
                _CHECK,
                "failed",
                looked_at,
                f"{int(differs[own].any(axis=0).sum())} of {differs.shape[1]} features change",
                f"The feature {tables.names()[column]!r} of a training sample of user "
                f"{id_at(few.user_ids, user)!r} changes from {before.features[row, column]:g} to "
                f"{after.features[row, column]:g} when his own samples are changed and his history "
                "is not: the table that it comes from was fitted on the samples that it serves. "
                "This is a fault of edgeRec or of a change to it; fit the table once without each "
                "fold of users, and serve each sample from the fit without its user.",
            )
    figure = "none of his own features changes"
    if not n_moved:
        return Finding(
            _CHECK,
            "not decidable",
            looked_at,
            "no feature comes from samples",
            "With so few users nothing that was fitted on one serves another; train on more.",
        )
    return Finding(_CHECK, "passed", looked_at, f"{figure}; those of others do")


def _few(
    intake: Intake, path: Path, random: np.random.Generator
) -> tuple[Intake, NDArray[np.void]]:
    """Return an intake of a few users and of the items that they meet, and its records."""
    spool = intake.spool
    users = np.sort(1 + random.permutation(spool.n_users)[:_N_USERS])
    parts = []
    with spool.path.open("rb") as file:
        for number, user in enumerate(users.tolist(), 1):
            start, end = int(spool.offsets[user]), int(spool.offsets[user + 1])
            first = int(random.integers(start, max(start, end - _N_ROWS_EACH) + 1))
            part = read_records(file, first, min(end, first + _N_ROWS_EACH))
            part["user"] = number
            parts.append(part)
    records = np.concatenate(parts)
    items, records["item"] = np.unique(records["item"], return_inverse=True)
    records["item"] += 1
    counts = np.array([0, *(len(part) for part in parts)])
    few = dataclasses.replace(
        intake,
        spool=_written(path, records, np.r_[0, np.cumsum(counts)], len(items)),
        user_ids=intake.user_ids[users - 1],
        item_ids=intake.item_ids[items - 1],
        n_samples=len(records),
        n_interactions=int(np.count_nonzero(~np.isnan(records["value"]))),
    )
    return few, records


def _with_other_answers(
    few: Intake, records: NDArray[np.void], user: int, path: Path, random: np.random.Generator
) -> Intake:
    """Return the intake with other items, labels and values in the samples of one user."""
    changed = records.copy()
    own = changed["user"] == user
    changed["item"][own] = random.integers(1, few.spool.n_items + 1, int(own.sum()))
    changed["label"][own] = 1 - changed["label"][own]
    low, high = few.value_range
    # Where all values are the same, another is as good; what has none becomes an interaction.
    mirrored = low + high - changed["value"][own] if low < high else 2 * high + 1
    changed["value"][own] = np.where(np.isnan(changed["value"][own]), high, mirrored)
    spool = _written(path, changed, few.spool.offsets, few.spool.n_items)
    return dataclasses.replace(few, spool=spool)


def _written(
    path: Path, records: NDArray[np.void], offsets: NDArray[np.int64], n_items: int
) -> Spool:
    path.write_bytes(records.tobytes())
    return Spool(path, offsets, n_items, "")


def _by_id(
    few: NDArray[np.generic], ids: NDArray[np.generic], table: NDArray[np.float32]
) -> dict[Id, list[float]]:
    rows = 1 + np.searchsorted(ids, few)
    return dict(zip(few.tolist(), table[rows].tolist(), strict=True))
