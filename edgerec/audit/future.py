"""Whether a sample's features change when events at or after its `as_of` change.

The features of some samples are computed again, by the code that training uses, after what their
users did at that moment or later was taken away, turned round, or added to: each number must stay
the same. Where histories come from get_user_behavior, it is asked at several moments too.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgerec.audit.behavior import Question, behavior_fault
from edgerec.audit.held_out import id_at
from edgerec.audit.report import Finding
from edgerec.features.vector import FeatureTables
from edgerec.recsys import RecSys, UserBehavior
from edgerec.samples.intake import Intake
from edgerec.samples.spool import Spool, read_records
from edgerec.samples.stream import FoldsOfUser, sample_blocks

_CHECK: Final = "future-events"
_N_USERS: Final = 16
_N_ROUNDS: Final = 2
# How much of a user's stream is kept before and after the sample.
_N_BEFORE, _N_AFTER = 64, 8
_N_EXTRA: Final = 4


class Asked(NamedTuple):
    """A sample and what its user did around it."""

    records: NDArray[np.void]
    """[n]: samples of one user"""
    place: int
    """which of them is asked about"""

    @property
    def user(self) -> int:
        """The user's row."""
        return int(self.records["user"][self.place])

    @property
    def as_of(self) -> int:
        """The sample's moment."""
        return int(self.records["timestamp"][self.place])

    def question(self) -> Question:
        """Return what to ask get_user_behavior."""
        is_earlier = self.records["timestamp"] < self.as_of
        item = self.records["item"]
        later = np.setdiff1d(item[~is_earlier], item[is_earlier]).tolist()
        return Question(self.user, self.as_of, frozenset(later))


def check_future(
    rec_sys: RecSys,
    intake: Intake,
    tables: FeatureTables,
    folds_of_user: FoldsOfUser,
    n_history: int,
    folder: Path,
    random_state: int,
) -> Finding:
    """Compare the features of seeded samples with and without what came later."""
    random = np.random.default_rng([random_state, 5])
    rounds = list(_rounds(intake, random))
    n_samples = sum(len(asked) for asked in rounds)
    looked_at = f"{n_samples} samples of {_n_users(intake)} users, their later events changed"
    if isinstance(rec_sys, UserBehavior):
        # What stands in the samples is in no history then, so that changing it would show nothing.
        questions = [one.question() for asked in rounds for one in asked]
        looked_at = f"answers of get_user_behavior to {len(questions)} samples"
        fault = behavior_fault(rec_sys, intake, questions, n_history)
        if fault is None:
            return Finding(_CHECK, "passed", looked_at, "none looks ahead")
        return Finding(_CHECK, "failed", looked_at, "one looks ahead", fault)

    def features(variants: list[Asked]) -> NDArray[np.float32]:
        return _features(
            variants, rec_sys, intake, tables, folds_of_user, n_history, folder / "future"
        )

    names = tables.names()
    for asked in rounds:
        before = features(asked)
        for change, changed in (
            ("taken away", [_without_later(one) for one in asked]),
            ("changed", [_with_other_later(one, intake, random) for one in asked]),
            ("added", [_with_more_later(one, intake, random) for one in asked]),
        ):
            after = features(changed)
            differs = np.argwhere(~((before == after) | (np.isnan(before) & np.isnan(after))))
            if not len(differs):
                continue
            sample, column = differs[0]
            n_columns = len(np.unique(differs[:, 1]))
            user = id_at(intake.user_ids, asked[sample].user)
            return Finding(
                _CHECK,
                "failed",
                looked_at,
                f"{n_columns} of {len(names)} features change",
                f"The feature {names[column]!r} of user {user!r} as of {asked[sample].as_of} "
                f"changes from {before[sample, column]:g} to {after[sample, column]:g} when events "
                f"at or after that moment are {change}. Use events strictly before it alone: "
                "compare timestamps with `<` and not with `<=`.",
            )
    return Finding(_CHECK, "passed", looked_at, f"none of {len(names)} features changes")


def _n_users(intake: Intake) -> int:
    return min(_N_USERS, intake.spool.n_users)


def _rounds(intake: Intake, random: np.random.Generator) -> Iterator[list[Asked]]:
    """Yield samples of as many users each time; one user has one sample in a round."""
    spool = intake.spool
    users = np.sort(1 + random.permutation(spool.n_users)[: _n_users(intake)])
    for _ in range(_N_ROUNDS):
        asked = []
        with spool.path.open("rb") as file:
            for user in users.tolist():
                start, end = int(spool.offsets[user]), int(spool.offsets[user + 1])
                place = int(random.integers(start, end))
                first, last = max(start, place - _N_BEFORE), min(end, place + 1 + _N_AFTER)
                records = read_records(file, first, last, spool.record)
                asked.append(Asked(records, place - first))
        yield asked


def _features(
    asked: list[Asked],
    rec_sys: RecSys,
    intake: Intake,
    tables: FeatureTables,
    folds_of_user: FoldsOfUser,
    n_history: int,
    path: Path,
) -> NDArray[np.float32]:
    """Compute the features of the samples asked about, [len(asked), width], as training does."""
    counts = np.zeros(intake.spool.n_users + 1, np.int64)
    places, n_written = [], 0
    with path.open("wb") as file:
        for one in asked:
            order = np.lexsort((one.records["item"], one.records["timestamp"]))
            places.append(n_written + int(np.flatnonzero(order == one.place)[0]))
            file.write(one.records[order].tobytes())
            counts[one.user] = len(order)
            n_written += len(order)
    offsets = np.r_[0, np.cumsum(counts)]
    spool = Spool(path, offsets, intake.spool.n_items, "", intake.spool.record)
    around = dataclasses.replace(intake, spool=spool)
    blocks = sample_blocks(around, tables, folds_of_user, n_history, rec_sys, max(n_written, 1))
    return np.concatenate([block.features for block in blocks])[places]


def _without_later(asked: Asked) -> Asked:
    kept = asked.records["timestamp"] < asked.as_of
    kept[asked.place] = True
    return Asked(asked.records[kept], int(np.count_nonzero(kept[: asked.place])))


def _with_other_later(asked: Asked, intake: Intake, random: np.random.Generator) -> Asked:
    records = asked.records.copy()
    later = records["timestamp"] >= asked.as_of
    # What the sample asks about stays, but not what its user said of it.
    others = later.copy()
    others[asked.place] = False
    records["item"][others] = _any_items(intake, random, int(others.sum()))
    low, high = intake.value_range
    value = records["value"][later]
    records["value"][later] = np.where(np.isnan(value), high, low + high - value + 1)
    records["label"][later] = 1 - records["label"][later]
    return Asked(records, asked.place)


def _with_more_later(asked: Asked, intake: Intake, random: np.random.Generator) -> Asked:
    extra = np.zeros(_N_EXTRA, asked.records.dtype)
    extra["user"] = asked.user
    extra["item"] = _any_items(intake, random, _N_EXTRA)
    extra["value"], extra["label"] = intake.value_range[1], 1
    extra["timestamp"] = asked.as_of + np.arange(_N_EXTRA) // 2
    return Asked(np.concatenate([asked.records, extra]), asked.place)


def _any_items(intake: Intake, random: np.random.Generator, n: int) -> NDArray[np.int64]:
    return random.integers(1, intake.spool.n_items + 1, n)
