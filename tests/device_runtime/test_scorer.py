"""The scorer answers what the fixture's arithmetic says, fills in neutral values, and checks."""

import hashlib
import json
import math
import os
import re
import subprocess
import sys

import numpy as np
import onnx
import pytest

from device_runtime import BundleError, RequestError
from device_runtime.scorer import Scorer


def sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


@pytest.fixture(scope="module")
def scorer(bundle_path):
    return Scorer.from_path(bundle_path)


@pytest.fixture(scope="module")
def string_scorer(string_bundle_path):
    return Scorer.from_path(string_bundle_path)


def test_candidates(scorer):
    answer = scorer.run(user_id=108, item_ids=[1, 2, 39, 5000])
    expected = [sigmoid(bias + 0.25) for bias in (1.0, -1.0, 2.0, 0.0)]
    np.testing.assert_allclose(answer.scores, expected, atol=1e-6)
    assert answer.known.tolist() == [True, True, True, False]
    assert answer.top_positions.tolist() == [2, 0, 3, 1]
    assert answer.top_ids.tolist() == [39, 1, 5000, 2]
    assert answer.top_scores.tolist() == sorted(answer.scores.tolist(), reverse=True)


def test_string_ids(string_scorer):
    answer = string_scorer.run(user_id="i108", item_ids=["i1", "é", "i39"], exclude=["é"], k=5)
    assert answer.known.tolist() == [True, False, True]
    assert answer.top_ids.tolist() == ["i39", "i1"]
    array = string_scorer.run(user_id="i108", item_ids=np.array(["i1", "é", "i39"]))
    np.testing.assert_array_equal(array.scores, answer.scores)


def test_catalogue(scorer):
    answer = scorer.run(k=2, exclude=[39])
    assert len(answer.scores) == 6
    assert answer.top_ids.tolist() == [1, 3]
    assert len(scorer.run(k=10**30).top_ids) == 6
    assert len(scorer.run(k=-1).top_ids) == 6


def test_history_values_and_times(scorer):
    def first(**request):
        return float(scorer.run(item_ids=[5000], **request).scores[0])

    assert first(history=[1]) == pytest.approx(sigmoid(0.1))
    assert first(history=[1, 39], history_values=[3]) == pytest.approx(sigmoid(0.5))
    assert first(history=[1], history_values=[None, 7]) == pytest.approx(sigmoid(0.1))
    timed = {"history": [1, 39], "history_times": [10, 20]}
    assert first(**timed, now=20) == pytest.approx(sigmoid(0.1))
    assert first(**timed) == pytest.approx(sigmoid(0.3))


def test_an_explicit_empty_list_is_no_catalogue(scorer):
    assert [len(each) for each in scorer.run(item_ids=[])] == [0, 0, 0, 0, 0]


def test_some_outputs(scorer):
    answer = scorer.run(item_ids=[1, 2], outputs=("top_ids", "scores"))
    assert answer.top_ids.tolist() == [1, 2]
    assert len(answer.scores) == 2
    assert len(answer.known) == len(answer.top_scores) == 0


@pytest.mark.parametrize("dtype", [np.int32, np.uint64, np.int64])
def test_integers_of_other_widths(scorer, dtype):
    answer = scorer.run(item_ids=np.array([1, 2], dtype=dtype))
    assert answer.known.all()


@pytest.mark.parametrize(
    "request_",
    [
        {"user_id": 2**63},
        {"user_id": "7"},
        {"user_id": 7.5},
        {"item_ids": [1.5]},
        {"item_ids": [2**70]},
        {"item_ids": [2**63]},
        {"item_ids": [True]},
        {"item_ids": ["1"]},
        {"item_ids": [[1]]},
        {"item_ids": [[1], [1, 2]]},
        {"item_ids": 1},
        {"history": ["a"]},
        {"exclude": [None]},
        {"history_times": [0.5]},
        {"now": 2**64},
        {"history_values": [math.inf]},
        {"history_values": [1e300]},
        {"history_values": ["x"]},
        {"history_values": 3.0},
    ],
)
def test_what_is_refused(scorer, request_):
    with pytest.raises(RequestError, match="expected a list of") as caught:
        scorer.run(**request_)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("request_", "advice"),
    [
        ({"history": ["a"]}, "send the ids as they are in the training data"),
        ({"history_times": [0.5]}, "send whole Unix seconds, one for each item of the history"),
        ({"now": 1.5}, "send whole Unix seconds"),
    ],
)
def test_what_is_refused_says_what_to_send(scorer, request_, advice):
    with pytest.raises(RequestError) as caught:
        scorer.run(**request_)
    assert str(caught.value).endswith(advice)


