import hashlib
import json

import numpy as np
import onnx
import pytest

from device_runtime.scorer import Scorer
from edgerec.errors import ConfigurationError, ParityError
from edgerec.export import bundle as bundle_module
from edgerec.export import parity as parity_module
from edgerec.export.answer_difference import difference
from edgerec.export.bundle import add_metrics, graph_bytes
from edgerec.export.parity import parity_requests
from edgerec.files import replace_file
from edgerec.progress import Silent
from edgerec.schema import Answer
from tests.trained import generated_model, viewed_model

MODELS = {
    "integers": generated_model,
    "strings": lambda: generated_model(strings=True),
    "implicit": viewed_model,
}


@pytest.mark.parametrize("kind", MODELS)
def test_the_runtime_accepts_what_export_writes(kind, tmp_path):
    exported = MODELS[kind]().export(tmp_path / "toy.onnx")
    assert exported.parity.n_requests >= 200
    assert exported.parity.max_abs_difference <= 1e-5
    scorer = Scorer.from_path(exported.path)
    scorer.run_golden()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["toy.json", "toy.onnx"]


def test_the_checker_sees_the_whole_graph_but_the_known_histories(monkeypatch):
    seen = []
    monkeypatch.setattr("edgerec.export.bundle._MOST_CHECKED", 0)
    monkeypatch.setattr(onnx.checker, "check_model", lambda model, full_check: seen.append(model))
    ranker = generated_model().ranker
    written = onnx.load_from_string(graph_bytes(ranker, {}))
    (checked,) = seen
    assert [one.SerializeToString() for one in checked.graph.node] == [
        one.SerializeToString() for one in written.graph.node
    ]
    assert len(ranker.known.rows)
    shapes = {one.name: list(one.dims) for one in written.graph.initializer}
    for name in ("known_rows", "known_values", "known_ages"):
        assert shapes[name] == [len(ranker.known.rows) + 1]
        shapes[name] = [2]
    assert {one.name: list(one.dims) for one in checked.graph.initializer} == shapes


def test_the_manifest_says_what_the_file_is(tmp_path):
    exported = generated_model().export(tmp_path / "toy.onnx")
    manifest = json.loads((tmp_path / "toy.json").read_text("utf-8"))
    data = exported.path.read_bytes()
    assert manifest["graph"]["bytes"] == len(data) == exported.n_bytes
    assert manifest["graph"]["sha256"] == hashlib.sha256(data).hexdigest()
    assert manifest["label"] == {"above": 3.5}
    assert [one["name"] for one in manifest["inputs"]] == [
        "user_id",
        "item_ids",
        "history",
        "history_values",
        "history_times",
        "now",
        "exclude",
        "context",
        "k",
    ]
    neutral = {one["name"]: one["neutral"] for one in manifest["inputs"]}
    assert neutral["history"] == ["-9223372036854775808"]
    assert neutral["history_values"] == [None]
    assert neutral["item_ids"] == []
    assert len(manifest["golden"]) >= 8
    assert manifest["event_values"]["liked"] > 3.5 > manifest["event_values"]["skipped"]


def test_python_reads_the_stable_part_from_the_graph(tmp_path):
    exported = generated_model().export(tmp_path / "toy.onnx")
    model = onnx.load(exported.path)
    stable = json.loads({one.key: one.value for one in model.metadata_props}["edgerec.manifest"])
    manifest = json.loads((tmp_path / "toy.json").read_text("utf-8"))
    assert stable == {key: manifest[key] for key in stable}
    assert not {"graph", "parity", "metrics", "golden"} & set(stable)


def test_implicit_feedback_has_a_rule_too(tmp_path):
    viewed_model().export(tmp_path / "toy.onnx")
    manifest = json.loads((tmp_path / "toy.json").read_text("utf-8"))
    assert manifest["label"] == {"above": 0.0}
    assert manifest["event_values"] == {
        "viewed": None,
        "liked": 1.0,
        "bought": 1.0,
        "skipped": None,
    }


def test_a_graph_that_answers_otherwise_is_never_written(tmp_path, monkeypatch):
    original = bundle_module.to_graph

    def slightly_wrong(ranker, version, settings):
        model = original(ranker, version, settings)
        for tensor in model.graph.initializer:
            if tensor.name == "item_numbers":
                wrong = onnx.numpy_helper.to_array(tensor) + np.float32(0.05)
                tensor.CopyFrom(onnx.numpy_helper.from_array(wrong, tensor.name))
        return model

    monkeypatch.setattr(bundle_module, "to_graph", slightly_wrong)
    with pytest.raises(ParityError, match=r"answers the request 'known user' .* apart .* no file"):
        generated_model().export(tmp_path / "toy.onnx")
    assert list(tmp_path.iterdir()) == []


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"must end in \.onnx\. Write for example"):
        generated_model().export(tmp_path / "toy.bin")


def test_parity_asks_what_is_adversarial_and_what_is_usual():
    requests = parity_requests(generated_model().ranker)
    names = {request.name for request in requests}
    assert len(requests) >= 200
    assert {
        "unknown user",
        "unknown items",
        "no user",
        "full history",
        "one candidate",
        "catalogue",
        "infinite values",
        "padding only",
    } <= names


def answer(scores, positions=(1, 0)):
    scores = np.array(scores, np.float32)
    positions = np.array(positions)
    return Answer(scores, np.array([True, True]), positions, positions + 10, scores[positions])


def test_near_ties_may_swap_but_nothing_else():
    assert difference(answer([0.2, 0.2000001]), answer([0.2000001, 0.2], (0, 1))) < 1e-5
    assert difference(answer([0.2, 0.7]), answer([0.2, 0.7], (0, 1))) > 0.1
    assert difference(answer([0.2, 0.7]), answer([0.2, float("nan")])) == float("inf")
    assert difference(answer([0.2, 0.7]), answer([0.2, 0.7], (1, 1))) == float("inf")


def test_metrics_are_added_once_per_protocol(tmp_path):
    generated_model().export(tmp_path / "toy.onnx")
    for auc in (0.7, 0.8):
        add_metrics(tmp_path / "toy.onnx", {"protocol": "test rows", "auc": auc})
    manifest = json.loads((tmp_path / "toy.json").read_text("utf-8"))
    assert manifest["metrics"] == [{"protocol": "test rows", "auc": 0.8}]
    Scorer.from_path(tmp_path / "toy.onnx").run_golden()


def test_a_failed_write_leaves_no_half_file(tmp_path, monkeypatch):
    def fail(_temporary):
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk is full"):
        replace_file(tmp_path / "toy.onnx", fail)
    assert list(tmp_path.iterdir()) == []


def test_telemetry_is_off_before_onnxruntime_is_imported():
    assert parity_module.os.environ["ORT_DISABLE_TELEMETRY"] == "1"
    assert Silent().stage("nothing") is None
