"""Bodies in, answers out, without HTTP. Every refusal names the field and what to send."""

import dataclasses
import json

import pytest

from device_runtime import RequestError, read_bundle
from device_runtime.http.answers import answer_request
from device_runtime.http.requests import parse_request
from device_runtime.scorer import Scorer
from device_runtime.settings import ServerSettings

SETTINGS = ServerSettings(max_candidates=6, max_history=4, max_exclude=3)


@pytest.fixture(scope="module")
def scorer(bundle_path):
    return Scorer.from_path(bundle_path)


@pytest.fixture(scope="module")
def string_scorer(string_bundle_path):
    return Scorer.from_path(string_bundle_path)


def ask(scorer: Scorer, body: object) -> list[dict[str, object]]:
    request = parse_request(json.dumps(body).encode(), scorer.bundle, SETTINGS)
    answer = json.loads(answer_request(request, scorer))
    assert list(answer) == ["itemScoreList"]
    return answer["itemScoreList"]


def ids(scorer: Scorer, body: object) -> list[object]:
    return [each["itemId"] for each in ask(scorer, body)]


def test_request_order_and_scores_that_are_the_scorer_s(scorer):
    answer = ask(scorer, {"userId": 108, "itemIdList": [2, 1, 39]})
    expected = scorer.run(user_id=108, item_ids=[2, 1, 39]).scores
    assert [each["itemId"] for each in answer] == [2, 1, 39]
    # Nine digits give back the float32 exactly.
    assert [float(expected.dtype.type(each["score"])) for each in answer] == expected.tolist()
    assert all(set(each) == {"itemId", "score"} for each in answer)


def test_unknown_items_are_marked(scorer):
    known = [each.get("known") for each in ask(scorer, {"userId": 1, "itemIdList": [1, 77]})]
    assert known == [None, False]
    best = ask(scorer, {"userId": 1, "itemIdList": [2, 77], "k": 2})
    assert [(each["itemId"], each.get("known")) for each in best] == [(77, False), (2, None)]


def test_best_k(scorer):
    assert ids(scorer, {"userId": 108, "itemIdList": [2, 1, 39], "k": 2}) == [39, 1]
    assert ids(scorer, {"userId": 108, "itemIdList": [2, 1], "k": 10**40}) == [1, 2]


def test_duplicates_are_scored_twice(scorer):
    assert ids(scorer, {"userId": 1, "itemIdList": [1, 1, 2]}) == [1, 1, 2]


def test_exclude(scorer):
    body = {"userId": 1, "itemIdList": [1, 77, 2], "exclude": ["77", 3]}
    assert ids(scorer, body) == [1, 2]
    assert ids(scorer, {**body, "k": 3}) == [1, 2]
    assert ids(scorer, {"userId": 1, "exclude": [39], "k": 2}) == [1, 3]
    assert ids(scorer, {"userId": 1, "itemIdList": [1], "exclude": [1]}) == []
    assert ids(scorer, {"userId": 1, "itemIdList": [1], "exclude": [1], "k": 1}) == []


def test_catalogue(scorer):
    # Ties (3 and 2**53 + 1 have the same bias) by the lower position.
    assert ids(scorer, {"userId": None}) == [39, 1, 3, 2**53 + 1, 2, 40]
    assert ids(scorer, {"userId": 5, "k": 1}) == [39]
    assert ids(scorer, {"userId": "5", "k": 1}) == ["39"]
    assert ids(scorer, {"userId": 5, "k": 10**40}) == [39, 1, 3, 2**53 + 1, 2, 40]


def test_default_k_is_ten(scorer):
    request = parse_request(b'{"userId": 1}', read_bundle(scorer.bundle.onnx_path), SETTINGS)
    assert request.k == 6  # The catalogue has no more.
    large = dataclasses.replace(scorer.bundle, n_items=100)
    assert parse_request(b'{"userId": 1}', large, ServerSettings()).k == 10


