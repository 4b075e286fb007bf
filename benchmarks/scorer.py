"""device_runtime's scorer against the bare ONNX Runtime session on the same graph."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime

import edgerec
from benchmarks.data import movielens, say_machine, temporary_folder
from device_runtime.scorer import Scorer
from edgerec.schema import Request

CASES = ((1, 0), (1, 50), (100, 0), (100, 50), (100, 100), (1000, 100), (0, 100))
N_ROUNDS = 15
N_CALLS = 40


def bare_session(path: Path) -> onnxruntime.InferenceSession:
    """Return a session set up as the scorer sets up its own."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def microseconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    for _ in range(N_CALLS):
        call()
    return (time.perf_counter() - started) / N_CALLS * 1e6


def main() -> None:
    say_machine()
    with temporary_folder() as name:
        folder = Path(name)
        model = edgerec.train(movielens(folder))
        path = model.export(folder / "model.onnx").path
        print(f"file: {path.stat().st_size / 1e6:.2f} MB")
        session, scorer = bare_session(path), Scorer.from_path(path)
        items = model.ranker.item_ids
        print("candidates  history   bare µs   ours µs   ratio  (bound: 1.3)")
        for n_candidates, n_history in CASES:
            candidates = items[:n_candidates].tolist()
            history = items[-n_history:].tolist() if n_history else []
            values = [4.0] * n_history
            request = Request(item_ids=candidates, history=history, history_values=values, k=10)
            tensors = request.tensors("int64", "int64")
            bare, ours = [], []

            def ask_bare(tensors=tensors) -> object:
                return session.run(None, tensors)

            def ask_ours(candidates=candidates, history=history, values=values) -> object:
                return scorer.run(
                    item_ids=candidates or None,
                    history=history,
                    history_values=values or None,
                    k=10,
                )

            assert np.array_equal(ask_bare()[0], ask_ours().scores)
            for _ in range(N_ROUNDS):
                bare.append(microseconds(ask_bare))
                ours.append(microseconds(ask_ours))
            ratio = statistics.median(own / other for own, other in zip(ours, bare, strict=True))
            shown = n_candidates or len(items)
            print(
                f"{shown:>10}  {n_history:>7}  {statistics.median(bare):>8.0f}"
                f"  {statistics.median(ours):>8.0f}  {ratio:>6.2f}"
            )


if __name__ == "__main__":
    main()
