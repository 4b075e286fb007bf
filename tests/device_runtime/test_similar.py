"""GET /api/v1/similar/{itemId}: a list in the form of the other answers, or a sentence."""

import asyncio
import json

import pytest
from aiohttp.test_utils import TestClient, TestServer

from device_runtime.app import create_app
from device_runtime.scorer import Scorer
from device_runtime.settings import ServerSettings
from tests.trained import generated_model


@pytest.fixture(scope="module", params=["integers", "strings"])
def scorer(request, tmp_path_factory):
    model = generated_model(strings=request.param == "strings")
    return Scorer.from_path(model.export(tmp_path_factory.mktemp("similar") / "toy.onnx").path)


def ask(scorer, path, settings=None):
    async def run():
        server = TestServer(create_app(scorer, settings), host="127.0.0.1")
        async with TestClient(server) as client, client.get(path) as response:
            return response.status, json.loads(await response.read())

    return asyncio.run(run())


def test_the_nearest_first_in_the_kind_of_the_file(scorer):
    item = scorer.run(k=1, outputs=("top_ids", "top_scores")).top_ids.tolist()[0]
    expected = scorer.similar([item], k=10)
    status, answer = ask(scorer, f"/api/v1/similar/{item}")
    assert status == 200
    assert [one["itemId"] for one in answer["itemScoreList"]] == expected.ids.tolist()
    scores = [one["score"] for one in answer["itemScoreList"]]
    assert scores == pytest.approx(expected.similarities.tolist(), abs=1e-7)
    # Beside the event loop, where a catalogue is large.
    settings = ServerSettings(inline_candidates=1)
    assert ask(scorer, f"/api/v1/similar/{item}?k=3", settings)[1] == {
        "itemScoreList": answer["itemScoreList"][:3]
    }


def test_a_number_beyond_the_catalogue_lists_all_of_it(scorer):
    """As the best of a catalogue do; what is bounded is what an answer holds."""
    n_items = scorer.bundle.n_items
    item = scorer.run(k=1, outputs=("top_ids",)).top_ids.tolist()[0]
    settings = ServerSettings(max_candidates=n_items)
    status, answer = ask(scorer, f"/api/v1/similar/{item}?k=99999999", settings)
    assert status == 200
    expected = scorer.similar([item], k=n_items).ids.tolist()
    assert [one["itemId"] for one in answer["itemScoreList"]] == expected


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("987654321", 404, "so nothing is known to be similar; ask for another"),
        ("1?k=0", 400, "k: expected an integer of 1 or more, got '0'"),
        ("1?k=2&k=3", 400, "k: expected an integer of 1 or more, got '2, 3'"),
        ("1?k=\u0663", 400, "k: expected an integer of 1 or more"),
        ("1?k=99999999", 413, "k: at most 10 items are returned"),
        ("1?n=3", 400, "'n': expected nothing but k after the question mark; leave it out"),
    ],
)
def test_what_cannot_be_answered_is_a_sentence(scorer, path, status, sentence):
    settings = ServerSettings(max_candidates=10)
    came, answer = ask(scorer, f"/api/v1/similar/{path}", settings)
    assert (came, sentence in answer["error"]) == (status, True), answer


def test_an_older_file_says_so(bundle_path):
    status, answer = ask(Scorer.from_path(bundle_path), "/api/v1/similar/1")
    assert status == 404
    assert "was exported before files could say what is similar; export it again" in answer["error"]


def test_an_id_of_another_kind(bundle_path):
    status, answer = ask(Scorer.from_path(bundle_path), "/api/v1/similar/one")
    assert status == 400
    assert answer["error"] == (
        "itemId: expected an id (an integer within 64 bits, or a string of its digits), got 'one'; "
        "send an item's id"
    )
