"""models/demo.onnx is what models/make_demo.py makes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx
import pytest

from device_runtime.scorer import Scorer

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "models" / "demo.onnx"
REPLAY = ROOT / "tests" / "contract" / "replay.py"
# Weights depend on the BLAS kernel of the processor, so another machine makes another file; what
# it answers moves by far less than this.
TOLERANCE = 0.02


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the model made twice, by two processes with different hash seeds."""
    paths, processes = [], []
    for seed in ("1", "2"):
        paths.append(tmp_path_factory.mktemp(f"seed{seed}") / COMMITTED.name)
        processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "models.make_demo", str(paths[-1])],
                cwd=ROOT,
                env={**os.environ, "PYTHONHASHSEED": seed},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    for process in processes:
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output
    return paths


def manifest_of(path: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(path.with_suffix(".json").read_text("utf-8"))
    return manifest


def structure(path: Path) -> tuple[list[Any], list[Any], list[Any]]:
    """Return nodes, tensors with their shapes, and inputs and outputs."""
    graph = onnx.load(path).graph
    return (
        [(node.op_type, list(node.input), list(node.output)) for node in graph.node],
        [(one.name, one.data_type, list(one.dims)) for one in graph.initializer],
        [one.SerializeToString(deterministic=True) for one in (*graph.input, *graph.output)],
    )


def test_two_processes_make_the_same_bytes(built: list[Path]) -> None:
    first, second = built
    assert first.read_bytes() == second.read_bytes()
    assert manifest_of(first) == manifest_of(second)


def test_it_has_the_structure_of_the_committed_file(built: list[Path]) -> None:
    advice = "the code changed what is exported: run `make models` and commit both files"
    for made, committed in zip(structure(built[0]), structure(COMMITTED), strict=True):
        assert made == committed, advice
    made, committed = manifest_of(built[0]), manifest_of(COMMITTED)
    for key in ("inputs", "outputs", "catalogue", "label", "n_history", "training_data"):
        assert made[key] == committed[key], f"{key}: {advice}"
    assert made["training"]["settings"] == committed["training"]["settings"], advice


def test_it_answers_as_the_committed_file_does(built: list[Path], tmp_path: Path) -> None:
    # The graph made here, with the golden requests and answers of the committed manifest.
    path = tmp_path / COMMITTED.name
    path.write_bytes(built[0].read_bytes())
    path.with_suffix(".json").write_bytes(COMMITTED.with_suffix(".json").read_bytes())
    run = subprocess.run(
        [sys.executable, str(REPLAY), str(path), "--tolerance", str(TOLERANCE)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_committed_file_is_small_and_knows_the_ids_of_the_readme() -> None:
    assert COMMITTED.stat().st_size < 300_000
    scorer = Scorer.from_path(COMMITTED)
    answer = scorer.run(user_id=108, item_ids=[1, 2, 39])
    assert answer.known.all()
    # A known user has a history in the file, so he is not answered as a stranger is.
    assert (answer.scores != scorer.run(item_ids=[1, 2, 39]).scores).all()
