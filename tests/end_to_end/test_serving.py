"""The seed's three lines: train, start_http_api, and an answer to a POST."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import edgerec
from edgerec.scoring import BundleError
from tests.trained import generated_model

ROOT = Path(__file__).parents[2]
SCRIPT = """
import edgerec
from tests.trained import SETTINGS, Generated
model = edgerec.train(Generated(), SETTINGS)
edgerec.start_http_api(model, "/api/v1/recommend", ":0", ready=lambda url: print(url, flush=True))
"""


@pytest.fixture(scope="module")
def url():
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        yield process.stdout.readline().strip()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        process.stdout.close()


def post(url, body):
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)["itemScoreList"]


def test_the_answer_is_the_rankers_in_request_order(url):
    assert url.startswith("http://127.0.0.1:")
    ranker = generated_model().ranker
    user, items = int(ranker.user_ids[0]), ranker.item_ids[:3].tolist()
    answer = post(url, {"userId": user, "itemIdList": items})
    expected = ranker.answer(edgerec.schema.Request(user_id=user, item_ids=items)).scores
    assert [one["itemId"] for one in answer] == items
    assert [one["score"] for one in answer] == pytest.approx(expected.tolist(), abs=1e-5)


def test_without_candidates_the_best_ten_of_the_catalogue(url):
    scores = [one["score"] for one in post(url, {"userId": 1})]
    assert len(scores) == 10
    assert scores == sorted(scores, reverse=True)


def test_history_and_exclude_reach_the_graph(url):
    items = generated_model().ranker.item_ids[:4].tolist()
    plain = post(url, {"userId": None, "itemIdList": items, "k": 4})
    moved = post(
        url,
        {"userId": None, "itemIdList": items, "k": 4, "history": [[items[0], 0.5], items[1]]},
    )
    assert {one["itemId"] for one in plain} == set(items)
    assert [one["score"] for one in plain] != [one["score"] for one in moved]
    left = post(url, {"userId": None, "itemIdList": items, "k": 4, "exclude": items[:3]})
    assert [one["itemId"] for one in left] == items[3:]


def test_an_unknown_item_is_scored_and_marked(url):
    (answer,) = post(url, {"userId": 1, "itemIdList": [-77]})
    assert answer["known"] is False
    assert 0 < answer["score"] < 1


def test_a_mistake_has_a_status_and_a_sentence(url):
    with pytest.raises(urllib.error.HTTPError) as refused:
        post(url, {"userID": 1})
    assert refused.value.code == 400
    assert "did you mean userId" in json.load(refused.value)["error"]
    refused.value.close()


def test_a_path_is_served_like_a_model(tmp_path):
    generated_model().export(tmp_path / "toy.onnx")
    with pytest.raises(ValueError, match="expected HOST:PORT"):
        edgerec.start_http_api(tmp_path / "toy.onnx", address="8080")


def test_a_path_of_any_kind_names_a_file(tmp_path):
    class Place:
        def __fspath__(self):
            return str(tmp_path / "none.onnx")

    with pytest.raises(BundleError, match=r"none\.onnx: no such file"):
        edgerec.start_http_api(Place())


def test_telemetry_is_off_before_onnxruntime_is_imported():
    script = (
        "import builtins, os, sys\n"
        "original = builtins.__import__\n"
        "def spy(name, *rest, **named):\n"
        "    if name.split('.')[0] == 'onnxruntime':\n"
        "        assert os.environ.get('ORT_DISABLE_TELEMETRY') == '1', name\n"
        "    return original(name, *rest, **named)\n"
        "builtins.__import__ = spy\n"
        "from edgerec import train\n"
        "assert 'onnxruntime' in sys.modules\n"
    )
    environment = {key: value for key, value in os.environ.items() if "TELEMETRY" not in key}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True, cwd=ROOT)
