"""Takes the samples in: checks each, encodes its ids, and writes it to a spool on disk.

Nothing here grows with the number of samples but the file; memory holds the ids and, per
user, the time of his last sample.
"""

import gc
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from edgerec.context import Context, declared_context
from edgerec.errors import SampleError
from edgerec.ids import IdArray, IdIndex, IdType
from edgerec.progress import Progress
from edgerec.recsys import ContextNumbers, ItemCatalogue, RecSys, Sample, UserBehavior
from edgerec.samples.catalogue import add_catalogue
from edgerec.samples.encoding import encode_samples, yielded
from edgerec.samples.spool import Spool, record_type, sort_by_user
from edgerec.seconds import finer_unit

_CHUNK: Final = 16_384
_NEVER: Final = -(2**63)


@dataclass(frozen=True)
class Intake:
    """Samples on disk, and what is known of them after one pass."""

    spool: Spool
    user_ids: IdArray
    """ascending; the user of row r is user_ids[r - 1]"""
    item_ids: IdArray
    """ascending; the item of row r is item_ids[r - 1]"""
    user_id_type: IdType
    item_id_type: IdType
    n_samples: int
    n_interactions: int
    """samples with a value"""
    first_timestamp: int
    last_timestamp: int
    label_above: float | None
    """a value above this is labelled 1; None: values do not decide the labels"""
    value_range: tuple[float, float]
    """smallest and largest value"""
    mean_value_of_label: tuple[float | None, float | None]
    """mean value of the interactions labelled 0 and 1; None: there are none"""
    fingerprint: str
    """SHA-256 of ids and samples: the same data give the same"""
    context: Context = field(default_factory=Context)
    """what samples say of their moments"""

    @property
    def only_liked_have_values(self) -> bool:
        """Whether every interaction is labelled 1, as with implicit feedback."""
        return self.mean_value_of_label[0] is None


class _ValueRange:
    """Follows which values go with which label, to find the rule between them."""

    def __init__(self) -> None:
        self.largest_of_0 = -np.inf
        self.smallest_of_1 = np.inf
        self._totals = np.zeros((2, 2))
        self._low, self._high = np.inf, -np.inf

    def add(self, labels: NDArray[np.float32], values: NDArray[np.float32]) -> None:
        stated = ~np.isnan(values)
        for label in (0, 1):
            own = values[stated & (labels == label)].astype(np.float64)
            self._totals[label] += own.sum(), len(own)
            self._low = min(self._low, own.min(initial=np.inf))
            self._high = max(self._high, own.max(initial=-np.inf))

        self.largest_of_0 = max(
            self.largest_of_0, values[stated & (labels == 0)].max(initial=-np.inf)
        )
        self.smallest_of_1 = min(
            self.smallest_of_1, values[stated & (labels == 1)].min(initial=np.inf)
        )

    def range(self) -> tuple[float, float]:
        if self._low > self._high:
            return 0.0, 0.0
        return float(self._low), float(self._high)

    def mean(self, label: int) -> float | None:
        total, count = self._totals[label]
        return float(np.float32(total / count)) if count else None

    def threshold(self) -> float | None:
        if self.largest_of_0 >= self.smallest_of_1 or np.isinf(self.smallest_of_1):
            return None
        if np.isinf(self.largest_of_0):
            # Only what was taken has a value: any value above 0 says "taken".
            return 0.0 if self.smallest_of_1 > 0 else None
        return float(self.largest_of_0)


