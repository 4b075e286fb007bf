"""Held-out rows that are training samples: the test would ask what training was told.

Some data repeat themselves: one invoice lists an item twice, at one moment. A split that tears such
rows apart tells the answer to one by the other, so that is overlap too; `edgerec split` keeps them
together.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.audit.held_out import HeldOut, id_at
from edgerec.audit.report import Finding
from edgerec.samples.intake import Intake
from edgerec.samples.spool import read_records

_CHECK: Final = "test-overlap"
UNKNOWN: Final = "no held-out rows are known"
TELL: Final = (
    "Offer evaluation_sample_generator, or name a test table (--test-table, [evaluation]), so that "
    "training can be compared with it."
)
# Odd numbers whose products fill 64 bits (Steele, Lea and Flood 2014, "Fast splittable
# pseudorandom number generators"); rows of equal hash are compared themselves.
_USER, _ITEM, _TIME = (
    np.uint64(number) for number in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
)


def check_overlap(intake: Intake, held_out: HeldOut | None, chunk_rows: int) -> Finding:
    """Look up every held-out row among the samples, in one pass of each.

    Rows are the same where user, item and timestamp are, and both state a value or neither does.
    """
    if held_out is None:
        return Finding(_CHECK, "not decidable", UNKNOWN, "", TELL)
    looked_at = f"{held_out.n_rows:,} held-out rows among {intake.n_samples:,} samples"
    n_found, n_repeated, example = 0, 0, None
    for samples in intake.spool.blocks(chunk_rows):
        n_repeated += _n_repeated(samples[~np.isnan(samples["value"])])
        for rows in _rows_of_users(held_out, samples, chunk_rows):
            maybe = rows[np.isin(_hashes(rows), _hashes(samples))]
            if not len(maybe):
                continue
            there = set(_keys(samples[np.isin(_hashes(samples), _hashes(maybe))]))
            found = [key for key in _keys(maybe) if key in there]
            n_found += len(found)
            example = example or (found[0] if found else None)
    figure = f"{n_found:,} ({n_found / held_out.n_rows:.1%}) are samples"
    if example is None:
        return Finding(_CHECK, "passed", looked_at, figure)
    user, item, timestamp, _ = example
    user_id, item_id = id_at(intake.user_ids, user), id_at(intake.item_ids, item)
    return Finding(
        _CHECK,
        "failed",
        looked_at,
        figure,
        f"{n_found:,} of {held_out.n_rows:,} held-out rows are training samples too, for example "
        f"user {user_id!r}, item {item_id!r} at {timestamp}. "
        "Take them out of sample_generator or out of the test, for example with `edgerec split`."
        + _of_repetition(n_repeated, intake.n_interactions),
    )


def _of_repetition(n_repeated: int, n_samples: int) -> str:
    if not n_repeated:
        return ""
    return (
        f" {n_repeated / n_samples:.1%} of the samples repeat another of the same user, item and "
        "time: a split must keep such rows on one side, as that command does."
    )


def _rows_of_users(
    held_out: HeldOut, samples: NDArray[np.void], chunk_rows: int
) -> Iterator[NDArray[np.void]]:
    """Yield the held-out rows of the samples' users, with the users' rows in training."""
    known = np.flatnonzero(held_out.training_row)
    first, last = np.searchsorted(
        held_out.training_row[known], [samples["user"][0], samples["user"][-1] + 1]
    )
    if first == last:
        return
    start = int(held_out.spool.offsets[known[first]])
    end = int(held_out.spool.offsets[known[last - 1] + 1])
    with held_out.spool.path.open("rb") as file:
        for begin in range(start, end, chunk_rows):
            last = min(begin + chunk_rows, end)
            rows = read_records(file, begin, last, held_out.spool.record)
            rows["user"] = held_out.training_row[rows["user"]]
            if not held_out.any_value:
                rows["value"] = 1
            yield rows[(rows["user"] > 0) & (rows["item"] > 0)]


def _n_repeated(samples: NDArray[np.void]) -> int:
    """Return how many samples have a twin of the same user, item and moment."""
    _, counts = np.unique(_hashes(samples), return_counts=True)
    return int(counts[counts > 1].sum())


def _hashes(rows: NDArray[np.void]) -> NDArray[np.uint64]:
    user, item, time = (
        rows[name].astype(np.int64).view(np.uint64) for name in ("user", "item", "timestamp")
    )
    mixed: NDArray[np.uint64] = (user * _USER) ^ (item * _ITEM) ^ (time * _TIME)
    # What was taken and what was not are different rows.
    mixed ^= np.isnan(rows["value"]).astype(np.uint64)
    return mixed


def _keys(rows: NDArray[np.void]) -> list[tuple[int, int, int, bool]]:
    names = ("user", "item", "timestamp")
    keys = (rows[name].tolist() for name in names)
    return list(zip(*keys, np.isnan(rows["value"]).tolist(), strict=True))
