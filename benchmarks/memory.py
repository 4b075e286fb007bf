"""Memory and time of training as the interactions grow: peak within 1.3 x that of a million.

The catalogue and the interactions per user stay the same and the users grow, as they do in a
database; `--fixed-users` lets each user do more instead. Each size is written to a SQLite database
by one process and trained and exported by another, from a draft of `edgerec init`, which reports
its own peak. The passes of embedding and network are cut to one and two unless `--all-epochs` is
given: they repeat what one pass holds.
"""

import argparse
import dataclasses
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

BOUND = 1.3
REFERENCE = 1_000_000
SIZES = (100_000, REFERENCE, 10_000_000)
N_ITEMS = 5_000
PER_USER = 150
MEGABYTE = 2**20


class Peak:
    """Follows the peak memory of this process with the processes that it starts."""

    def __init__(self) -> None:
        self._children = 0
        self._alive: set[str] = set()
        threading.Thread(target=self._follow, daemon=True).start()

    def bytes(self) -> int:
        """Return the peak of this process plus the largest total of its children."""
        status = Path("/proc/self/status")
        if not status.exists():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        # ru_maxrss would count the process that started this one.
        line = next(one for one in status.read_text().splitlines() if one.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 + self._children

    def _follow(self) -> None:
        while True:
            pids = {pid for file in _children_files() for pid in _text(file).split()}
            # A child that is about to become another program still has its parent's pages; one
            # that works is there for two looks.
            pages = (_text(Path(f"/proc/{pid}/statm")).split()[1:2] for pid in pids & self._alive)
            resident = sum(int(number) for page in pages for number in page)
            self._children = max(self._children, resident * resource.getpagesize())
            self._alive = pids
            time.sleep(0.05)


def _children_files() -> list[Path]:
    return list(Path("/proc/self/task").glob("*/children"))


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


class Stages:
    """Reports what a stage took when the next begins, and the largest spool."""

    def __init__(self, spool: Path, peak: Peak) -> None:
        self.rows: list[tuple[str, float, int]] = []
        self.spooled = 0
        self._spool, self._peak = spool, peak
        self._name = ""
        self._since = time.perf_counter()

    def stage(self, name: str) -> None:
        now = time.perf_counter()
        if self._name:
            self.rows.append((self._name, now - self._since, self._peak.bytes()))
        self._name, self._since = name, now
        files = [path for path in self._spool.rglob("*") if path.is_file()]
        self.spooled = max(self.spooled, sum(path.stat().st_size for path in files))

    def advance(self, n_done: int, n_total: int | None, note: str = "") -> None:
        pass

    def message(self, text: str) -> None:
        print(f"    {text}", file=sys.stderr, flush=True)


def write_database(path: Path, n_users: int, n_interactions: int) -> None:
    """Write generated interactions to a SQLite database."""
    from edgerec.datasets import make_interactions, write_generated_database

    write_generated_database(path, make_interactions(n_users, N_ITEMS, n_interactions))


def train(folder: Path, all_epochs: bool) -> None:
    """Train and export what `folder`/edgerec.toml declares, and print what it took as JSON."""
    import edgerec
    from edgerec.declared.reading import read_configuration
    from edgerec.declared.recsys import DeclaredRecSys
    from edgerec.declared.settings import train_settings

    configuration = read_configuration(folder / "edgerec.toml")
    settings = train_settings(configuration)
    if not all_epochs:
        settings = dataclasses.replace(
            settings,
            embedding=dataclasses.replace(settings.embedding, epochs=1),
            network=dataclasses.replace(settings.network, max_epochs=2),
        )
    spool = folder / "spool"
    spool.mkdir()
    tempfile.tempdir = str(spool)
    peak = Peak()
    imported = peak.bytes()
    stages = Stages(spool, peak)
    started = time.perf_counter()
    model = edgerec.train(
        DeclaredRecSys(configuration),
        settings,
        training_folder=folder / "model.training",
        progress=stages,
    )
    trained = peak.bytes()
    exported = model.export(folder / "model.onnx", progress=stages)
    stages.stage("end")
    report = {
        "imported": imported,
        "trained": trained,
        "peak": peak.bytes(),
        "spooled": stages.spooled,
        "file": exported.n_bytes,
        "seconds": time.perf_counter() - started,
        "stages": stages.rows,
        "users": len(model.ranker.user_ids),
        "known": len(model.ranker.known.rows),
        "samples": model.ranker.facts.n_samples,
    }
    print(json.dumps(report))


def measure(n_interactions: int, n_users: int, all_epochs: bool) -> dict:
    """Generate, draft and train, each in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="edgerec-benchmark-") as name:
        folder = Path(name)
        database, draft = folder / "interactions.db", folder / "edgerec.toml"
        own = [sys.executable, "-m", "benchmarks.memory"]
        init = [sys.executable, "-m", "edgerec", "init", f"sqlite:///{database}"]
        run([*own, "--write", str(database), str(n_users), str(n_interactions)])
        run([*init, "--output", str(draft)])
        output = run([*own, "--train", name, *(["--all-epochs"] if all_epochs else [])])
        return json.loads(output.splitlines()[-1])


def run(command: list[str]) -> str:
    # One thread, so that two runs differ in size alone.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=environment
    ).stdout


def print_stages(report: dict) -> None:
    millions = report["samples"] / 1e6
    for name, seconds, peak in report["stages"]:
        print(
            f"    {name:<20} {seconds:8.1f} s {seconds / millions:8.2f} s per million,"
            f" peak until then {peak / MEGABYTE:5.0f} MB"
        )


def print_table(reports: dict[int, dict], reference: int) -> bool:
    print(
        f"{'interactions':>12} {'users':>8} {'train MB':>9} {'+export MB':>10} {'ratio':>6}"
        f" {'spooled MB':>10} {'file MB':>8} {'seconds':>8} {'s/million':>9}"
    )
    kept = True
    for size, one in reports.items():
        ratio = one["peak"] / reports[reference]["peak"]
        kept &= ratio <= BOUND
        print(
            f"{size:>12,} {one['users']:>8,} {one['trained'] / MEGABYTE:>9.0f}"
            f" {one['peak'] / MEGABYTE:>10.0f} {ratio:>6.2f}"
            f" {one['spooled'] / MEGABYTE:>10.0f} {one['file'] / MEGABYTE:>8.1f}"
            f" {one['seconds']:>8.1f} {one['seconds'] / (size / 1e6):>9.1f}"
        )
    imported = reports[reference]["imported"]
    print(f"of each peak, Python and its libraries are {imported / MEGABYTE:.0f} MB")
    print(f"ratio: peak with export to that of {reference:,} (bound: {BOUND})")
    return kept


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="interactions")
    parser.add_argument("--fixed-users", action="store_true", help="as many users for every size")
    parser.add_argument("--all-epochs", action="store_true", help="as many passes as by default")
    parser.add_argument("--write", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write_database(Path(options.write[0]), int(options.write[1]), int(options.write[2]))
        return
    if options.train:
        train(options.train, options.all_epochs)
        return
    sizes = sorted(options.sizes)
    reference = REFERENCE if REFERENCE in sizes else sizes[0]
    reports = {}
    for size in sizes:
        n_users = -(-(reference if options.fixed_users else size) // PER_USER)
        print(f"{size:,} interactions of {n_users:,} users with {N_ITEMS:,} items", flush=True)
        reports[size] = measure(size, n_users, options.all_epochs)
        print_stages(reports[size])
    if not print_table(reports, reference):
        raise SystemExit(f"a peak is above {BOUND} x that of {reference:,} interactions")


if __name__ == "__main__":
    main()
