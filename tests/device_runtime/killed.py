"""Kill a device at every step of an update, and say what it serves when it is started again.

``python -m tests.device_runtime.killed`` with JSON on standard input; one JSON line for each kill.
It is a process of its own, since it forks: each kill costs a fork and not the imports.

What a device does to its disk are calls of ``os`` and writes. A kill is SIGKILL before or after one
of them, or at a random time. A power cut is a kill that also loses what was not synchronised: files
that were written and not fsync'ed are cut in half, and names that were changed in a folder that was
not fsync'ed change back.
"""

import builtins
import json
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import device_runtime.updates.feed_client
from device_runtime.updates.settings import UpdateSettings
from device_runtime.updates.signatures import read_public_key
from tests.device_runtime.devices import Device

CALLS = ("fsync", "replace", "rename", "unlink", "mkdir", "rmdir")


class Disk:
    """Counts what is done to a folder, and ends the process at one of these steps."""

    def __init__(self, folder: Path, fatal: int, power_cut: bool) -> None:
        self._folder = folder
        self._fatal = fatal
        self._power_cut = power_cut
        self._written: set[Path] = set()
        self._renamed: list[tuple[Path, Path, bytes | None]] = []
        self.n_steps = 0

    def watch(self) -> None:
        for name in CALLS:
            setattr(os, name, self._counted(name, getattr(os, name)))
        write = device_runtime.updates.feed_client._write
        device_runtime.updates.feed_client._write = self._counted("write", write)
        opened = builtins.open

        def noted(file: Any, mode: str = "r", *rest: Any, **named: Any) -> Any:
            if isinstance(file, str | Path) and set(mode) & set("wa"):
                self._written.add(Path(file))
            return opened(file, mode, *rest, **named)

        # Path.open() is io.open(), which shutil's copies call by another name.
        import io

        io.open = noted
        builtins.open = noted

    def _counted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            self._step()
            if name in ("replace", "rename"):
                self._note_rename(Path(arguments[0]), Path(arguments[1]))
            result = call(*arguments, **named)
            if name == "fsync":
                self._synced(Path(f"/proc/self/fd/{arguments[0]}").readlink())
            self._step()
            return result

        return counted

    def _note_rename(self, source: Path, target: Path) -> None:
        before = target.read_bytes() if target.is_file() else None
        self._renamed.append((source, target, before))
        for path in [one for one in self._written if one.is_relative_to(source)]:
            self._written.remove(path)
            self._written.add(target / path.relative_to(source))

    def _synced(self, path: Path) -> None:
        self._written.discard(path)
        self._renamed = [one for one in self._renamed if one[1].parent != path]

    def _step(self) -> None:
        self.n_steps += 1
        if self.n_steps == self._fatal:
            if self._power_cut:
                self.lose()
            os.kill(os.getpid(), signal.SIGKILL)

    def lose(self) -> None:
        for path in self._written:
            if path.is_file() and path.name != "lock":
                os.truncate(path, path.stat().st_size // 2)
        for source, target, before in list(reversed(self._renamed)):
            if target.exists():
                shutil.move(target, source)
                if before is not None:
                    target.write_bytes(before)


def main() -> None:
    given = json.load(sys.stdin)
    folder, template = Path(given["folder"]), Path(given["template"])
    settings = UpdateSettings(
        feed=given["feed"],
        keys=(read_public_key(given["key"]),),
        folder=str(folder),
        reserve_bytes=0,
    )
    packaged = Path(given["packaged"])
    chance = random.Random(given["seed"])

    def in_child(work: Callable[[], object]) -> int:
        child = os.fork()
        if not child:
            try:
                work()
            except BaseException:
                import traceback

                traceback.print_exc()
                os._exit(3)
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def update(fatal: int = 0, power_cut: bool = False, seconds: float = 0.0) -> None:
        disk = Disk(folder, fatal, power_cut)
        disk.watch()
        if seconds:
            signal.setitimer(signal.ITIMER_REAL, seconds)  # SIGALRM ends a process at once.
        device = Device(settings, packaged)
        device.look()
        Path(given["count"]).write_text(str(disk.n_steps))

    def fresh() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(template, folder)

    def started() -> dict[str, Any]:
        device = Device(settings, packaged)
        # `sequence` raises where what is served is not verified, or not what the state names.
        return {"serves": device.sequence, "floor": device.versions.state.floor}

    fresh()
    assert in_child(update) == 0
    n_steps = int(Path(given["count"]).read_text())
    assert started()["serves"] == 3
    fatal = sorted(chance.choices(range(1, n_steps + 1), k=given["n_random"]))
    fatal += [round(1 + at * (n_steps - 1) / given["n_spread"]) for at in range(given["n_spread"])]
    for at, step in enumerate(fatal):
        fresh()
        code = in_child(partial(update, step, given["power_cut"]))
        found = {"step": step, "of": n_steps, "code": code, **started()}
        # Where it has gone on from there, the update is done.
        if at % 8 == 0:
            in_child(update)
            found["then"] = started()["serves"]
        print(json.dumps(found), flush=True)
    for _ in range(given["n_timed"]):
        fresh()
        code = in_child(lambda: update(seconds=chance.uniform(0.001, 0.1)))
        print(json.dumps({"step": -1, "of": n_steps, "code": code, **started()}), flush=True)


if __name__ == "__main__":
    main()
