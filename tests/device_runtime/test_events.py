"""What users did is kept: bounded, over a kill and a power cut, and erased without a trace."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from device_runtime.errors import StorageError
from device_runtime.events.store import EventStore
from device_runtime.events.table import Event, EventSettings

NOW = int(time.time())


def liked(user, item, timestamp=NOW):
    return Event(user, item, "liked", 4.5, timestamp)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.db"


def items_of(store, user, n=100):
    return [one.item_id for one in store.events_of(user, n)]


def test_an_event_counts_at_once_and_after_a_commit_and_after_a_restart(path):
    with EventStore(path) as store:
        store.add([liked(1, 10), Event("one", "ten", "viewed", None, NOW)])
        assert items_of(store, 1) == [10] and store.n_waiting == 2
        assert store.commit() == 2
        store.add([liked(1, 11)])
        assert items_of(store, 1) == [10, 11]
    with EventStore(path) as store:
        assert items_of(store, 1) == [10, 11]
        assert store.events_of("one", 5) == [Event("one", "ten", "viewed", None, NOW)]
        assert items_of(store, 1, 1) == [11]
        assert store.n_events == 3


def test_the_number_1_and_the_text_1_are_two_users(path):
    with EventStore(path) as store:
        store.add([liked(1, 10), liked("1", 20)])
        store.commit()
        assert (items_of(store, 1), items_of(store, "1")) == ([10], [20])


def test_extreme_ids_come_back_as_they_were(path):
    ids = [2**63 - 1, -(2**63) + 1, "🎬", "a'; DROP TABLE event; --", "\x00"]
    with EventStore(path) as store:
        store.add([liked(one, one) for one in ids])
        store.commit()
        assert [items_of(store, one) for one in ids] == [[one] for one in ids]


def test_bounds_by_user_by_number_and_by_age(path):
    settings = EventSettings(max_per_user=5, max_events=12, max_age_days=10)
    old = NOW - 11 * 86_400
    with EventStore(path, settings) as store:
        store.add([liked(9, 1, old), liked(9, 2)])
        store.commit()
        assert items_of(store, 9) == [2]
        for start in (0, 4, 8):
            store.add([liked(1, item) for item in range(start, start + 4)])
            store.commit()
        assert items_of(store, 1) == [7, 8, 9, 10, 11]
        for user in (2, 3, 4):
            store.add([liked(user, item) for item in range(4)])
            store.commit()
        assert store.n_events == 12 == len(list(store.every()))
        assert items_of(store, 9) == items_of(store, 1) == []


def test_a_user_is_erased_from_disk_and_memory_without_a_trace(path):
    with EventStore(path) as store:
        for step in range(200):
            store.add([liked("ALICE-SECRET", f"ITEM-OF-ALICE-{step}"), liked("bob", step)])
            if step % 3:
                store.commit()
        assert any(b"ALICE-SECRET" in one.read_bytes() for one in path.parent.iterdir())
        assert store.erase("ALICE-SECRET") == 200
        for file in path.parent.iterdir():
            held = file.read_bytes()
            assert b"ALICE" not in held, file
        assert items_of(store, "ALICE-SECRET") == []
        assert len(items_of(store, "bob", 1000)) == 200
        assert store.erase("nobody") == 0
    assert all(b"ALICE" not in one.read_bytes() for one in path.parent.iterdir())


def test_everything_is_listed_in_order(path):
    with EventStore(path) as store:
        events = [liked(step % 3, step) for step in range(30)]
        store.add(events)
        store.commit()
        assert list(store.every()) == events


def test_what_waits_is_bounded(path):
    with EventStore(path, EventSettings(max_waiting=3)) as store:
        store.add([liked(1, 1), liked(1, 2)])
        with pytest.raises(StorageError, match="2 events are waiting for the disk, so 2 more are"):
            store.add([liked(1, 3), liked(1, 4)])
        assert items_of(store, 1) == [1, 2]


WRITER = """
import sys
from device_runtime.events.table import Event
from device_runtime.events.store import EventStore
store = EventStore(sys.argv[1])
number = 0
while True:
    store.add([Event(number % 7, number, "liked", 4.5, 2_000_000_000)])
    number += 1
    if number % 5 == 0:
        store.commit()
        print(number, flush=True)
"""


def test_a_kill_at_any_moment_loses_nothing_that_was_committed(path):
    chance = random.Random(0)
    for _ in range(60):
        for file in path.parent.iterdir():
            file.unlink()
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        first = int(writer.stdout.readline())
        time.sleep(chance.random() * 0.05)
        os.kill(writer.pid, signal.SIGKILL)
        committed = [first, *map(int, writer.stdout.read().split())][-1]
        writer.wait()
        writer.stdout.close()
        with EventStore(path) as store:
            kept = [one.item_id for one in store.every()]
            assert kept == list(range(len(kept))) and len(kept) >= committed


def test_a_power_cut_that_tears_the_log_leaves_a_beginning(path, tmp_path):
    """Only what was committed last can be torn: a log whose end is missing at any byte."""
    torn = tmp_path / "torn"
    with EventStore(path) as store:
        for number in range(40):
            store.add([liked(1, number)])
            store.commit()
        log = Path(f"{path}-wal").read_bytes()
        whole = path.read_bytes()
    chance = random.Random(1)
    for _ in range(100):
        shutil.rmtree(torn, ignore_errors=True)
        torn.mkdir()
        (torn / "events.db").write_bytes(whole)
        end = chance.randrange(len(log) + 1)
        garbage = chance.randbytes(chance.randrange(200))
        (torn / "events.db-wal").write_bytes(log[:end] + garbage)
        with EventStore(torn / "events.db") as store:
            kept = items_of(store, 1)
            assert kept == list(range(len(kept)))
            store.add([liked(1, 1000)])
            store.commit()
            assert items_of(store, 1)[-1] == 1000


def test_a_full_disk_keeps_events_in_memory_and_says_so(path):
    with EventStore(path) as store:
        store.add([liked(1, 1)])
        store.commit()
        # SQLite answers as on a full disk where a file may have no more pages.
        (pages,) = store._table._writer.execute("PRAGMA page_count").fetchone()
        store._table._writer.execute(f"PRAGMA max_page_count = {pages}")
        many = [liked(1, f"a long name of an item {number}") for number in range(900)]
        store.add(many)
        with pytest.raises(StorageError, match=r"900 events cannot be written \(database or disk"):
            store.commit()
        assert len(store.events_of(1, 2000)) == 901
        store._table._writer.execute("PRAGMA max_page_count = 100000")
        assert store.commit() == 900
        assert len(store.events_of(1, 2000)) == 901


def test_a_file_that_is_none_of_ours_and_one_of_a_later_version(path):
    path.write_bytes(b"no database at all, but a text of some length" * 30)
    with pytest.raises(StorageError, match="expected a place where events can be kept, but file"):
        EventStore(path)
    path.unlink()
    EventStore(path).close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 9")
    database.close()
    with pytest.raises(StorageError, match="of format 1, got format 9, of a later version"):
        EventStore(path)


def test_no_place(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="expected a place where events can be kept"):
        EventStore(tmp_path / "file" / "events.db")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"commit_seconds": -1}, "commit_seconds: expected 0 to 60, got -1"),
        ({"max_events": 0}, "max_events: expected 1 or more, got 0"),
    ],
)
def test_settings(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        EventSettings(**changes)


def test_durability_is_said():
    assert EventSettings().durability == "on the disk within 0.5 s"
    assert EventSettings(commit_seconds=0).durability == "on the disk when it is answered"
