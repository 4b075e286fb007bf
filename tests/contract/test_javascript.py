"""The runtimes of JavaScript answer the golden requests: Node, WebAssembly, a real browser."""

import json
from pathlib import Path
from typing import Any

import pytest

from edgerec.config import ExportSettings
from tests.javascript import chromium, node, run_lines
from tests.trained import enormous_model, generated_model, viewed_model

HERE = Path(__file__).parent
DEMO = HERE.parents[1] / "models" / "demo.onnx"
TOLERANCE = 1e-5
RUNTIMES = ("onnxruntime-node", "onnxruntime-web", "chromium")


def command(runtime: str) -> list[str]:
    if runtime == "chromium":
        return [node(), str(HERE / "replay_chromium.mjs"), chromium()]
    return [node(), str(HERE / "replay_node.mjs"), runtime]


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("bundles")
    models = {
        "integers": generated_model(),
        "strings": generated_model(strings=True),
        "implicit": viewed_model(),
        "enormous": enormous_model(),
    }
    for name, model in models.items():
        model.export(folder / f"{name}.onnx")
    hashed = folder / "hashed.onnx"
    models["strings"].export(hashed, settings=ExportSettings(n_encoded_strings=0))
    made = [folder / f"{name}.onnx" for name in models]
    return [DEMO, *sorted(HERE.glob("*.onnx")), *made, hashed]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_runtime_of_javascript_answers_the_golden_requests(
    runtime: str, bundles: list[Path]
) -> None:
    results = run_lines(*command(runtime), *bundles)
    assert [one["bundle"] for one in results] == [path.name for path in bundles]
    for one in results:
        assert one["n_requests"] >= 8
        assert one["largest_difference"] <= TOLERANCE, one


def test_the_ids_of_one_bundle_are_the_same_as_doubles(bundles: list[Path]) -> None:
    (manifest,) = (read(path) for path in bundles if path.stem == "enormous")
    ids = {one for golden in manifest["golden"] for one in golden["outputs"]["top_ids"]}
    assert len(ids) > 10
    assert len({float(one) for one in ids}) == 2  # all items, and one that is in no training data


@pytest.mark.parametrize("runtime", ["onnxruntime-node", "chromium"])
def test_replaying_notices_another_answer(runtime: str, tmp_path: Path) -> None:
    changes = {
        "scores": lambda scores: [scores[0] + 1e-3, *scores[1:]],
        "known": lambda known: [not known[0], *known[1:]],
        "top_ids": lambda ids: ids[1:],
    }
    paths = []
    for output, change in changes.items():
        manifest = read(DEMO)
        answers = manifest["golden"][0]["outputs"]
        answers[output] = change(answers[output])
        paths.append(tmp_path / f"{output}.onnx")
        paths[-1].write_bytes(DEMO.read_bytes())
        paths[-1].with_suffix(".json").write_text(json.dumps(manifest), "utf-8")
    scores, known, top_ids = run_lines(*command(runtime), *paths, code=1)
    assert scores["largest_difference"] == pytest.approx(1e-3, rel=0.01)
    assert "known user: known differs" in known["error"]
    assert "known user: top_ids has shape [" in top_ids["error"]


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((HERE.parents[1] / "package-lock.json").read_text("utf-8"))
    assert all("resolved" not in package for package in lock["packages"].values())
    wanted = json.loads((HERE.parents[1] / "package.json").read_text("utf-8"))["devDependencies"]
    for name, version in wanted.items():
        assert lock["packages"][f"node_modules/{name}"]["version"] == version


def read(bundle: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(bundle.with_suffix(".json").read_text("utf-8"))
    return manifest
