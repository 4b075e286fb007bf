"""Damaged files of a bundle are refused with a sentence before ONNX Runtime sees any of them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import device_runtime.session
from device_runtime import BundleError
from device_runtime.scorer import Scorer
from edgerec.config import ExportSettings
from tests.trained import generated_model

SUFFIXES = (".onnx", ".json", ".ort")
N_FLIPS = 60


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "toy.onnx"
    generated_model().export(path, settings=ExportSettings(mapped=True))
    Scorer.from_path(path).run_golden()
    return path


@pytest.fixture
def bundle(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that the runtime reads and never comes to open."""

    def opened(*_: object, **__: object) -> None:
        raise AssertionError("ONNX Runtime was given a file that is damaged")

    monkeypatch.setattr(device_runtime.session.onnxruntime, "InferenceSession", opened)
    for suffix in SUFFIXES:
        shutil.copy(whole.with_suffix(suffix), tmp_path)
    return tmp_path / whole.name


def refused(bundle: Path, suffix: str) -> str:
    """Return the sentence. An .ort file is taken where it stands, and the .onnx file where not."""
    if suffix == ".onnx":
        bundle.with_suffix(".ort").unlink(missing_ok=True)
    with pytest.raises(BundleError) as raised:
        Scorer.from_path(bundle)
    sentence = str(raised.value)
    assert sentence.startswith(str(bundle.with_suffix(suffix)))
    assert "again" in sentence or "use" in sentence
    return sentence


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_truncated(bundle: Path, suffix: str) -> None:
    path = bundle.with_suffix(suffix)
    content = path.read_bytes()
    # Of a manifest, the last byte is the end of a line.
    for length in (0, 1, len(content) // 2, len(content) - 2):
        path.write_bytes(content[:length])
        assert "expected" in refused(bundle, suffix)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_oversized(bundle: Path, suffix: str) -> None:
    path = bundle.with_suffix(suffix)
    for more in (b"x", bytes(17 * 2**20)):
        with path.open("ab") as file:
            file.write(more)
        assert "expected" in refused(bundle, suffix)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_one_bit_flipped(bundle: Path, suffix: str) -> None:
    path = bundle.with_suffix(suffix)
    content = path.read_bytes()
    random = np.random.default_rng(0)
    # The key of the checksum is left out: without it a manifest is read, and is what it was.
    end = content.rindex(b'"checksum"') if suffix == ".json" else len(content)
    for place in random.integers(0, end, N_FLIPS).tolist():
        flipped = bytearray(content)
        flipped[place] ^= 1 << int(random.integers(8))
        path.write_bytes(flipped)
        assert "expected" in refused(bundle, suffix)


def test_another_version(bundle: Path) -> None:
    path = bundle.with_suffix(".json")
    manifest = json.loads(path.read_text("utf-8"))
    del manifest["checksum"]
    path.write_text(json.dumps({**manifest, "format_version": 2}), "utf-8")
    assert "reads format version 1, the bundle has version 2" in refused(bundle, ".json")


def test_files_of_another_export(bundle: Path, whole: Path) -> None:
    for suffix in (".ort", ".onnx"):
        other = bytearray(whole.with_suffix(suffix).read_bytes())
        other[len(other) // 2 :] = bytes(len(other) - len(other) // 2)
        bundle.with_suffix(suffix).write_bytes(other)
        assert "expected SHA-256" in refused(bundle, suffix)