@pytest.mark.parametrize("ids", [[1], ["\ud800"], [None], [b"a"], [["a"]], "a"])
def test_what_is_no_string_id(string_scorer, ids):
    with pytest.raises(RequestError, match="item_ids: expected a list of strings"):
        string_scorer.run(item_ids=ids)


def test_unknown_output(scorer):
    with pytest.raises(ValueError, match="outputs: expected some of scores"):
        scorer.run(outputs=["score"])


def test_nan_never_goes_out(scorer):
    with pytest.raises(RequestError, match="history values: no finite score"):
        # Biases 1 and -1: infinity minus infinity.
        scorer.run(history=[39, 39, 40, 40], history_values=[3e38, 3e38, 3e38, 3e38])


def test_golden_requests_agree(scorer, string_scorer):
    scorer.run_golden()
    string_scorer.run_golden()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda g: g[2]["outputs"]["scores"].__setitem__(1, 0.5), r"'candidates': scores\[1\]"),
        (lambda g: g[3]["outputs"]["known"].__setitem__(0, True), r"'unknown item': known\[0\]"),
        (lambda g: g[0]["outputs"]["scores"].pop(), "'neutral': scores: expected length 5, got 6"),
        (lambda g: g[7]["outputs"]["top_scores"].__setitem__(0, None), r"top_scores\[0\]"),
        (lambda g: g[2]["outputs"]["top_positions"].reverse(), None),
        (lambda g: g[0]["outputs"]["top_ids"].reverse(), r"top_ids\[0\]"),
        (lambda g: g[0]["inputs"]["k"].__setitem__(0, 1), "cannot be read"),
        (lambda g: g[0]["inputs"]["k"].__setitem__(0, "x"), "cannot be read"),
        (lambda g: g[0]["inputs"]["now"].clear(), "fails|expected"),
    ],
)
def test_golden_requests_that_disagree(edit_manifest, change, sentence):
    scorer = Scorer.from_path(edit_manifest(lambda manifest: change(manifest["golden"])))
    if sentence is None:  # Compared through their scores, which the graph's own positions keep.
        scorer.run_golden()
        return
    with pytest.raises(BundleError, match="golden request") as caught:
        scorer.run_golden()
    assert re.search(sentence, str(caught.value))


def rewrite(path, content: bytes) -> None:
    path.write_bytes(content)
    manifest = json.loads(path.with_suffix(".json").read_text())
    manifest["graph"].update(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    path.with_suffix(".json").write_text(json.dumps(manifest))


def test_what_onnx_runtime_cannot_load(own_bundle):
    rewrite(own_bundle, b"no graph")
    with pytest.raises(BundleError, match="cannot load the graph"):
        Scorer.from_path(own_bundle)


def test_a_graph_with_other_inputs(own_bundle):
    model = onnx.load(own_bundle)
    model.graph.input[8].name = "n"
    for node in model.graph.node:
        node.input[:] = ["n" if each == "k" else each for each in node.input]
    rewrite(own_bundle, model.SerializeToString())
    with pytest.raises(BundleError, match=r"inputs of the graph: .* difference in k, n; export"):
        Scorer.from_path(own_bundle)


TELEMETRY = """
import os, sys
seen = []
class Hook:
    def find_spec(self, name, path=None, target=None):
        if name == "onnxruntime":
            seen.append(os.environ.get("ORT_DISABLE_TELEMETRY"))
sys.meta_path.insert(0, Hook())
import device_runtime
assert not seen, "import device_runtime imports onnxruntime"
heavy = {"edgerec", "sklearn", "gensim", "sqlalchemy", "scipy", "onnx", "skl2onnx", "aiohttp"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
import device_runtime.scorer, device_runtime.app
assert seen and seen[0] == "1", seen
heavy -= {"aiohttp"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""


def test_telemetry_is_off_before_onnx_runtime_is_imported():
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    subprocess.run([sys.executable, "-c", TELEMETRY], check=True, env=environment)
