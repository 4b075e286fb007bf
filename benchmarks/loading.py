"""Memory and time to load a file of a million items: read, and mapped.

The items are those of a small trained model, drawn again and again, under ids that are sparse; so
every table has the width that training gives it, and the graph is the exporter's. Each form is
opened in a process of its own, as `device_runtime` opens it, and answers one request. Private
memory (what no other process could share) is counted above that of the same process with its
imports alone, as a share of the file.

Bounds: 1.5 x the file where NAME.onnx is read, .3 x where NAME.ort is mapped.
"""

import argparse
import dataclasses
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import edgerec
from benchmarks.data import say_machine, temporary_folder
from edgerec.config import (
    EmbeddingSettings,
    NetworkSettings,
    TasteSettings,
    TrainSettings,
)
from edgerec.datasets import make_interactions
from edgerec.export.mapped import write_mapped
from edgerec.export.rounding import rounded
from edgerec.export.target import aimed
from edgerec.export_settings import ExportSettings
from edgerec.features.taste.tables import TasteTables
from edgerec.graph.convert import to_graph
from edgerec.schema import Request
from edgerec.training.ranker import Ranker

BOUNDS = {"read": 1.5, "mapped": 0.3}
N_RUNS = 3
# Tables have the widths that any training gives them.
ONE_PASS = TrainSettings(
    n_folds=2,
    embedding=EmbeddingSettings(epochs=1),
    taste=TasteSettings(n_rounds=1),
    network=NetworkSettings(max_epochs=1),
)
# Axis of the items in each table.
TABLES = {"item_features": 0, "content": 0, "kinds": 0, "scales": 0, "embedding": 1, "audience": 1}
STATISTICS = {"mean_value": 1, "liked_rate": 1, "log_count": 1, "first_seen": 1}
TASTE = {"content": 0, "popularity": 1, "latent": 2, "latent_variance": 2}
TASTE |= {"intercept": 2, "intercept_variance": 2}


class Films:
    """Generated interactions, with genres as features."""

    def __init__(self) -> None:
        self._data = make_interactions(
            n_users=200, n_items=1_000, n_interactions=8_000, random_state=0
        )
        names = sorted({genre for one in self._data.genres for genre in one.split("|")})
        self._genres = {
            id_: [float(name in one.split("|")) for name in names]
            for id_, one in zip(self._data.catalogue_ids.tolist(), self._data.genres, strict=True)
        }

    def get_user_feature(self, user_id):
        return []

    def get_item_feature(self, item_id):
        return self._genres[item_id]

    def sample_generator(self):
        data = self._data
        columns = (data.user_ids, data.item_ids, data.values, data.timestamps)
        for user, item, value, timestamp in zip(*(one.tolist() for one in columns), strict=True):
            yield edgerec.Sample(user, item, float(value > 3.5), timestamp, value)


def enlarged(ranker: Ranker, n_items: int) -> Ranker:
    """Return the ranker with `n_items` items, each a copy of one that it has."""
    random = np.random.default_rng(0)
    drawn = np.r_[0, random.integers(1, len(ranker.item_ids) + 1, n_items)]

    def taken(owner, axes):
        return {name: np.take(getattr(owner, name), drawn, axis) for name, axis in axes.items()}

    tables, taste = ranker.tables, ranker.tables.taste
    of_taste = {one.name: getattr(taste, one.name) for one in dataclasses.fields(TasteTables)}
    ids = np.unique(random.integers(-(2**62), 2**62, n_items + n_items // 100))[:n_items]
    return ranker.replaced(
        item_ids=ids,
        tables=dataclasses.replace(
            tables,
            statistics=dataclasses.replace(
                tables.statistics, **taken(tables.statistics, STATISTICS)
            ),
            taste=TasteTables(**{**of_taste, **taken(taste, TASTE)}),
            **taken(tables, TABLES),
        ),
    )


def load(path: str) -> None:
    """Open a file in this process, answer a request, and print what that took."""
    import onnxruntime

    import device_runtime  # noqa: F401, which switches telemetry off
    from device_runtime.session import session_options

    def private() -> int:
        lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
        return sum(1024 * int(one.split()[1]) for one in lines if one.startswith("Private_"))

    request = dict(np.load(Path(path).with_suffix(".npz")))
    before = private()
    started = time.perf_counter()
    session = onnxruntime.InferenceSession(
        path, session_options(mapped=path.endswith(".ort")), providers=["CPUExecutionProvider"]
    )
    seconds = time.perf_counter() - started
    loaded = private() - before
    session.run(["top_ids"], request)
    found = {"loaded": loaded, "answered": private() - before, "seconds": seconds}
    print(json.dumps({**found, "bytes": Path(path).stat().st_size}))


def measured(path: Path) -> dict[str, float]:
    """Return medians over some processes."""
    runs = []
    for _ in range(N_RUNS):
        run = [sys.executable, "-m", "benchmarks.loading", "--load", str(path)]
        printed = subprocess.run(run, check=True, capture_output=True, text=True).stdout
        runs.append(json.loads(printed))
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--precision", default="fp16", choices=("fp32", "fp16", "int8"))
    parser.add_argument("--load", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.load:
        load(options.load)
        return
    say_machine()
    settings = ExportSettings(precision=options.precision, target="phone")
    small = edgerec.train(Films(), ONE_PASS)
    ranker = rounded(aimed(enlarged(small.ranker, options.items), settings), settings.precision)
    with temporary_folder() as name:
        paths = {"read": Path(name) / "model.onnx", "mapped": Path(name) / "model.ort"}
        with paths["read"].open("wb") as file:
            file.write(to_graph(ranker, "0", settings).SerializeToString(deterministic=True))
        items = ranker.item_ids[:: options.items // 200].tolist()
        request = Request(item_ids=items[:100], history=items[100:], k=10)
        np.savez(paths["read"].with_suffix(".npz"), **request.tensors("int64", "int64"))
        del ranker
        write_mapped(paths["read"], paths["mapped"])
        failed = False
        for form, path in paths.items():
            found = measured(path)
            share = {one: found[one] / found["bytes"] for one in ("loaded", "answered")}
            failed |= share["loaded"] > BOUNDS[form]
            print(
                f"{form:7} {found['bytes'] / 1e6:7.1f} MB  private memory {share['loaded']:.2f} x "
                f"(bound {BOUNDS[form]}), {share['answered']:.2f} x after a request; "
                f"{1000 * found['seconds']:.0f} ms"
            )
    sys.exit(failed)


if __name__ == "__main__":
    main()
