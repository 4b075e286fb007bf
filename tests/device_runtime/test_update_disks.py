"""Killed at any step, cut off from power, on a disk that is full or read-only: it serves."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edgerec.feed import new_key
from tests.device_runtime.devices import Device
from tests.device_runtime.feeds import Feed, model

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def feed(tmp_path_factory):
    """A feed that offers sequence 3, and a folder of a device that serves 2."""
    folder = tmp_path_factory.mktemp("feed")
    made = Feed(folder, new_key(folder / "shop.key"))
    made.publish(2)
    made.start()
    device = Device(made.settings(folder / "device"), model(1)[0])
    device.look()
    device.served.accept()
    device.versions.accept()
    assert device.sequence == 2
    made.publish(3)
    yield made
    made.stop()


def kills(feed, tmp_path, **how):
    given = {
        "feed": feed.url,
        "key": feed.key.public_text,
        "folder": str(tmp_path / "device"),
        "template": str(feed.folder.parent / "device"),
        "packaged": str(model(1)[0]),
        "count": str(tmp_path / "count"),
        "seed": 7,
        **how,
    }
    run = subprocess.run(
        [sys.executable, "-m", "tests.device_runtime.killed"],
        input=json.dumps(given),
        text=True,
        capture_output=True,
        cwd=ROOT,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("power_cut", [False, True], ids=["killed", "power cut"])
def test_at_any_step_of_an_update(feed, tmp_path, power_cut):
    """A hundred points in all, some at random; what is served then is verified and signed."""
    counts = {"n_random": 10, "n_spread": 30, "n_timed": 0 if power_cut else 20}
    found = kills(feed, tmp_path, power_cut=power_cut, **counts)
    assert len(found) == sum(counts.values())
    assert {one["serves"] for one in found} == {2, 3}
    # A server may send the same bytes in fewer pieces: then there are fewer steps than counted.
    n_killed = sum(one["code"] == -signal.SIGKILL for one in found if one["step"] > 0)
    assert n_killed > 0.9 * (len(found) - counts["n_timed"])
    for one in found:
        assert one["floor"] in (2, 3) and one["serves"] <= one["floor"]
        assert one.get("then", 3) == 3
    assert max(one["of"] for one in found) >= 30


class Mounted:
    """A small disk of its own, in memory."""

    def __init__(self, path, size):
        self.path = path
        path.mkdir()
        self._mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path))

    def _mount(self, *arguments):
        if subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode:
            if os.environ.get("EDGEREC_REQUIRE_ALL") == "1" and os.geteuid() == 0:
                pytest.fail("mount is not permitted")
            pytest.skip("mounting a small disk takes root, and a system that lets it")

    def make(self, state):
        self._mount("-o", f"remount,{state}", str(self.path))

    def close(self):
        subprocess.run(["umount", "-l", str(self.path)], capture_output=True, check=False)


@pytest.fixture
def disk(tmp_path, feed):
    if shutil.which("mount") is None:
        pytest.skip("there is no mount here")
    mounted = Mounted(tmp_path / "disk", "256k")
    shutil.copytree(feed.folder.parent / "device", mounted.path / "device")
    yield mounted
    mounted.close()


def test_a_disk_that_is_full(feed, disk):
    settings = feed.settings(disk.path / "device")
    free = shutil.disk_usage(disk.path).free
    filler = disk.path / "filler"
    sequences = set()
    # From no room at all to enough: before the download, within it, at the state.
    for left in (0, 4096, 8192, 12288, 20480, 28672, 36864, free):
        filler.write_bytes(bytes(max(free - left, 0)))
        device = Device(settings, model(1)[0])
        outcome = device.look()
        assert device.sequence in (2, 3)
        assert device.sequence == 3 or "the disk takes nothing (" in outcome, outcome
        assert Device(settings, model(1)[0]).sequence == device.sequence
        sequences.add(device.sequence)
        if device.sequence == 3:
            break
    assert sequences == {2, 3}


def test_what_was_fetched_does_not_keep_the_events_from_a_full_disk(feed, disk):
    device = Device(feed.settings(disk.path / "device", reserve_bytes=10**9), model(1)[0])
    assert "are needed and" in device.look()
    assert not (disk.path / "device" / "incoming").exists()
    assert device.sequence == 2


def test_a_disk_that_is_read_only(feed, disk):
    settings = feed.settings(disk.path / "device")
    device = Device(settings, model(1)[0])
    disk.make("ro")
    assert "the disk takes nothing (Read-only file system)" in device.look()
    assert device.sequence == 2
    # Started on it:
    device = Device(settings, model(1)[0])
    with device.versions.locked():
        assert device.sequence == 2
        device.look()
        assert device.sequence == 2
    disk.make("rw")
    device.look()
    assert device.sequence == 3


def test_a_folder_that_cannot_be_made(feed, disk):
    disk.make("ro")
    device = Device(feed.settings(disk.path / "new" / "device"), model(1)[0])
    with device.versions.locked():
        assert "the disk takes nothing" in device.look()
    assert device.sequence == 0
