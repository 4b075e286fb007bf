"""The rules of the house that no linter knows: names, listings, documents, import contracts."""

import ast
import importlib.util
import inspect
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

import device_runtime
import edgerec
from device_runtime.scorer import Scorer
from edgerec.cli import parser
from edgerec.cli.commands import COMMANDS
from edgerec.datasets import make_interactions, write_generated_database
from tests.ports import free_port

ROOT = Path(__file__).parents[1]
PACKAGES = (ROOT / "edgerec", ROOT / "device_runtime")
MODULES = sorted(module for package in PACKAGES for module in package.rglob("*.py"))
README = (ROOT / "README.md").read_text(encoding="utf-8")


def root_files() -> list[Path]:
    """Return the project's own files in the root, where a user may keep others of his own."""
    listing = subprocess.run(
        ["git", "ls-files", ":(glob)*"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    names = listing.stdout.split()
    return sorted(ROOT / name for name in names) or sorted(filter(Path.is_file, ROOT.iterdir()))


DOCUMENTS = sorted(
    path
    for path in (
        *(one for one in root_files() if one.suffix == ".md"),
        *ROOT.glob("*/*.md"),
        *ROOT.glob("examples/*/*.md"),
    )
    if not path.parts[len(ROOT.parts)].startswith(".")
)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# Names


def test_public_names_are_sorted_and_those_of_the_readme() -> None:
    documented = re.findall(r"^\| `edgerec\.(\w+)", README, re.MULTILINE)
    assert edgerec.__all__ == sorted(edgerec.__all__)
    assert sorted(documented) == edgerec.__all__
    assert all(hasattr(edgerec, name) for name in edgerec.__all__)


@pytest.mark.parametrize("name", edgerec.__all__)
def test_public_names_have_docstrings(name: str) -> None:
    thing = getattr(edgerec, name)
    assert inspect.getdoc(thing)
    if inspect.isfunction(thing):
        sections = thing.__doc__ or ""
        assert "Parameters\n    ----------\n" in sections
        for argument in inspect.signature(thing).parameters:
            assert re.search(rf"^    {argument} : ", sections, re.MULTILINE), argument


def test_every_setting_has_a_docstring_under_it() -> None:
    tree = ast.parse((ROOT / "edgerec" / "config.py").read_text(encoding="utf-8"))
    settings = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    assert len(settings) >= 3
    for one in settings:
        for field, below in itertools.pairwise(one.body):
            if isinstance(field, ast.AnnAssign):
                assert isinstance(below, ast.Expr), f"{one.name}: line {field.lineno}"


def test_both_packages_have_one_version() -> None:
    assert edgerec.__version__ == device_runtime.__version__


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"base", "common", "helper", "helpers", "manager", "misc", "tools", "util", "utils"}
    assert [name_of(module) for module in MODULES if module.stem in empty] == []


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_modules_are_short_and_say_what_they_are_for(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300, "split it by what its parts are for"
    assert not text.strip() or ast.get_docstring(ast.parse(text))


def test_the_runtime_wheel_takes_its_modules_from_the_hook() -> None:
    """That it holds every one of them and nothing else, tests/test_wheels.py looks up in it."""
    project = tomllib.loads((ROOT / "device_runtime" / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["only-include"] == ["py.typed"]
    assert (ROOT / "device_runtime" / wheel["hooks"]["custom"]["path"]).is_file()


# Files


# Folders inside those of the project that a command fills and git ignores.
MADE_HERE = (("examples", "web", "model"), ("examples", "web", "vendor"))


def repository_files() -> Iterator[Path]:
    for entry in root_files():
        if entry.is_file() and entry.suffix in (".md", ".toml", ".json", ""):
            yield entry
    for folder in (
        *(".ci", "benchmarks", "device_runtime", "docs", "edgerec", "examples", "models", "tests"),
    ):
        for path in sorted((ROOT / folder).rglob("*")):
            made = path.suffix in (".pyc", ".db", ".npz")
            if path.is_file() and not made and path.relative_to(ROOT).parts[:3] not in MADE_HERE:
                yield path


def test_no_file_names_a_registry_or_a_place_on_one_machine() -> None:
    # Written so that this file does not match itself.
    registries = r"files\.python[h]osted|[/.]py[p]i\.org|index-ur[l]|npm[j]s\."
    places = r"(?<![\w.~*])/(?:home|work|root|Users)/"
    forbidden = re.compile(f"{registries}|{places}")
    found = [
        f"{name_of(path)}: {match[0]}"
        for path in repository_files()
        if (match := forbidden.search(path.read_bytes().decode("utf-8", "ignore")))
    ]
    assert found == []


def test_only_ci_looks_for_data_beside_the_clone() -> None:
    place = re.compile("shared[/]data")
    found = [
        name_of(path) for path in repository_files() if place.search(path.read_text("latin-1"))
    ]
    assert found == [".ci/run"]


def test_what_a_user_tries_out_in_the_root_is_not_linted(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in ("my_recsys.py", "mine/shop.py", "edgerec/ids.py", "tests/toy.py", "edgerec.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    ruff = Path(sys.executable).with_name("ruff")
    listing = subprocess.run(
        [ruff, "check", "--show-files"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    listed = {Path(line).relative_to(tmp_path).as_posix() for line in listing.stdout.splitlines()}
    assert listed == {"edgerec/ids.py", "tests/toy.py", "pyproject.toml"}


def test_models_are_small() -> None:
    demo = ROOT / "models" / "demo.onnx"
    assert demo.stat().st_size < 300_000
    assert json.loads(demo.with_suffix(".json").read_text("utf-8"))["graph"]["file"] == demo.name


# Documents


def command_lines(text: str) -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line.partition("  #")[0].strip() for line in lines if line.strip()]


def check_command(line: str) -> None:
    """Fail unless the command exists and takes these arguments."""
    words = shlex.split(line, comments=True)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    match words:
        case ["make", *targets]:
            rules = (ROOT / "Makefile").read_text(encoding="utf-8")
            for target in targets:
                assert "=" in target or re.search(rf"^{target}:", rules, re.MULTILINE), line
        case ["edgerec", *arguments]:
            if "--help" in arguments:
                assert arguments[0] in COMMANDS
            else:
                parser(arguments).parse_args(arguments)
        case ["python", "-m", module, *_]:
            assert importlib.util.find_spec(module), line
        case [program, command, *_] if program.endswith("edgerec-device"):
            assert command in ("doctor", "events") or command.endswith(".onnx"), line
        case ["pip", "install" | "wheel", *arguments]:
            for argument in arguments:
                if argument.startswith("."):
                    folder = ROOT / argument.partition("[")[0]
                    assert (folder / "pyproject.toml").is_file(), line
        case _:
            of_the_system = ("cd", "curl", "git", "node", "python3", "scp", "sudo")
            assert words[0] in of_the_system, f"is {line!r} a command?"


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_commands_of_documents_exist(document: Path) -> None:
    for line in command_lines(document.read_text(encoding="utf-8")):
        try:
            check_command(line)
        except SystemExit:
            pytest.fail(f"edgerec does not take: {line}")


def test_the_readme_names_every_command() -> None:
    assert set(re.findall(r"^\| `edgerec ([\w-]+)", README, re.MULTILINE)) == set(COMMANDS)
    assert {"make demo", "make test"} <= set(command_lines(README))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_of_documents_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (document.parent / target).exists(), target


def test_files_that_the_architecture_names_are_there() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w.]+/[\w/.]+\.(?:py|md|toml|json))`", text))
    assert len(named) > 40
    roots = (ROOT, ROOT / "edgerec", ROOT / "device_runtime")
    lost = {name for name in named if not any((root / name).exists() for root in roots)}
    assert not lost, lost


@pytest.mark.parametrize("command", COMMANDS)
def test_help_ends_with_examples_that_the_command_takes(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        parser([command]).parse_args([command, "--help"])
    assert stopped.value.code == 0
    _, found, examples = capsys.readouterr().out.partition("example:\n")
    assert found
    lines = examples.replace("\\\n", " ").splitlines()
    shown = [line for line in lines if re.match(rf"\s*edgerec {command}\b", line)]
    assert shown
    for line in shown:
        check_command(re.split(r" {3,}\(", line.strip())[0])


# The program of the README


def ask(port: int, question: dict[str, object]) -> dict[str, list[dict[str, object]]]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/recommend",
        json.dumps(question).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        answer: dict[str, list[dict[str, object]]] = json.load(response)
    return answer


def test_the_program_of_the_readme_trains_exports_and_answers(tmp_path: Path) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert '":8080"' in program
    port = free_port()
    write_generated_database(tmp_path / "movielens.db", make_interactions(60, 90, 1500))
    with (tmp_path / "log").open("w+") as log:
        server = subprocess.Popen(
            [sys.executable, "-c", program.replace(":8080", f":{port}")],
            cwd=tmp_path,
            stdout=log,
            stderr=log,
        )
        try:
            for _ in range(600):
                time.sleep(0.1)
                try:
                    answer = ask(port, {"userId": 8, "itemIdList": [1, 2, 39]})
                    break
                except urllib.error.URLError:
                    log.seek(0)
                    assert server.poll() is None, log.read()
            else:
                pytest.fail("the program did not answer within a minute")
        finally:
            server.send_signal(signal.SIGTERM)
            code = server.wait(30)
        assert code == 0
    assert [one["itemId"] for one in answer["itemScoreList"]] == [1, 2, 39]
    assert (tmp_path / "models" / "movielens.onnx").is_file()


def test_the_program_of_the_runtimes_readme_runs() -> None:
    text = (ROOT / "device_runtime" / "README.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=ROOT, check=True)


def test_similar_items_in_the_runtimes_readme_are_those_of_the_demo() -> None:
    text = (ROOT / "device_runtime" / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"similar/(\d+)\?k=10.*?\"itemId\": (\d+), \"score\": ([\d.]+)", text)
    assert shown is not None
    found = Scorer.from_path(ROOT / "models" / "demo.onnx").similar([int(shown[1])], k=10)
    assert found.ids[0] == int(shown[2])
    assert found.similarities[0] == pytest.approx(float(shown[3]), abs=0.0005)


# Import contracts

# (file, import to add, contract that must notice it)
VIOLATIONS = [
    ("device_runtime/scorer.py", "import sklearn", "device_runtime knows nothing of training"),
    ("device_runtime/tensors.py", "import edgerec.ids", "device_runtime knows nothing of training"),
    (
        "edgerec/features/history/user.py",
        "import edgerec.training.ranker",
        "edgerec: arrows go down only",
    ),
    ("edgerec/training/fit.py", "import onnxruntime", "onnxruntime only in export.parity"),
    ("edgerec/evaluate/table.py", "import device_runtime.scorer", "edgerec reaches device_runtime"),
    ("edgerec/unlisted.py", "import os", "edgerec: arrows go down only"),
]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Return a copy of the packages and their contracts, to break."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(package, tmp_path / package.name, ignore=ignored)
    return tmp_path


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_import_contracts_are_kept(house: Path) -> None:
    run = lint_imports(house)
    assert run.returncode == 0, run.stdout
    assert "0 broken" in run.stdout


@pytest.mark.parametrize(("file", "statement", "contract"), VIOLATIONS)
def test_import_contracts_notice_a_violation(
    house: Path, file: str, statement: str, contract: str
) -> None:
    path = house / file
    before = path.read_text(encoding="utf-8") if path.exists() else '"""A new room."""\n'
    path.write_text(f"{before}\n{statement}\n", encoding="utf-8")
    run = lint_imports(house)
    assert run.returncode == 1, run.stdout
    assert re.search(rf"^{re.escape(contract)}.* BROKEN$", run.stdout, re.MULTILINE), run.stdout
