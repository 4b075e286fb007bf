"""What a session leaves of the device's memory."""

import sys
from pathlib import Path

import onnxruntime
import pytest

from device_runtime.scorer import Scorer


def resident_code():
    """Return how many KiB of ONNX Runtime's code are in memory."""
    total, inside = 0, False
    for line in Path("/proc/self/smaps").read_text("utf-8").splitlines():
        name, *words = line.split(maxsplit=5)
        if not name.endswith(":"):
            inside = words[0] == "r-xp" and "/onnxruntime/" in words[-1]
        elif inside and name == "Rss:":
            total += int(words[0])
    return total


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says and takes it")
def test_code_is_let_go_of_in_an_environment_reached_by_a_link(bundle_path, tmp_path, monkeypatch):
    scorer = Scorer.from_path(bundle_path)
    opened = resident_code()
    link = tmp_path / "environment"
    link.symlink_to(Path(onnxruntime.__file__).parent)
    monkeypatch.setattr(onnxruntime, "__file__", str(link / "__init__.py"))
    scorer.run_golden()
    assert resident_code() < opened / 2
