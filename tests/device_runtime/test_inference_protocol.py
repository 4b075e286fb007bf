"""Open Inference Protocol v2: what KServe's client sends is answered, exactly, or refused."""

import json

import numpy as np
import pytest

from device_runtime.access import AccessSettings
from device_runtime.bundle import read_bundle
from device_runtime.errors import RequestError
from device_runtime.http.inference_protocol import answer_infer, model_metadata, parse_infer
from device_runtime.scorer import Scorer
from device_runtime.settings import ServerSettings
from tests.device_runtime.conftest import ITEM_IDS
from tests.device_runtime.test_app import JSON, talk

INFER = "/v2/models/tiny/infer"
PADDING = -(2**63)


@pytest.fixture(scope="module")
def scorer(bundle_path):
    return Scorer.from_path(bundle_path)


def tensor(name, datatype, data, shape=None):
    shape = [len(data)] if shape is None else shape
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


def infer(scorer, *inputs, settings=None, **more):
    asked = parse_infer({"inputs": [*inputs], **more}, scorer.bundle, settings or ServerSettings())
    answer = json.loads(json.dumps(answer_infer(asked, scorer), allow_nan=False))
    return {one["name"]: one["data"] for one in answer["outputs"]}


def test_what_kserve_sends_is_answered(scorer):
    # As its InferRequest.to_rest writes it, with the name of the model, and no content type.
    body = {
        "id": "42",
        "model_name": "tiny",
        "parameters": {"any": 1},
        "inputs": [
            tensor("user_id", "INT64", [108]),
            tensor("item_ids", "INT64", [[39, 2**53 + 1, 5]], [1, 3]) | {"parameters": {}},
        ],
        "outputs": [{"name": "known"}, {"name": "top_ids", "parameters": {}}],
    }

    (version,) = model_metadata(scorer.bundle)["versions"]

    async def conversation(client):
        answers = []
        gets = ("/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/tiny")
        for path in (*gets, "/v2/models/tiny/ready", "/v2/models/other", "/v2/models/..%2Fx/ready"):
            async with client.get(path) as response:
                answers.append((response.status, await response.json()))
        for headers in (JSON, {}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "none"}):
            async with client.post(
                INFER, data=json.dumps(body).encode(), headers=headers, skip_auto_headers=[*JSON]
            ) as response:
                answers.append((response.status, await response.json()))
        for which in (version, "1"):
            of_version = f"/v2/models/tiny/versions/{which}"
            async with client.get(of_version) as response:
                answers.append((response.status, await response.json()))
            async with client.post(f"{of_version}/infer", json=body) as response:
                answers.append((response.status, await response.json()))
        return answers

    server, live, ready, model, model_ready, other, climbing, *inferred = talk(scorer, conversation)
    assert server[1]["name"] == "edgerec-device-runtime" and server[1]["extensions"] == []
    assert (live, ready) == ((200, {"live": True}), (200, {"ready": True}))
    assert model == (200, model_metadata(scorer.bundle))
    assert model_ready == (200, {"name": "tiny", "ready": True})
    assert [other[0], climbing[0]] == [404, 404]
    assert other[1] == {"error": "model: 'other' is not served here; ask for 'tiny'"}
    *inferred, of_version, infer_of_version, other_version, infer_other = inferred
    assert of_version == model and infer_of_version == inferred[0]
    assert other_version[0] == infer_other[0] == 404
    assert other_version[1] == {
        "error": f"version: '1' of the model is not served here; ask for '{version}', or for none"
    }
    assert inferred[0] == inferred[1]
    assert [status for status, _ in inferred] == [200, 200, 400, 400]
    answer = inferred[0][1]
    assert (answer["id"], answer["model_name"]) == ("42", "tiny")
    assert answer["outputs"] == [
        {"name": "known", "datatype": "BOOL", "shape": [3], "data": [True, True, False]},
        {"name": "top_ids", "datatype": "INT64", "shape": [3], "data": [39, 2**53 + 1, 5]},
    ]


def test_the_metadata_are_of_the_graph(scorer, string_bundle_path):
    about = model_metadata(scorer.bundle)
    assert about["inputs"][0] == {"name": "user_id", "datatype": "INT64", "shape": [1]}
    assert [one["datatype"] for one in about["outputs"]] == [
        *("FP32", "BOOL", "INT64", "INT64", "FP32"),
    ]
    texts = model_metadata(read_bundle(string_bundle_path))
    assert texts["inputs"][1] == {"name": "item_ids", "datatype": "BYTES", "shape": [-1]}


