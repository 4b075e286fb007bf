"""Lists of requests, each answered by itself; and what happens where too many wait."""

import asyncio
import json
import threading

import pytest

from device_runtime.errors import BusyError
from device_runtime.events.store import EventStore
from device_runtime.http.app_keys import INFERENCE
from device_runtime.http.inference import Inference
from device_runtime.scorer import Scorer
from device_runtime.settings import ServerSettings
from tests.device_runtime.test_app import JSON, ROUTE, post, talk

ONE = {"userId": 108, "itemIdList": [1, 2, 39]}


@pytest.fixture(scope="module")
def scorer(bundle_path):
    return Scorer.from_path(bundle_path)


def test_each_of_a_list_is_answered_as_it_is_alone(scorer):
    asked = [ONE, {"userId": None, "k": 2}, {"userId": "7", "itemIdList": []}]
    alone = [post(scorer, one)[1] for one in asked]
    assert post(scorer, asked) == (200, alone)
    assert post(scorer, []) == (200, [])


def test_a_bad_one_does_not_fail_the_others(scorer):
    no_score = {"userId": 1, "history": [[39, 3e38], [40, 3e38], [2, 3e38]]}
    bad = [7, {"userId": 1, "itemIdList": [None]}, {"userId": 1, "k": 10**6, "x": 1}, no_score]
    status, answers = post(scorer, [*bad, ONE])
    assert status == 200
    assert [one.get("status") for one in answers] == [400, 400, 400, 400, None]
    assert answers[0]["error"].startswith("body: expected a JSON object, got 7")
    assert answers[1]["error"].startswith("itemIdList[0]: expected an id")
    assert "no finite score" in answers[3]["error"]
    assert answers[4] == post(scorer, ONE)[1]


def test_a_list_is_bounded_as_a_whole(scorer):
    small = ServerSettings(max_batch=3, max_candidates=6)
    assert post(scorer, [ONE, ONE], settings=small)[0] == 200
    assert post(scorer, [ONE] * 4, settings=small) == (
        413,
        {"error": "body: expected at most 3 requests in a list, got 4; send them in several"},
    )
    status, answer = post(scorer, [ONE, ONE, {"userId": 1, "k": 1}], settings=small)
    assert status == 413
    sentence = "at most 6 candidates in all requests of a list together, got more by the request"
    assert f"{sentence} at 2, counted from 0" in answer["error"]


def test_events_count_in_a_list_too(scorer, tmp_path):
    with EventStore(tmp_path / "events.db") as store:

        async def conversation(client):
            liked = {"userId": 108, "itemId": 40, "event": "liked"}
            async with client.post("/api/v1/events", json=liked) as response:
                assert response.status == 200
            answers = []
            for body in (ONE, [ONE]):
                async with client.post(ROUTE, json=body) as response:
                    answers.append(await response.json())
            return answers

        alone, listed = talk(scorer, conversation, events=store)
    assert listed == [alone]
    assert alone != post(scorer, ONE)[1]


def test_large_requests_beyond_the_bound_are_refused_and_small_ones_answered(scorer):
    held = threading.Event()

    async def conversation(client):
        inference = client.server.app[INFERENCE]
        waiting = [asyncio.create_task(inference.run(held.wait, large=True)) for _ in range(2)]
        await asyncio.sleep(0)
        answers = []
        for body in ({"userId": 108, "itemIdList": [1] * 6}, ONE):
            async with client.post(ROUTE, data=json.dumps(body), headers=JSON) as response:
                answers.append((response.status, response.headers, await response.json()))
        held.set()
        await asyncio.gather(*waiting)
        async with client.post(ROUTE, json={"userId": 108, "itemIdList": [1] * 6}) as response:
            assert response.status == 200
        return answers

    settings = ServerSettings(inline_candidates=5, max_waiting=2)
    large, small = talk(scorer, conversation, settings)
    assert large[0] == 503 and large[1]["Retry-After"] == "1"
    assert large[2]["error"].startswith("the server is busy: 2 large requests are waiting; send")
    assert small[0] == 200


def test_a_body_of_many_bytes_is_read_in_the_thread(scorer):
    asked = post(scorer, ONE, settings=ServerSettings(inline_body_bytes=1))
    assert asked == post(scorer, ONE)


def test_what_fails_in_the_thread_makes_room_again():
    async def ask():
        inference = Inference(max_waiting=1)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await inference.run(lambda: 1 // 0, large=True)
        first = asyncio.create_task(inference.run(lambda: 7, large=True))
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            await inference.run(lambda: 8, large=True)
        assert await first == 7
        inference.close()

    asyncio.run(ask())
