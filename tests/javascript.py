"""Node and Chromium for tests: where they are, or a sentence that says what is missing."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NoReturn

import pytest

__all__ = ["chromium", "node", "run_lines"]

ROOT = Path(__file__).parents[1]
_SECONDS = 240  # a machine with other work takes long to compile 14 MB of WebAssembly


def node() -> str:
    """Return the program of Node, with the packages of package.json beside it."""
    program = shutil.which("node")
    if program is None:
        _missing("there is no node: on Debian and Ubuntu, apt-get install nodejs npm")
    if not (ROOT / "node_modules" / ".installed").is_file():
        _missing("there are no node_modules: run `make javascript`")
    return program


def chromium() -> str:
    """Return the program of Chromium: EDGEREC_CHROMIUM, or the one on the path."""
    program = os.environ.get("EDGEREC_CHROMIUM") or shutil.which("chromium")
    if program is None:
        _missing("there is no chromium: on Debian and Ubuntu, apt-get install chromium")
    return program


def run_lines(*command: str | Path, code: int = 0) -> list[dict[str, Any]]:
    """Run a program that prints a JSON object on each line, and return the objects."""
    run = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, timeout=_SECONDS
    )
    assert run.returncode == code, run.stdout + run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def _missing(reason: str) -> NoReturn:
    if os.environ.get("EDGEREC_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
