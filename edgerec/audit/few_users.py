"""A few users of the samples, on whom tables can be fitted in a moment, as training fits them."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from edgerec.features.vector import FeatureTables
from edgerec.recsys import Id, RecSys, Sample
from edgerec.samples.intake import Intake
from edgerec.samples.spool import Spool, read_records
from edgerec.samples.stream import FoldsOfUser

FitTables = Callable[[RecSys, Intake, Path], tuple[FeatureTables, FoldsOfUser]]
"""everything that training fits before its network, on the samples of an intake"""

_N_USERS: Final = 48
_N_ROWS_EACH: Final = 64


@dataclass(frozen=True)
class KnownFeatures:
    """A recommender of features that are known already, so that nobody is asked twice."""

    of_user: Mapping[Id, Sequence[float]]
    of_item: Mapping[Id, Sequence[float]]

    def get_user_feature(self, user_id: Id) -> Sequence[float]:
        """Return the user's features."""
        return self.of_user[user_id]

    def get_item_feature(self, item_id: Id) -> Sequence[float]:
        """Return the item's features."""
        return self.of_item[item_id]

    def sample_generator(self) -> Iterator[Sample]:
        """Yield nothing: the samples are in the intake."""
        return iter(())

    @classmethod
    def of(cls, few: Intake, intake: Intake, tables: FeatureTables) -> Self:
        """Return the features of a few users and of what they meet."""
        return cls(
            _by_id(few.user_ids, intake.user_ids, tables.user_features),
            _by_id(few.item_ids, intake.item_ids, tables.item_features),
        )


def few_users(
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
            part = read_records(file, first, min(end, first + _N_ROWS_EACH), spool.record)
            part["user"] = number
            parts.append(part)
    records = np.concatenate(parts)
    items, records["item"] = np.unique(records["item"], return_inverse=True)
    records["item"] += 1
    counts = np.array([0, *(len(part) for part in parts)])
    few = dataclasses.replace(
        intake,
        spool=written(path, records, np.r_[0, np.cumsum(counts)], len(items)),
        user_ids=intake.user_ids[users - 1],
        item_ids=intake.item_ids[items - 1],
        n_samples=len(records),
        n_interactions=int(np.count_nonzero(~np.isnan(records["value"]))),
    )
    return few, records


def written(
    path: Path, records: NDArray[np.void], offsets: NDArray[np.int64], n_items: int
) -> Spool:
    """Write records, sorted by user, where a spool reads them."""
    path.write_bytes(records.tobytes())
    return Spool(path, offsets, n_items, "", records.dtype)


def _by_id(
    few: NDArray[np.generic], ids: NDArray[np.generic], table: NDArray[np.float32]
) -> dict[Id, list[float]]:
    rows = 1 + np.searchsorted(ids, few)
    return dict(zip(few.tolist(), table[rows].tolist(), strict=True))
