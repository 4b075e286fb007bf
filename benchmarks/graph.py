"""The whole graph against its own network on ready features, against itself without similar
items, and folded against not folded."""

import dataclasses
import itertools
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import edgerec
from benchmarks.data import movielens, say_machine, temporary_folder
from benchmarks.scorer import bare_session
from edgerec.config import TrainSettings
from edgerec.datasets import make_interactions
from edgerec.export_settings import ExportSettings
from edgerec.graph.cut import cut_at_features
from edgerec.recsys import Id, Sample
from edgerec.schema import Request

WIDE = 256
N_ROUNDS = 40
N_CALLS = 20


class WideRows:
    """Generated interactions with items whose features are wider than the network's layer."""

    def __init__(self) -> None:
        self._data = make_interactions(
            n_users=500, n_items=5_000, n_interactions=50_000, random_state=0
        )
        self._rows = np.random.default_rng(0).normal(size=(5_001, WIDE)).astype(np.float32)

    def get_user_feature(self, user_id: Id) -> Sequence[float]:
        return []

    def get_item_feature(self, item_id: Id) -> Sequence[float]:
        return self._rows[int(item_id) % len(self._rows)].tolist()

    def sample_generator(self):
        data = self._data
        for user, item, value, timestamp in zip(
            data.user_ids.tolist(),
            data.item_ids.tolist(),
            data.values.tolist(),
            data.timestamps.tolist(),
            strict=True,
        ):
            yield Sample(user, item, float(value > 3.5), timestamp, value)


def best_of(call: Callable[[], object]) -> float:
    """Return microseconds of the fastest of some calls."""
    best = float("inf")
    for _ in range(N_CALLS):
        started = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - started)
    return best * 1e6


def compare(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the median time of each, all in turn in each round; prints ratios to the first."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(N_ROUNDS):
        for name, call in calls.items():
            times[name].append(best_of(call))
    first = next(iter(calls))
    for name, own in times.items():
        ratio = statistics.median(np.divide(own, times[first]))
        print(f"  {name:44} {statistics.median(own):8.1f} µs   {ratio:6.2f} x")
    return {name: statistics.median(own) for name, own in times.items()}


def bare_network(path: Path, n_rows: int) -> Callable[[], object]:
    """Return a call of the file's own network on ready features of `n_rows` candidates."""
    _, after, between = cut_at_features(path.read_bytes())
    cut = path.with_suffix(".network")
    cut.write_bytes(after)
    session = bare_session(cut)
    rows = {
        one.name: np.zeros((1 if "user" in one.name else n_rows, one.shape[1]), np.float32)
        for one in session.get_inputs()
    }
    assert set(rows) == set(between)
    return lambda: session.run(None, rows)


def bare_mlp(path: Path, widths: Sequence[int], n_rows: int) -> Callable[[], object]:
    """Return a call of a network of these widths alone, on `n_rows` ready vectors."""
    random, nodes, tables, last = np.random.default_rng(0), [], [], "x"
    for number, (wide, narrow) in enumerate(itertools.pairwise(widths)):
        weights = random.normal(scale=0.1, size=(wide, narrow)).astype(np.float32)
        tables.append(numpy_helper.from_array(weights, f"weights_{number}"))
        tables.append(numpy_helper.from_array(np.zeros(narrow, np.float32), f"intercepts_{number}"))
        layer = [last, f"weights_{number}", f"intercepts_{number}"]
        nodes.append(helper.make_node("Gemm", layer, [f"layer_{number}"]))
        activation = "Sigmoid" if number == len(widths) - 2 else "Relu"
        last = f"active_{number}"
        nodes.append(helper.make_node(activation, [f"layer_{number}"], [last]))
    shapes = {"x": ["n", widths[0]], last: ["n", widths[-1]]}
    of_x, of_last = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    )
    graph = helper.make_graph(nodes, "bare", [of_x], [of_last], tables)
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    session = bare_session(path)
    feeds = {"x": random.normal(size=(n_rows, widths[0])).astype(np.float32)}
    return lambda: session.run(None, feeds)


