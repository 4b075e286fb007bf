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
    """Run a program that prints a JSON object on each line, and return the objects.

    The program has deadlines of its own that say which step was late; the one here is the last
    resort. SIGTERM lets it end its browser, and what it said until then is in the failure.
    """
    with subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            printed, said = process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            process.terminate()
            try:
                printed, said = process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                printed, said = process.communicate()
            pytest.fail(f"{command[1]} ran for more than {_SECONDS} seconds:\n{printed}{said}")
    assert process.returncode == code, printed + said
    return [json.loads(line) for line in printed.splitlines()]


def _missing(reason: str) -> NoReturn:
    if os.environ.get("EDGEREC_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
