"""The best hundred of a whole catalogue, against one product with a table and a TopK.

`python -m benchmarks.catalogue` trains on MovieLens latest-small and makes its catalogue longer by
drawing its items again and moving them a little. `python -m benchmarks.catalogue 1000000` does so
for a million items, with tables in half floats.
"""

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import edgerec
from benchmarks.data import movielens, say_machine, temporary_folder
from benchmarks.graph import compare
from benchmarks.scorer import bare_session
from edgerec.export.bundle import graph_bytes
from edgerec.export.parity import GraphSession
from edgerec.export.rounding import rounded
from edgerec.export.shortlist import find_shortlist
from edgerec.export_settings import ExportSettings
from edgerec.features.table_arrays import tables_from_arrays, tables_to_arrays
from edgerec.schema import Request
from edgerec.training.ranker import Ranker

SIZES = (10_000, 100_000)
K = 100
WIDTH = 32
# Which axis of each table is of items.
AXES = {
    **dict.fromkeys(("item_features", "content", "kinds", "scales", "taste_content"), 0),
    **dict.fromkeys(("embedding", "audience", "taste_popularity"), 1),
    **dict.fromkeys((f"statistics_{one}" for one in ("mean_value", "liked_rate", "log_count")), 1),
    "statistics_first_seen": 1,
    **dict.fromkeys((f"taste_{one}" for one in ("latent", "latent_variance")), 2),
    **dict.fromkeys((f"taste_{one}" for one in ("intercept", "intercept_variance")), 2),
}
MOVED = ("embedding", "audience", "taste_latent", "taste_intercept")


def grown(ranker: Ranker, n_items: int) -> Ranker:
    """Return a ranker of `n_items`, each one of `ranker`'s, moved a little."""
    random = np.random.default_rng(0)
    rows = np.r_[0, random.integers(1, len(ranker.item_ids) + 1, n_items)]
    arrays = tables_to_arrays(ranker.tables)
    for name, axis in AXES.items():
        taken = arrays[name].take(rows, axis=axis)
        if name in MOVED:
            spread = 0.2 * arrays[name].std()
            taken += random.normal(scale=spread, size=taken.shape).astype(np.float32)
        arrays[name] = taken
    tables = tables_from_arrays(
        arrays,
        ranker.tables.label_above,
        ranker.tables.value_range,
        ranker.tables.n_compared,
        ranker.tables.n_text,
        ranker.settings.taste.n_content,
    )
    return ranker.replaced(item_ids=np.arange(1, n_items + 1), tables=tables)


def bare(path: Path, n_items: int) -> Callable[[], object]:
    """Return a call of u [1, 32] · E [32, n_items] and its TopK."""
    table = np.random.default_rng(0).normal(size=(WIDTH, n_items)).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["u", "table"], ["scores"]),
        helper.make_node("TopK", ["scores", "k"], ["best", "positions"]),
    ]
    graph = helper.make_graph(
        nodes,
        "bare",
        [helper.make_tensor_value_info("u", TensorProto.FLOAT, [1, WIDTH])],
        [helper.make_tensor_value_info("positions", TensorProto.INT64, [1, K])],
        [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.array([K]), "k")],
    )
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    session = bare_session(path)
    feeds = {"u": table[:, :1].T.copy()}
    return lambda: session.run(None, feeds)


def main(sizes: tuple[int, ...]) -> None:
    say_machine()
    with temporary_folder() as name:
        folder = Path(name)
        trained = edgerec.train(movielens(folder)).ranker
        times = {}
        for n_items in sizes:
            settings = ExportSettings(precision="fp16" if n_items > 500_000 else "fp32")
            ranker = rounded(grown(trained, n_items), settings.precision)
            whole = GraphSession(graph_bytes(ranker, {}, settings), ranker)
            started = time.perf_counter()
            found = find_shortlist(ranker, ranker, whole, settings.n_shortlist, settings.precision)
            print(
                f"{n_items:,} items: a list of {found.plain()}, "
                f"learned in {time.perf_counter() - started:.0f} s"
            )
            del whole
            path = folder / "catalogue.onnx"
            path.write_bytes(graph_bytes(ranker.replaced(shortlist=found.shortlist), {}, settings))
            print(f"file: {path.stat().st_size / 1e6:.0f} MB")
            session = bare_session(path)
            history = ranker.item_ids[-100:].tolist()
            tensors = Request(history=history, history_values=[4.0] * 100, k=K).tensors(
                "int64", "int64"
            )
            print(f"top {K}, history of 100 (bound: 10 ms, or 60 x at 10,000 items)")
            times[n_items] = compare(
                {
                    "u [1, 32] . E and TopK": bare(folder / "bare.onnx", n_items),
                    "the whole graph": lambda session=session, tensors=tensors: session.run(
                        ["top_ids", "top_scores"], tensors
                    ),
                }
            )["the whole graph"]
        if len(sizes) == len(SIZES):
            print(f"100,000 to 10,000 items: {times[SIZES[1]] / times[SIZES[0]]:.2f} x (bound: 2)")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"peak memory of this process: {peak:.0f} MB")


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or SIZES)