def without_similar(path: Path) -> Callable[[dict[str, np.ndarray]], object]:
    """Return a call of the same graph less what lists similar items."""
    model = onnx.load(path)
    similar = {"similar_positions", "similarities", "similar_ids"}
    answer = next(node for node in model.graph.node if similar & {*node.output})
    kept = [place for place, name in enumerate(answer.output) if name not in similar]
    parts = [attribute.g for attribute in answer.attribute]
    for field in (answer.output, *(part.output for part in parts), model.graph.output):
        left = [field[place] for place in kept]
        del field[:]
        field.extend(left)
    for part in parts:
        left = [node for node in part.node if node.op_type != "If"]
        left = [node for node in left if not {"positions_of_similar"} & {*node.input}]
        del part.node[:]
        part.node.extend(left)
    bare = path.with_suffix(".bare")
    onnx.save(model, bare)
    session = bare_session(bare)
    return lambda tensors: session.run(None, tensors)


def asked(items, n_candidates: int, n_history: int) -> dict[str, np.ndarray]:
    history = items[-n_history:].tolist()
    return Request(
        item_ids=items[:n_candidates].tolist(),
        history=history,
        history_values=[4.0] * n_history,
        k=10,
    ).tensors("int64", "int64")


def main() -> None:
    say_machine()
    print(f"ONNX Runtime {onnxruntime.__version__}, one thread")
    with temporary_folder() as name:
        folder = Path(name)
        model = edgerec.train(movielens(folder))
        path = model.export(folder / "model.onnx").path
        tensors, session = asked(model.ranker.item_ids, 100, 100), bare_session(path)
        weights = model.ranker.weights
        widths = (len(weights.mean), *(one.shape[1] for one in weights.coefficients))
        print("100 candidates, history of 100 (bound: 8 x the bare MLP of the same widths)")
        compare(
            {
                f"a bare MLP, {'-'.join(map(str, widths))}": bare_mlp(
                    folder / "own.onnx", widths, 100
                ),
                "a bare MLP, 96-64-32-1": bare_mlp(folder / "other.onnx", (96, 64, 32, 1), 100),
                "the file's network, user's part once": bare_network(path, 100),
                "the whole graph": lambda: session.run(None, tensors),
            }
        )
        names = [one.name for one in session.get_outputs()][:5]
        plain = without_similar(path)
        print("what the branch of similar items costs who does not ask (bound: 1.05 x)")
        compare(
            {
                "without it": lambda: plain(tensors),
                "with it": lambda: session.run(names, tensors),
            }
        )
        catalogue = asked(model.ranker.item_ids, 0, 1)
        print("the ten most similar of the whole catalogue, beside ranking it")
        compare(
            {
                "ranking": lambda: session.run(names, catalogue),
                "ranking and similar items": lambda: session.run(
                    None, {**catalogue, "k": np.array([-10])}
                ),
            }
        )
        layer = TrainSettings().network.hidden_layer_sizes[0]
        print(f"items of {WIDE} features, first layer of {layer} (bound: never slower folded)")
        wide = edgerec.train(WideRows())
        sessions = {}
        for fold in (False, True):
            settings = dataclasses.replace(ExportSettings(), fold=fold)
            exported = wide.export(folder / f"fold_{fold}.onnx", settings=settings)
            sessions[fold] = bare_session(exported.path)
            print(f"  fold={fold}: {exported.n_bytes / 1e6:.2f} MB")
        for n_candidates in (100, 1000):
            tensors = asked(wide.ranker.item_ids, n_candidates, 100)
            print(f"{n_candidates} candidates, history of 100")
            compare(
                {
                    "not folded": lambda tensors=tensors: sessions[False].run(None, tensors),
                    "folded": lambda tensors=tensors: sessions[True].run(None, tensors),
                }
            )


if __name__ == "__main__":
    main()