def test_every_tensor_reaches_the_graph(scorer):
    inputs = [
        tensor("user_id", "INT64", [108]),
        tensor("item_ids", "INT64", [1, 2, 40]),
        tensor("history", "INT64", [39, 40, 2]),
        tensor("history_values", "FP32", [2, None, -1.5]),
        tensor("history_times", "INT64", [10, PADDING, 30]),
        tensor("now", "INT64", [20]),
        tensor("exclude", "INT64", [40]),
        tensor("k", "INT64", [1]),
    ]
    found = infer(scorer, *inputs)
    expected = scorer.run(
        user_id=108,
        item_ids=[1, 2, 40],
        history=[39, 40, 2],
        history_values=[2, np.nan, -1.5],
        history_times=[10, PADDING, 30],
        now=20,
        exclude=[40],
        k=1,
    )
    assert found == {name: getattr(expected, name).tolist() for name in expected._fields}
    assert infer(scorer, *inputs, outputs=[]) == found


@pytest.mark.parametrize("candidates", [[], [PADDING, PADDING]])
def test_no_candidates_are_the_catalogue(scorer, candidates):
    neutral = infer(scorer)
    assert len(neutral["scores"]) == len(ITEM_IDS)
    assert infer(scorer, tensor("item_ids", "INT64", candidates)) == neutral
    small = ServerSettings(max_candidates=3)
    with pytest.raises(RequestError, match="at most 3 items of the catalogue are") as refused:
        infer(scorer, settings=small)
    assert refused.value.status == 413
    k, best = tensor("k", "INT64", [2]), [{"name": "top_ids"}]
    assert infer(scorer, k, settings=small, outputs=best)["top_ids"] == neutral["top_ids"][:2]


def test_strings(string_bundle_path):
    scorer = Scorer.from_path(string_bundle_path)
    found = infer(
        scorer, tensor("item_ids", "BYTES", ["i39", "é", ""]), outputs=[{"name": "known"}]
    )
    assert found == {"known": [True, False]}
    with pytest.raises(RequestError, match="strings of Unicode text"):
        infer(scorer, tensor("item_ids", "BYTES", ["\ud800"]))


ITEMS = ("item_ids", "INT64")


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({}, "inputs: expected a list of at most 9 objects, got {}"),
        ([7], r"inputs[0]: expected an object, got 7"),
        ([tensor("items", "INT64", [1])], "inputs[0].name: expected one of user_id"),
        ([tensor(*ITEMS, [1])] * 2, "inputs[1].name: expected one of user_id"),
        ([tensor("item_ids", "INT32", [1])], "item_ids: datatype: expected INT64, got 'INT32'"),
        ([tensor(*ITEMS, [1], [2])], "item_ids: data: expected as many elements as its shape"),
        ([tensor(*ITEMS, [1] * 4, [2, 2])], "item_ids: shape: expected [n] or [1, n]"),
        ([tensor(*ITEMS, [1], [True])], "item_ids: shape: expected [n] or [1, n]"),
        ([tensor(*ITEMS, [1], [10**5])], "item_ids: expected at most 10000 elements"),
        ([tensor(*ITEMS, [2**63])], "item_ids: data[0]: expected an integer within 64 bits"),
        ([tensor(*ITEMS, ["1"])], "item_ids: data[0]: expected an integer within 64 bits"),
        ([tensor(*ITEMS, [True])], "item_ids: data[0]: expected an integer within 64 bits"),
        ([tensor(*ITEMS, [[[[[1]]]]])], "item_ids: data[0]: expected an integer within 64 bits"),
        ([tensor("history_values", "FP32", [1e39])], "history_values: data[0]: expected a finite"),
        ([tensor("user_id", "INT64", [])], "user_id: shape: expected [1], got [0]"),
        ([tensor("k", "INT64", [1, 2])], "k: shape: expected [1], got [2]"),
        ([tensor(*ITEMS, "abc")], "item_ids: data: expected a list in JSON"),
        ([tensor(*ITEMS, [1]) | {"raw": 1}], "item_ids: 'raw': unknown key; the keys are name"),
    ],
)
def test_what_is_refused(scorer, inputs, sentence):
    with pytest.raises(RequestError) as refused:
        parse_infer({"inputs": inputs}, scorer.bundle, ServerSettings())
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"id": 7}, "id: expected a string, got 7"),
        ({"outputs": 1}, "outputs: expected a list of at most 5 objects"),
        ({"outputs": [{"name": "score"}]}, "outputs[0].name: expected one of scores"),
        ({"input": []}, "'input': unknown key; did you mean inputs?"),
    ],
)
def test_what_else_is_refused(scorer, more, sentence):
    with pytest.raises(RequestError) as refused:
        parse_infer(more, scorer.bundle, ServerSettings())
    assert sentence in str(refused.value)


def test_health_needs_no_token_and_the_model_does(scorer):
    async def conversation(client):
        statuses = []
        for path in ("/v2/health/live", "/v2/health/ready", "/v2", "/v2/models/tiny"):
            async with client.get(path) as response:
                statuses.append(response.status)
        return statuses

    settings = ServerSettings(access=AccessSettings(token="correct-horse-battery"))
    assert talk(scorer, conversation, settings) == [200, 200, 401, 401]


def test_a_route_of_the_protocol_is_taken():
    with pytest.raises(ValueError, match="none of /livez"):
        ServerSettings(route="/v2/models/tiny/infer")
