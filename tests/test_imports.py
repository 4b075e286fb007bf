"""What is imported when: nobody waits for libraries that his command does not use."""

import importlib
import json
import subprocess
import sys

import pytest

import edgerec
from edgerec.cli import main

TRAINING = {"gensim", "onnx", "scipy", "skl2onnx", "sklearn"}
SHOWN = (
    "import json, sys; print(json.dumps(sorted({one.partition('.')[0] for one in sys.modules})))"
)


def imported_by(program: str) -> set[str]:
    """Return the top-level modules of a process that ran this."""
    run = subprocess.run(
        [sys.executable, "-c", f"{program}; {SHOWN}"], check=True, capture_output=True, text=True
    )
    return set(json.loads(run.stdout))


@pytest.mark.parametrize("command", ["serve", "verify", "split", "publish"])
def test_a_command_that_trains_nothing_waits_for_no_library_of_training(command: str) -> None:
    assert not TRAINING & imported_by(f"from edgerec.cli import parser; parser(['{command}'])")


def test_help_waits_for_no_library() -> None:
    found = imported_by("from edgerec.cli import parser; parser(['--help'])")
    assert not {*TRAINING, "numpy", "onnxruntime", "sqlalchemy", "rich"} & found


def test_to_declare_a_recsys_takes_no_library() -> None:
    found = imported_by("from edgerec import Interaction, RecSys, Sample, TrainSettings")
    assert not {*TRAINING, "numpy", "onnxruntime", "sqlalchemy"} & found


def test_names_are_listed_and_others_are_an_error() -> None:
    assert set(edgerec.__all__) <= set(dir(edgerec))
    with pytest.raises(AttributeError, match="module 'edgerec' has no attribute 'trian'"):
        edgerec.trian  # noqa: B018


def test_train_is_the_function_whatever_was_imported_before() -> None:
    importlib.import_module("edgerec.training.fit")
    assert callable(edgerec.train)


def test_ctrl_c_while_a_command_is_imported_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(importlib, "import_module", interrupted)
    assert main(["serve", "model.onnx"]) == 130
    assert capsys.readouterr().err == "error: interrupted\n"
