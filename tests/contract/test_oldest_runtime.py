"""Every bundle that is kept answers its golden requests on the oldest ONNX Runtime and on ours."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
REPLAY = Path(__file__).with_name("replay.py")
BUNDLES = [ROOT / "models" / "demo.onnx", *sorted(Path(__file__).parent.glob("*.onnx"))]
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def oldest_python() -> str:
    default = ROOT / ".venv-oldest" / "bin" / "python"
    python = Path(os.environ.get("EDGEREC_OLDEST_PYTHON") or default)
    if not python.is_file():
        reason = f"there is no {python}, the environment with ONNX Runtime 1.16: run `make oldest`"
        if os.environ.get("EDGEREC_REQUIRE_ALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return str(python)


def replay(python: str, bundle: Path, *options: str) -> dict[str, Any]:
    run = subprocess.run(
        [python, str(REPLAY), str(bundle), *options], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    result: dict[str, Any] = json.loads(run.stdout)
    return result


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda bundle: bundle.name)
def test_the_oldest_runtime_answers_the_golden_requests(oldest_python: str, bundle: Path) -> None:
    result = replay(oldest_python, bundle)
    assert result["onnxruntime"].startswith("1.16.")
    assert result["n_requests"] >= 8
    assert result["largest_difference"] <= TOLERANCE


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda bundle: bundle.name)
def test_this_runtime_answers_the_golden_requests(bundle: Path) -> None:
    result = replay(sys.executable, bundle)
    assert result["n_requests"] >= 8
    assert result["largest_difference"] <= TOLERANCE


def test_replaying_notices_another_answer(tmp_path: Path) -> None:
    demo = BUNDLES[0]
    (tmp_path / demo.name).write_bytes(demo.read_bytes())
    manifest = json.loads(demo.with_suffix(".json").read_text("utf-8"))
    manifest["golden"][0]["outputs"]["scores"][0] += 1e-3
    (tmp_path / demo.name).with_suffix(".json").write_text(json.dumps(manifest), "utf-8")
    run = subprocess.run(
        [sys.executable, str(REPLAY), str(tmp_path / demo.name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert json.loads(run.stdout)["largest_difference"] == pytest.approx(1e-3, rel=0.01)
