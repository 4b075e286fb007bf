"""A delta leads from one file to the next, is small where little changed, and harms nobody."""

import hashlib
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_runtime.errors import UnusableFileError
from device_runtime.updates.deltas import apply_delta
from edgerec.feed.delta import write_delta

N_ITEMS = 4000
CHANGED = N_ITEMS // 100


def digest(content):
    return hashlib.sha256(content).hexdigest()


def applied(folder, old, new, delta=None):
    """Make `new` of `old` on the disk; returns what the delta was."""
    (folder / "old").write_bytes(old)
    (folder / "new").write_bytes(new)
    if delta is None:
        write_delta(folder / "old", folder / "new", folder / "delta")
    else:
        (folder / "delta").write_bytes(delta)
    apply_delta(folder / "old", folder / "delta", folder / "made", len(new), digest(new))
    assert (folder / "made").read_bytes() == new
    return (folder / "delta").read_bytes()


def tables(dtype=np.float32):
    generator = np.random.default_rng(3)
    vectors = generator.normal(size=(N_ITEMS, 40)).astype(dtype)
    wide = generator.normal(size=(N_ITEMS, 90)).astype(dtype)
    ids = np.sort(generator.choice(10**6, N_ITEMS, replace=False))
    return generator, vectors, wide, ids


def packed(*arrays):
    """As a protobuf keeps them: one after another, small things between."""
    return b"".join(b"\x0a\x07table%d" % at + one.tobytes() for at, one in enumerate(arrays))


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8])
def test_a_hundredth_of_changed_items_costs_little(tmp_path, dtype):
    generator, vectors, wide, ids = tables(np.float32 if dtype == np.int8 else dtype)
    if dtype == np.int8:
        vectors, wide = (one.view(np.int8)[:, ::4].copy() for one in (vectors, wide))
    old = packed(vectors, wide, ids)
    rows = generator.choice(N_ITEMS, CHANGED, replace=False)
    for table in (vectors, wide):
        table[rows] = table[generator.permutation(N_ITEMS)[:CHANGED]][:, ::-1]
    new = packed(vectors, wide, ids)
    assert len(applied(tmp_path, old, new)) < 0.03 * len(new)


def test_a_hundredth_of_new_items_costs_little(tmp_path):
    generator, vectors, wide, ids = tables()
    old = packed(vectors, wide, ids)
    rows = np.sort(generator.choice(N_ITEMS, CHANGED, replace=False))
    added = [
        np.insert(one, rows, generator.normal(size=(CHANGED, one.shape[1])), axis=0)
        for one in (vectors, wide)
    ]
    new = packed(*added, np.insert(ids, rows, ids[rows] + 1))
    assert len(applied(tmp_path, old, new)) < 0.05 * len(new)


def test_the_same_file_costs_nothing_and_another_one_no_more_than_itself(tmp_path):
    content = np.random.default_rng(0).bytes(300_000)
    assert len(applied(tmp_path, content, content)) < 1000
    other = np.random.default_rng(1).bytes(300_000)
    assert len(applied(tmp_path, content, other)) < 1.01 * len(other)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_file_becomes_any_other(tmp_path_factory, data):
    """Pieces that are kept, moved, repeated, damaged and made up."""
    folder = tmp_path_factory.mktemp("delta")
    seed = data.draw(st.integers(0, 2**32 - 1))
    old = np.random.default_rng(seed).bytes(data.draw(st.integers(1, 20_000)))
    piece = st.tuples(st.integers(0, len(old)), st.integers(0, 3000)).map(
        lambda cut: old[cut[0] : cut[0] + cut[1]]
    )
    pieces = data.draw(st.lists(piece | st.binary(max_size=300), min_size=1, max_size=8))
    applied(folder, old, b"".join(pieces) or b"x")


OLD = bytes(range(256)) * 4
N_OLD = len(OLD)
MAGIC = b"EDGEDLT1"


def delta_of(steps, old=N_OLD, new=100, magic=MAGIC, after=b""):
    return struct.pack("<8sQQ", magic, old, new) + zlib.compress(steps) + after


def step(kind, length, start=0, content=b""):
    return struct.pack("<BQQ", kind, length, start) + content


@pytest.mark.parametrize(
    ("delta", "why"),
    [
        (b"", "it is for other files"),
        (delta_of(b"", magic=b"EDGEDLT2"), "it is for other files"),
        (delta_of(b"", old=1), "it is for other files"),
        (delta_of(b"", new=2**63), "it is for other files"),
        (delta_of(b"")[:-3] + b"xyz", "it is no zlib stream"),
        (struct.pack("<8sQQ", MAGIC, len(OLD), 100) + b"nothing", "it is no zlib stream"),
        (delta_of(b""), "it ends early"),
        (delta_of(step(0, 100, 0, b"x" * 99)), "it ends early"),
        (delta_of(step(2, 100)), "a step is none"),
        (delta_of(step(0, 0)), "a step is none"),
        (delta_of(step(0, 2**62)), "a step is none"),
        (delta_of(step(1, 100, 2**64 - 1)), "a step is none"),
        (delta_of(step(1, 100, len(OLD) - 50, bytes(100))), "it reaches beyond the old file"),
        (delta_of(step(0, 100, 0, b"y" * 100)), "it leads to other bytes"),
        (delta_of(step(0, 100, 0, b"x" * 101)), "it goes on after its end"),
        (delta_of(step(0, 100, 0, b"x" * 100), after=b"more"), "it goes on after its end"),
    ],
)
def test_a_damaged_delta_leaves_nothing(tmp_path, delta, why):
    with pytest.raises(UnusableFileError, match=rf"delta: the delta cannot be used \({why}"):
        applied(tmp_path, OLD, b"x" * 100, delta)
    assert not (tmp_path / "made").exists()


def test_the_device_needs_little_memory(tmp_path):
    """A small delta may stand for a large file, as where it is all zeros."""
    size = 20_000_000
    delta = delta_of(step(0, size, 0, bytes(size)), new=size)
    assert len(delta) < 30_000
    (tmp_path / "old").write_bytes(OLD)
    (tmp_path / "delta").write_bytes(delta)
    expected = digest(bytes(size))
    tracemalloc.start()
    apply_delta(tmp_path / "old", tmp_path / "delta", tmp_path / "made", size, expected)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000
