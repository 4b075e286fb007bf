"""What is this machine, and does a model run well here: what ``edgerec-device doctor`` prints."""

import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

from device_runtime import __version__
from device_runtime.bundle import read_bundle
from device_runtime.events.table import EventSettings, EventTable
from device_runtime.metrics import resident_bytes

_N_CALLS: Final = 50
_N_CANDIDATES: Final = 100
# Before this no device of today was built: its clock was never set.
_EARLIEST: Final = 1_700_000_000
_MEGABYTE: Final = 1e6

Line = tuple[str, str]


def examine(model: str | Path, events: str | None = None) -> Iterator[Line]:
    """Yield what was found, line by line, as it is found.

    Raises
    ------
    BundleError
        The model cannot be used here.
    StorageError
        Events cannot be kept in the file that is there.
    """
    yield from _machine()
    # Either form will do; which one is used, ONNX Runtime's version decides below.
    bundle = read_bundle(model, mapped=not Path(model).is_file())
    size = bundle.graph_path.stat().st_size
    yield "model", f"{bundle.name}: {bundle.n_items} items, {size / _MEGABYTE:.1f} MB, whole"
    # Imported here, so that what can be said without ONNX Runtime is said where it cannot load.
    from device_runtime.scorer import Scorer
    from device_runtime.session import can_map

    bundle = read_bundle(model, mapped=can_map())
    form = "read" if bundle.mapped_path is None else f"{bundle.mapped_path.name}, mapped"
    yield "ONNX Runtime", f"{version('onnxruntime')}, this package {__version__}"
    before = resident_bytes()
    started = time.perf_counter()
    scorer = Scorer(bundle)
    loaded = time.perf_counter() - started
    after = resident_bytes()
    grown = "" if before is None or after is None else f", {(after - before) / _MEGABYTE:.1f} MB"
    yield "loading", f"{1000 * loaded:.0f} ms{grown}, {form}"
    scorer.run_golden()
    yield "golden requests", f"all {len(bundle.golden)} answered here as at export"
    catalogue = scorer.run(k=_N_CANDIDATES)
    candidates = catalogue.top_ids
    history = catalogue.top_ids[: bundle.n_history]

    def rank_some() -> object:
        return scorer.run(item_ids=candidates, history=history, k=10)

    def rank_all() -> object:
        return scorer.run(history=history, k=10)

    yield f"{len(candidates)} candidates", _timed(rank_some)
    yield "the catalogue", _timed(rank_all)
    if events is not None:
        yield "events", _place_of_events(Path(events).absolute())


def _place_of_events(path: Path) -> str:
    """Say what is there; the file is opened as the server opens it, and none is made."""
    kept = ""
    if path.exists():
        table = EventTable(path, EventSettings())
        kept = f"{table.n_events} kept, "
        table.close()
    folder = path.parent
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    refused = ""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        refused = f", but nothing can be written there ({error.strerror})"
    return f"{kept}{free / _MEGABYTE:.0f} MB free at {folder}{refused}"


def _machine() -> Iterator[Line]:
    yield "machine", f"{platform.machine()}, {platform.system()} {platform.release()}"
    yield "cores", str(os.cpu_count())
    memory = _memory()
    if memory is not None:
        yield "memory", f"{memory[0] / _MEGABYTE:.0f} MB, {memory[1] / _MEGABYTE:.0f} MB available"
    yield "Python", platform.python_version()
    now = time.time()
    said = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    yield "clock", said if now > _EARLIEST else f"{said}: not set, so events get wrong times"


def _memory() -> tuple[int, int] | None:
    """Return the bytes of memory there are, and those available; None: the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:
        return None
    found = {
        name: int(rest.split()[0]) * 1024 for name, _, rest in (x.partition(":") for x in lines)
    }
    return found["MemTotal"], found.get("MemAvailable", found["MemFree"])


def _timed(call: Callable[[], object]) -> str:
    times = []
    for _ in range(_N_CALLS + 1):
        started = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - started))
    times = sorted(times[1:])
    slow = times[int(0.95 * len(times))]
    return f"{statistics.median(times):.2f} ms, 95 of 100 within {slow:.2f} ms, one thread"