def test_an_explicit_empty_list(scorer):
    assert ask(scorer, {"userId": 1, "itemIdList": []}) == []
    assert ask(scorer, {"userId": 1, "itemIdList": [], "k": 3}) == []


def test_each_item_is_answered_in_the_form_it_was_asked(scorer, string_scorer):
    body = {"userId": 108, "itemIdList": ["1", 2, str(2**53 + 1), "039"]}
    assert ids(scorer, body) == ["1", 2, str(2**53 + 1), "039"]
    assert ids(scorer, {**body, "k": 1}) == ["039"]
    assert ids(string_scorer, {"userId": 5, "itemIdList": ["i1", 7]}) == ["i1", 7]
    assert ids(string_scorer, {"userId": 5, "k": 1}) == ["i39"]


def test_strings_are_escaped(string_scorer):
    names = ['"', "\\", "\n", "é", "%s", "</script>"]
    assert ids(string_scorer, {"userId": "%d", "itemIdList": names[:5]}) == names[:5]


def test_history(scorer):
    def score(history):
        body = {"userId": None, "itemIdList": [77], "history": history}
        return ask(scorer, body)[0]["score"]

    assert score([[1, 1]]) == score([1]) == score([["1", None]]) != score([])
    assert score([2, [39, 3.5]]) == score([[2, 1], ["39", 3.5]])
    assert score([[1, 3]]) > score([[1, 2]])


def refused(scorer, body: object, status: int = 400) -> str:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(RequestError) as caught:
        parse_request(content, scorer.bundle, SETTINGS)
    assert caught.value.status == status
    return str(caught.value)


