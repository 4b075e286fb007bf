"""The wheels, and the runtime's alone in a bare environment, as on a device."""

import ast
import importlib.metadata
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
DEPENDENCIES = {"numpy", "onnxruntime", "aiohttp"}
RUNTIME = "edgerec-device-runtime"
_NO_INDEX = re.compile(
    "No matching distribution found|Could not find a version|NewConnectionError|NameResolutionError"
    "|Temporary failure in name resolution|Read timed out|ProxyError"
)


def pip(python: str | Path, *arguments: str) -> str:
    """Run pip; where it reaches no index, skip."""
    run = subprocess.run(
        [str(python), "-m", "pip", "--disable-pip-version-check", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode and _NO_INDEX.search(run.stderr):
        reason = "pip cannot reach an index, which building and installing wheels needs"
        if os.environ.get("EDGEREC_REQUIRE_ALL") == "1":
            pytest.fail(f"{reason}:\n{run.stderr}")
        pytest.skip(reason)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("wheels")
    sources = (str(ROOT / "device_runtime"), str(ROOT))
    pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", str(folder), *sources)
    built = {path.name.partition("-")[0].replace("_", "-"): path for path in folder.iterdir()}
    assert sorted(built) == ["edgerec", RUNTIME]
    return built


@pytest.fixture(scope="module")
def bare(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an environment that holds the runtime's wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=True)
    pip(folder / "bin" / "python", "install", str(wheels[RUNTIME]))
    return folder


def members(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


@pytest.mark.parametrize(
    ("wheel", "package"), [("edgerec", "edgerec"), (RUNTIME, "device_runtime")]
)
def test_wheels_hold_every_module_and_nothing_else(
    wheels: dict[str, Path], wheel: str, package: str
) -> None:
    files = [*(ROOT / package).rglob("*.py"), *(ROOT / package).glob("report/templates/*")]
    modules = {path.relative_to(ROOT).as_posix() for path in files}
    assert members(wheels[wheel]) == {*modules, f"{package}/py.typed"}


def test_the_runtime_wheel_is_small(wheels: dict[str, Path]) -> None:
    assert wheels[RUNTIME].stat().st_size < 100_000


def test_modules_of_the_runtime_wheel_do_what_those_of_the_repository_do(
    wheels: dict[str, Path],
) -> None:
    """They lack comments and long docstrings alone, and no line has another number."""
    with zipfile.ZipFile(wheels[RUNTIME]) as archive:
        for path in (ROOT / "device_runtime").rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            slim = archive.read(name).decode("utf-8")
            assert shape(slim) == shape(path.read_text("utf-8")), name


def shape(source: str) -> list[tuple[str, int]]:
    """Return the statements of a module and their lines, strings that stand alone left out."""
    return [
        (type(node).__name__, node.lineno)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.stmt)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ]


def needed_by(distributions: dict[str, importlib.metadata.Distribution], root: str) -> set[str]:
    """Return what `root` depends on, directly or not, without extras."""
    found: set[str] = set()
    waiting = [root]
    while waiting:
        for line in distributions[waiting.pop()].requires or ():
            requirement = Requirement(line)
            name = canonicalize_name(requirement.name)
            if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
                continue
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found


def test_a_bare_environment_holds_three_dependencies_and_theirs(bare: Path) -> None:
    (packages,) = bare.glob("lib/python*/site-packages")
    distributions = {
        canonicalize_name(one.metadata["Name"]): one
        for one in importlib.metadata.distributions(path=[str(packages)])
    }
    listed = json.loads(pip(bare / "bin" / "python", "list", "--format", "json"))
    names = {canonicalize_name(one["name"]) for one in listed}
    own = [Requirement(line) for line in distributions[RUNTIME].requires or ()]
    extras = {one.name for one in own if one.marker and not one.marker.evaluate({"extra": ""})}
    assert {one.name for one in own} - extras == DEPENDENCIES
    assert extras == {"cryptography"}
    needed = needed_by(distributions, RUNTIME)
    assert names - {"pip", "setuptools"} == {RUNTIME, *needed}
    training = {"edgerec", "gensim", "onnx", "scikit-learn", "scipy", "skl2onnx", "sqlalchemy"}
    assert not names & training


def test_a_bare_environment_follows_no_feed(bare: Path, tmp_path: Path) -> None:
    run = subprocess.run(
        [
            str(bare / "bin" / "python"),
            *("-m", "device_runtime", str(ROOT / "models" / "demo.onnx")),
            *("--feed", "https://shop.example/feed"),
        ],
        cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "pip install 'edgerec-device-runtime[updates]'" in run.stderr


def test_a_bare_environment_answers_over_http(bare: Path, tmp_path: Path) -> None:
    # The working folder is empty, so that the package comes from the wheel.
    model = ROOT / "models" / "demo.onnx"
    server = subprocess.Popen(
        [str(bare / "bin" / "python"), "-m", "device_runtime", str(model), "--port", "0"],
        cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        stdout=subprocess.PIPE,
        text=True,
    )
    with server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            assert " on http://127.0.0.1:" in line
            request = urllib.request.Request(
                line.split()[-1],
                json.dumps({"userId": 108, "itemIdList": [1, 2, 39]}).encode(),
                {"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request, timeout=30) as response:
                answer = json.load(response)["itemScoreList"]
        finally:
            server.send_signal(signal.SIGTERM)
    assert server.returncode == 0
    assert [one["itemId"] for one in answer] == [1, 2, 39]
    assert all(0 < one["score"] < 1 and "known" not in one for one in answer)
