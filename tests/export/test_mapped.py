import json
import subprocess
import sys
from hashlib import sha256

import numpy as np
import onnx
import pytest
from onnx import helper
from onnxruntime.tools.reduced_build_config_parser import parse_config

from device_runtime.bundle import read_bundle
from device_runtime.scorer import Scorer
from edgerec.config import ExportSettings
from edgerec.errors import OperatorError, ParityError
from edgerec.export import mapped as mapped_module
from edgerec.export.mapped import operators_in
from edgerec.graph import operators as operators_module
from edgerec.graph.operators import operators_of
from tests.trained import generated_model

FILES = ["toy.json", "toy.onnx", "toy.ort", "toy.required_operators.config"]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("mapped") / "toy.onnx"
    generated_model(strings=True).export(path, settings=ExportSettings(target="board"))
    return path


def test_both_forms_answer_the_golden_requests(exported):
    assert sorted(one.name for one in exported.parent.iterdir()) == FILES
    read, mapped = Scorer(read_bundle(exported)), Scorer(read_bundle(exported, mapped=True))
    assert mapped.bundle.graph_path.name == "toy.ort"
    for one in (read, mapped):
        one.run_golden()
    np.testing.assert_allclose(read.run().scores, mapped.run().scores, atol=1e-6)


def test_the_manifest_names_every_file(exported):
    manifest = json.loads(exported.with_suffix(".json").read_text("utf-8"))
    for key, name in (("mapped", "toy.ort"), ("required_operators", FILES[3])):
        content = exported.with_name(name).read_bytes()
        assert manifest[key] == {
            "file": name,
            "bytes": len(content),
            "sha256": sha256(content).hexdigest(),
        }


def test_the_same_graph_gives_the_same_ort_file_in_another_process(exported, tmp_path):
    program = (
        "import os, pathlib, sys; os.environ['ORT_DISABLE_TELEMETRY'] = '1';"
        "from edgerec.export.mapped import write_mapped;"
        "write_mapped(*map(pathlib.Path, sys.argv[1:]))"
    )
    written = tmp_path / "again.ort"
    subprocess.run([sys.executable, "-c", program, str(exported), str(written)], check=True)
    assert written.read_bytes() == exported.with_suffix(".ort").read_bytes()


def test_the_operators_are_those_of_both_forms_as_onnx_runtime_reads_them(exported):
    model = onnx.load(exported)
    found = {
        domain: names | operators_in(exported.with_suffix(".ort")).get(domain, frozenset())
        for domain, names in operators_of(model.graph.node).items()
    }
    read, _ = parse_config(str(exported.with_suffix(".required_operators.config")))
    assert read == {
        "ai.onnx": {17: set(found[""])},
        "ai.onnx.ml": {2: set(found["ai.onnx.ml"])},
    }


def test_who_gets_a_mapped_form():
    written = {
        target: ExportSettings(target=target).writes_mapped
        for target in ("server", "board", "phone", "web")
    }
    assert written == {"server": False, "board": True, "phone": True, "web": False}
    assert ExportSettings(mapped=True).writes_mapped
    assert not ExportSettings(target="board", mapped=False).writes_mapped


def test_the_graph_does_not_depend_on_the_mapped_form(exported, tmp_path):
    settings = ExportSettings(target="board", mapped=False)
    generated_model(strings=True).export(tmp_path / "toy.onnx", settings=settings)
    assert sorted(one.name for one in tmp_path.iterdir()) == FILES[:2]
    assert (tmp_path / "toy.onnx").read_bytes() == exported.read_bytes()


def test_an_operator_that_is_not_pinned_is_refused(tmp_path, monkeypatch):
    fewer = {"": operators_module.PINNED["phone"][""] - {"ScatterElements", "TopK"}}
    monkeypatch.setattr(operators_module, "PINNED", {"phone": fewer})
    with pytest.raises(OperatorError) as raised:
        generated_model(strings=True).export(
            tmp_path / "toy.onnx", settings=ExportSettings(target="phone")
        )
    sentence = "The graph would use the operators ScatterElements, TopK, ai.onnx.ml.LabelEncoder"
    assert sentence in str(raised.value)
    assert "pinned for the target 'phone'; no file was written" in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_operators_of_inner_graphs_count():
    inner = helper.make_graph([helper.make_node("Loop", ["a"], ["b"])], "inner", [], [])
    outer = helper.make_node("If", ["c"], ["d"], then_branch=inner, else_branch=inner)
    assert operators_of([outer]) == {"": {"If", "Loop"}}


def test_a_mapped_form_that_answers_otherwise_is_not_written(tmp_path, monkeypatch):
    def refuse(*_):
        raise ParityError("apart")

    monkeypatch.setattr(mapped_module, "check_parity", refuse)
    with pytest.raises(ParityError):
        generated_model(strings=True).export(
            tmp_path / "toy.onnx", settings=ExportSettings(mapped=True)
        )
    assert not list(tmp_path.iterdir())