ID = "expected an id (an integer within 64 bits, or a string of its digits), got"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "userId: it is missing; send the id of the user, null for an unknown one"),
        ({"userId": True}, f"userId: {ID} True; send null for an unknown user"),
        ({"userId": 1.0}, f"userId: {ID} 1.0"),
        ({"userId": "x"}, f"userId: {ID} 'x'"),
        ({"userId": ""}, f"userId: {ID} ''"),
        ({"userId": "1_0"}, f"userId: {ID} '1_0'"),
        ({"userId": " 1"}, f"userId: {ID} ' 1'"),
        ({"userId": "١"}, f"userId: {ID} '١'"),
        ({"userId": [1]}, f"userId: {ID} a list of length 1"),
        ({"userId": 2**63}, f"userId: {ID} 9223372036854775808"),
        ({"userId": 10**400}, f"userId: {ID} an integer of more than 256 bits"),
        ({"userId": -(2**63)}, "the padding id; send null for an unknown user"),
        ({"userId": str(-(2**63))}, "the padding id; send null for an unknown user"),
        ({"userId": 1, "itemIdList": [1, None]}, f"itemIdList[1]: {ID} None; leave it out"),
        ({"userId": 1, "itemIdList": [1, False]}, f"itemIdList[1]: {ID} False"),
        ({"userId": 1, "itemIdList": [[1]]}, f"itemIdList[0]: {ID} a list of length 1"),
        ({"userId": 1, "itemIdList": [-(2**63)]}, "got -9223372036854775808, the padding id"),
        ({"userId": 1, "itemIdList": None}, "itemIdList: expected a list, got None"),
        ({"userId": 1, "itemIdList": "12"}, "itemIdList: expected a list, got '12'"),
        ({"userId": 1, "itemIdList": {"1": 1}}, "itemIdList: expected a list, got a dict"),
        ({"userId": 1, "k": 0}, "k: expected an integer of 1 or more, got 0; or leave it out"),
        ({"userId": 1, "k": True}, "k: expected an integer of 1 or more, got True"),
        ({"userId": 1, "k": "3"}, "k: expected an integer of 1 or more, got '3'"),
        ({"userId": 1, "k": None}, "k: expected an integer of 1 or more, got None"),
        (
            {"userId": 1, "history": [1, [1]]},
            (
                "history[1]: expected an id or a pair [id, value], got a list of length 1; "
                "send [id, 4.5] or the id alone, the oldest first: times are not sent"
            ),
        ),
        ({"userId": 1, "history": [[1, 5.0, 964982703]]}, "got a list of length 3; send [id, 4.5]"),
        (
            {"userId": 1, "history": [{"itemId": 1, "value": 4}]},
            "history[0]: expected an id or a pair [id, value], got a dict of length 2; send [id, ",
        ),
        ({"userId": 1, "history": [1, [2, "5"]]}, "history[1]: expected a finite number or null"),
        ({"userId": 1, "history": [[1, True]]}, "history[0]: expected a finite number or null"),
        ({"userId": 1, "history": [[1, 1e39]]}, "history[0]: expected a finite number or null"),
        ({"userId": 1, "history": [[None, 1]]}, f"history[0]: {ID} None"),
        ({"userId": 1, "history": [1, 2.5]}, f"history[1]: {ID} 2.5"),
        ({"userId": 1, "exclude": ["a"]}, f"exclude[0]: {ID} 'a'"),
        ({"userId": 1, "itemIDs": []}, "'itemIDs': unknown key; did you mean itemIdList?"),
        ({"userid": 1}, "'userid': unknown key; did you mean userId?"),
        ({"userId": 1, "zzz": 1}, "unknown key; the keys are userId, itemIdList, k, history, excl"),
        ({"userId": 1, "z" * 10**6: 1}, "unknown key; the keys are"),
        ([1], "body: expected a JSON object, got a list of length 1; send one like"),
        (b"", "body: expected JSON (Expecting value"),
        (b'{"userId": NaN}', "body: expected JSON (NaN is not a number of JSON)"),
        (b'{"userId": 1, "history": [[1, -Infinity]]}', "-Infinity is not a number of JSON"),
        (b'{"userId": 1, "history": [[1, 1e999]]}', "history[0]: expected a finite number"),
        (b"\xff", "body: expected UTF-8, got another byte at 0"),
        (b"[" * 100_000, "body: nested too deeply; send one flat JSON object"),
        (b'{"userId": ' + b"9" * 5000 + b"}", "body: holds an integer of thousands of digits"),
    ],
)
def test_refusals(scorer, body, sentence):
    assert sentence in refused(scorer, body)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"userId": ""}, "userId: expected an id (a string of Unicode text), got '', the padding"),
        ({"userId": "\ud800"}, "userId: expected an id (a string of Unicode text)"),
        ({"userId": 1, "itemIdList": ["a", ""]}, "itemIdList[1]: expected an id"),
        ({"userId": 1, "itemIdList": ["a", "\udfff"]}, "itemIdList[1]: expected an id"),
        ({"userId": 1, "itemIdList": ["a", 1.5]}, "itemIdList[1]: expected an id"),
        ({"userId": 1, "itemIdList": ["a", 10**400]}, "itemIdList[1]: expected an id"),
    ],
)
def test_refusals_of_string_ids(string_scorer, body, sentence):
    assert sentence in refused(string_scorer, body)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"userId": 1, "itemIdList": [1] * 7}, "itemIdList: expected at most 6 elements, got 7"),
        ({"userId": 1, "history": [1] * 5}, "got 5; send the newest 4 alone"),
        ({"userId": 1, "exclude": [1] * 4}, "exclude: expected at most 3 elements, got 4; send f"),
    ],
)
def test_too_large(scorer, body, sentence):
    assert sentence in refused(scorer, body, status=413)


def test_too_much_of_the_catalogue(scorer):
    large = dataclasses.replace(scorer.bundle, n_items=100)
    with pytest.raises(RequestError, match="k: at most 6 items of the catalogue") as caught:
        parse_request(b'{"userId": 1, "k": 7}', large, SETTINGS)
    assert caught.value.status == 413