def take_in(
    rec_sys: RecSys,
    folder: Path,
    chunk_rows: int,
    progress: Progress,
    *,
    one_label: bool = False,
) -> Intake:
    """Read `sample_generator` once and return the samples sorted by user, on disk.

    Parameters
    ----------
    folder : Path
        Where the spool's file is written; it must exist.
    chunk_rows : int
        Samples that may stand in memory at a time.
    one_label : bool
        Label 1 alone will do, as where every row was taken and nothing else is known.

    Raises
    ------
    SampleError
        Nothing came; an id, a label, a value or a timestamp is not what it must be; a user's
        timestamps go backwards; all timestamps are no seconds; all labels are the same. The
        sentence names the ids.
    """
    progress.stage("reading samples")
    users, items, value_range = IdIndex("user"), IdIndex("item"), _ValueRange()
    context = Context()
    if isinstance(rec_sys, ContextNumbers):
        context = declared_context(rec_sys.get_context_defaults())
    last_time = np.empty(0, np.int64)
    n_samples = n_interactions = 0
    n_label_1 = 0.0
    first, last = np.iinfo(np.int64).max, _NEVER
    raw = folder / "samples.raw"
    with raw.open("wb") as file, _frozen_objects():
        for chunk in _chunks(yielded(rec_sys.sample_generator(), "sample_generator")):
            records = encode_samples(chunk, users, items, context)
            if len(last_time) < len(users):
                grown = np.full(max(len(users), 2 * len(last_time)), _NEVER)
                grown[: len(last_time)] = last_time
                last_time = grown
            _check_order(records, last_time, users, items)
            value_range.add(records["label"], records["value"])
            n_label_1 += float(records["label"].sum())
            n_samples += len(records)
            n_interactions += int((~np.isnan(records["value"])).sum())
            first = min(first, int(records["timestamp"].min()))
            last = max(last, int(records["timestamp"].max()))
            _check_unit(first)
            _write(records, file)
            progress.advance(n_samples, None)
    if not n_samples:
        raise SampleError(
            "sample_generator yielded nothing; at least one sample of each label is needed. "
            "Check the table that it reads and its condition."
        )
    if not one_label or not n_label_1:
        _check_labels(n_label_1, n_samples)
    if isinstance(rec_sys, ItemCatalogue):
        add_catalogue(rec_sys, items, progress)
    if not n_interactions and not isinstance(rec_sys, UserBehavior):
        progress.message(
            "no sample has a value, so every history is empty and answers will not follow what a "
            "user does. Give what a user did a value (1.0 will do); None marks sampled negatives."
        )
    if first == last and n_samples > 1:
        progress.message(
            f"all samples have the timestamp {first}, so nobody has an earlier one and every "
            "history is empty. Name a column of times that differ, or a number that grows."
        )
    user_ids, user_row = users.finish()
    item_ids, item_row = items.finish()
    spool = sort_by_user(
        raw,
        folder / "samples.sorted",
        user_row,
        item_row,
        chunk_rows,
        progress,
        record_type(len(context)),
    )
    raw.unlink()
    return Intake(
        spool=spool,
        user_ids=user_ids,
        item_ids=item_ids,
        user_id_type=users.id_type or "int64",
        item_id_type=items.id_type or "int64",
        n_samples=n_samples,
        n_interactions=n_interactions,
        first_timestamp=first,
        last_timestamp=last,
        label_above=value_range.threshold(),
        value_range=value_range.range(),
        mean_value_of_label=(value_range.mean(0), value_range.mean(1)),
        fingerprint=_fingerprint(user_ids, item_ids, spool),
        context=context,
    )


@contextmanager
def _frozen_objects() -> Iterator[None]:
    """Keep Python's collector away from what is there already.

    Millions of samples come and go; every some ten thousand of them it would look at all objects
    of all libraries again, which takes a third of the time of reading.
    """
    if gc.get_freeze_count():
        # Somebody has frozen his own, which are not ours to release.
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _fingerprint(user_ids: IdArray, item_ids: IdArray, spool: Spool) -> str:
    # The records hold rows, which other ids would have too.
    digest = hashlib.sha256(spool.fingerprint.encode())
    for ids in (user_ids, item_ids):
        for id_ in ids.tolist():
            # No byte of UTF-8 is 255.
            digest.update(str(id_).encode("utf-8", "surrogatepass") + b"\xff")
        digest.update(b"\xff")
    return digest.hexdigest()


def _chunks(samples: Iterator[Sample]) -> Iterator[list[Sample]]:
    while chunk := list(islice(samples, _CHUNK)):
        yield chunk


def _write(records: NDArray[np.void], file: BinaryIO) -> None:
    file.write(records.tobytes())


def _check_order(
    records: NDArray[np.void], last_time: NDArray[np.int64], users: IdIndex, items: IdIndex
) -> None:
    """Refuse a user whose timestamps go backwards; keep each user's last in `last_time`."""
    order = np.argsort(records["user"], kind="stable")
    user, time = records["user"][order], records["timestamp"][order]
    before = np.empty_like(time)
    before[1:] = time[:-1]
    starts = np.flatnonzero(np.r_[True, user[1:] != user[:-1]])
    before[starts] = last_time[user[starts]]
    wrong = np.flatnonzero(time < before)
    if len(wrong):
        at = wrong[0]
        item = items.id_of(int(records["item"][order[at]]))
        raise SampleError(
            f"The sample of user {users.id_of(int(user[at]))!r}, item {item!r} has timestamp "
            f"{time[at]}, earlier than the user's previous sample at {before[at]}. Yield each "
            "user's samples in order of time, for example ORDER BY timestamp."
        )
    ends = np.r_[starts[1:] - 1, len(user) - 1]
    last_time[user[ends]] = time[ends]


def _check_unit(first: int) -> None:
    """Refuse timestamps that are all too late for seconds; the first chunk decides."""
    unit = finer_unit(first)
    if unit is not None:
        name, divisor = unit
        raise SampleError(
            f"Every timestamp that sample_generator yielded is beyond the year 2200, the earliest "
            f"is {first}: they look like {name}. Timestamps are Unix seconds; divide them, for "
            f"example `timestamp // {divisor}`."
        )


def _check_labels(n_label_1: float, n_samples: int) -> None:
    if 0 < n_label_1 < n_samples:
        return
    label = 1 if n_label_1 else 0
    raise SampleError(
        f"All {n_samples} samples have the label {label}; a ranker learns from both. "
        + (
            "Yield negatives too: Sample(…, label=0, value=None); in edgerec.toml, raise "
            'label.above or write rule = "taken".'
            if label
            else "Check the rule; in edgerec.toml, lower label.above."
        )
    )
