from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgerec.progress import Silent
from edgerec.samples import spool as spool_module
from edgerec.samples.spool import RECORD, Spool, read_records, sort_by_user, user_ranges


def raw_records(n: int, n_users: int, n_items: int, seed: int) -> NDArray[np.void]:
    random = np.random.default_rng(seed)
    records = np.empty(n, RECORD)
    records["user"] = random.integers(n_users, size=n)
    records["item"] = random.integers(n_items, size=n)
    records["timestamp"] = random.integers(20, size=n)
    records["label"] = random.integers(2, size=n)
    records["value"] = np.arange(n)
    records["weight"] = 1
    return records


def sort(records: NDArray[np.void], folder: Path, chunk_rows: int, seed: int = 0) -> Spool:
    random = np.random.default_rng(seed)
    user_row, item_row = (
        (1 + random.permutation(1 + records[name].max(initial=0))).astype(np.int32)
        for name in ("user", "item")
    )
    raw = folder / "raw"
    raw.write_bytes(records.tobytes())
    return sort_by_user(raw, folder / "sorted", user_row, item_row, chunk_rows, Silent())


def in_memory(records: NDArray[np.void], seed: int = 0) -> NDArray[np.void]:
    random = np.random.default_rng(seed)
    rows = records.copy()
    for name in ("user", "item"):
        rows[name] = (1 + random.permutation(1 + records[name].max(initial=0)))[records[name]]
    return rows[np.lexsort((rows["item"], rows["timestamp"], rows["user"]))]


@pytest.mark.parametrize("chunk_rows", [1, 2, 7, 64, 10_000])
@pytest.mark.parametrize("n_users", [1, 5, 60])
def test_sorting_on_disk_equals_sorting_in_memory(
    n_users: int, chunk_rows: int, tmp_path: Path
) -> None:
    records = raw_records(300, n_users, 12, seed=n_users)
    spool = sort(records, tmp_path, chunk_rows)
    expected = in_memory(records)
    with spool.path.open("rb") as file:
        assert read_records(file, 0, 300).tobytes() == expected.tobytes()
    assert spool.n_samples == 300
    assert spool.n_users == records["user"].max() + 1
    counts = np.bincount(expected["user"], minlength=spool.n_users + 1)
    assert np.diff(spool.offsets).tolist() == counts.tolist()


def test_no_more_than_a_few_chunks_are_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_rows: list[int] = []

    def counting(file: BinaryIO, start: int, end: int, record: np.dtype) -> NDArray[np.void]:
        n_rows.append(end - start)
        return read_records(file, start, end, record)

    monkeypatch.setattr(spool_module, "read_records", counting)
    sort(raw_records(300, 60, 12, seed=1), tmp_path, 7)
    assert sum(n_rows) == 300
    assert max(n_rows) <= 4 * 7


def test_the_fingerprint_depends_on_neither_chunks_nor_interleaving(tmp_path: Path) -> None:
    records = raw_records(300, 20, 12, seed=3)
    by_user = records[np.argsort(records["user"], kind="stable")]
    spools = [sort(some, tmp_path, rows) for some in (records, by_user) for rows in (3, 1000)]
    assert len({spool.fingerprint for spool in spools}) == 1
    records["value"][0] += 1
    assert sort(records, tmp_path, 1000).fingerprint != spools[0].fingerprint


@pytest.mark.parametrize("max_rows", [1, 10, 10_000])
def test_blocks_are_whole_users_within_the_bound(max_rows: int, tmp_path: Path) -> None:
    spool = sort(raw_records(300, 20, 12, seed=4), tmp_path, 16)
    blocks = list(spool.blocks(max_rows))
    whole = np.concatenate(blocks)
    assert whole["user"].tolist() == sorted(whole["user"].tolist())
    assert len(whole) == 300
    users = [set(block["user"].tolist()) for block in blocks]
    assert sum(map(len, users)) == len(set().union(*users))
    assert all(
        len(block) <= max_rows or len(own) == 1 for block, own in zip(blocks, users, strict=True)
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=12), st.integers(1, 10))
def test_ranges_cover_every_user_once(counts: list[int], max_rows: int) -> None:
    offsets = np.r_[0, 0, np.cumsum(counts)]
    ranges = list(user_ranges(offsets, max_rows))
    covered = [row for first, last in ranges for row in range(first, last + 1)]
    assert covered == list(range(1, len(counts) + 1))
    for first, last in ranges:
        assert offsets[last + 1] - offsets[first] <= max_rows or first == last


def test_a_spool_that_was_cut_short_is_noticed(tmp_path: Path) -> None:
    spool = sort(raw_records(10, 2, 3, seed=0), tmp_path, 4)
    spool.path.write_bytes(spool.path.read_bytes()[:100])
    with pytest.raises(
        OSError, match=r"^The spool of samples ends at byte 100, before record 10\. Was the tem"
    ):
        list(spool.blocks(100))
