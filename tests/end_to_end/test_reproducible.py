"""The same data and seed give the same bytes; an interrupted run that is resumed does too."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
import sys
import edgerec
from tests.trained import SETTINGS, Generated
strings = sys.argv[2] == "strings"
edgerec.train(Generated(strings), SETTINGS).export(sys.argv[1])
"""

SLOW = """
import sys, time
import edgerec
from edgerec.config import NetworkSettings
from edgerec.progress import Silent
from tests.trained import SETTINGS, Generated
import dataclasses

network = NetworkSettings(hidden_layer_sizes=(12,), max_epochs=5, patience=5)
settings = dataclasses.replace(SETTINGS, network=network)

class Tell(Silent):
    def message(self, text):
        print(text, flush=True)
        if "slow" in sys.argv:
            time.sleep(0.4)

model = edgerec.train(
    Generated(), settings, training_folder=sys.argv[2], resume="resume" in sys.argv, progress=Tell()
)
model.export(sys.argv[1])
"""
ROOT = Path(__file__).parents[2]


def command(script, *arguments):
    return [sys.executable, "-c", script, *map(str, arguments)]


def environment(hash_seed):
    return {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize("kind", ["integers", "strings"])
def test_two_processes_with_other_hash_seeds_write_the_same_bytes(tmp_path, kind):
    for hash_seed in ("1", "2"):
        path = tmp_path / hash_seed / "toy.onnx"
        subprocess.run(command(SCRIPT, path, kind), env=environment(hash_seed), check=True)
    assert (tmp_path / "1/toy.onnx").read_bytes() == (tmp_path / "2/toy.onnx").read_bytes()
    assert (tmp_path / "1/toy.json").read_bytes() == (tmp_path / "2/toy.json").read_bytes()


def test_a_run_that_was_interrupted_and_resumed_ends_in_the_same_bytes(tmp_path):
    whole, state = tmp_path / "whole.onnx", tmp_path / "state"
    subprocess.run(
        command(SLOW, whole, tmp_path / "other"), env=environment("0"), check=True, timeout=120
    )
    process = subprocess.Popen(
        command(SLOW, tmp_path / "partial.onnx", state, "slow"),
        env=environment("0"),
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("epoch 2"):
                # After the message comes the checkpoint; then the next epoch's sleep is hit.
                time.sleep(0.2)
                process.send_signal(signal.SIGINT)
            if line.startswith("interrupted"):
                assert "Train with resume (--resume) to go on" in line
    # What was best so far was kept and exported.
    assert process.returncode == 0
    assert (tmp_path / "partial.onnx").exists()
    resumed = tmp_path / "resumed" / "whole.onnx"
    done = subprocess.run(
        command(SLOW, resumed, state, "resume"),
        env=environment("0"),
        check=True,
        timeout=120,
        capture_output=True,
        text=True,
    )
    assert not done.stdout.startswith("epoch 1")
    assert resumed.read_bytes() == whole.read_bytes()
