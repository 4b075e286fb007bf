"""What users do comes in over HTTP, counts in the next answer, and can be erased."""

import asyncio
import json
import logging
import time

import pytest
from aiohttp.test_utils import TestClient, TestServer

from device_runtime.app import create_app
from device_runtime.events.store import EventStore
from device_runtime.events.table import Event, EventSettings
from device_runtime.scorer import Scorer
from device_runtime.settings import ServerSettings

JSON = {"Content-Type": "application/json"}
ASKED = {"userId": 108, "itemIdList": [1, 2, 39]}


@pytest.fixture(scope="module")
def scorer(bundle_path):
    return Scorer.from_path(bundle_path)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.db"


def talk(scorer, path, conversation, settings=None, event_settings=None):
    """Start a server, hold a conversation of (method, path, body), and stop it."""

    async def run():
        store = None if path is None else EventStore(path, event_settings)
        app = create_app(scorer, settings, store)
        server = TestServer(app, host="127.0.0.1")
        async with TestClient(server) as client:

            async def ask(method, where, body=None):
                data = None if body is None else json.dumps(body).encode()
                async with client.request(method, where, data=data, headers=JSON) as response:
                    return response.status, json.loads(await response.read())

            answer = await conversation(ask, store)
        if store is not None:
            store.close()
        return answer

    return asyncio.run(run())


def recommend(ask, body=None):
    return ask("POST", "/api/v1/recommend", body or ASKED)


def event(ask, **changes):
    body = {"userId": 108, "itemId": 39, "event": "liked", **changes}
    return ask("POST", "/api/v1/events", body)


def test_an_event_counts_in_the_next_answer_as_if_the_request_had_told_it(scorer, path):
    liked = scorer.bundle.event_values["liked"]

    async def conversation(ask, store):
        before = await recommend(ask)
        told = await recommend(ask, {**ASKED, "history": [[39, liked], 40]})
        accepted = await event(ask)
        first = await recommend(ask, {**ASKED, "history": [40]})
        other = await recommend(ask, {**ASKED, "userId": 7})
        return before, told, accepted, first, other, await recommend(ask, {**ASKED, "userId": None})

    before, told, accepted, first, other, nobody = talk(scorer, path, conversation)
    assert accepted == (
        200,
        {"accepted": 1, "tooOld": 0, "durability": "on the disk within 0.5 s"},
    )
    assert first == told != before
    assert other[0] == nobody[0] == 200

    async def after_a_restart(ask, store):
        return await recommend(ask, {**ASKED, "history": [40]})

    assert talk(scorer, path, after_a_restart) == told


def test_events_of_an_age_that_is_not_kept_are_counted_and_not_taken(scorer, path):
    a_year_ago = int(time.time()) - 365 * 86_400

    async def conversation(ask, store):
        events = [
            {"userId": 108, "itemId": item, "event": "liked", "time": when}
            for item, when in ((39, a_year_ago - 60), (40, a_year_ago + 60), (41, 1))
        ]
        answer = await ask("POST", "/api/v1/events", {"events": events})
        return answer, store.events_of(108, 10)

    (status, answer), kept = talk(scorer, path, conversation)
    assert (status, answer["accepted"], answer["tooOld"]) == (200, 1, 2)
    assert [one.item_id for one in kept] == [40]


def test_events_in_a_list_with_values_and_times(scorer, path):
    yesterday = int(time.time()) - 86_400

    async def conversation(ask, store):
        events = [
            {"userId": 108, "itemId": "39", "event": "viewed", "time": yesterday},
            {"userId": "108", "itemId": 40, "event": "liked", "value": 2},
        ]
        answer = await ask("POST", "/api/v1/events", {"events": events})
        return answer, store.events_of(108, 10)

    (status, answer), kept = talk(scorer, path, conversation)
    assert status == 200 and answer["accepted"] == 2
    assert [one.item_id for one in kept] == [39, 40]
    assert (kept[0].value, kept[0].timestamp) == (
        scorer.bundle.event_values["viewed"],
        yesterday,
    )
    assert kept[1].value == 2.0


def test_an_event_is_committed_in_time_and_at_once_where_that_is_promised(scorer, path):
    async def in_time(ask, store):
        await event(ask)
        await event(ask, itemId=40)
        waiting = store.n_waiting
        await asyncio.sleep(0.5)
        return waiting, store.n_waiting, store.n_events

    soon = EventSettings(commit_seconds=0.05)
    assert talk(scorer, path, in_time, event_settings=soon) == (2, 0, 2)

    async def at_once(ask, store):
        _, answer = await event(ask)
        return answer["durability"], store.n_waiting, store.n_events

    promised = EventSettings(commit_seconds=0)
    said, waiting, kept = talk(scorer, path, at_once, event_settings=promised)
    assert (said, waiting, kept) == ("on the disk when it is answered", 0, 3)


def test_a_user_is_erased_and_the_answer_says_what_the_model_holds(scorer, path):
    async def conversation(ask, store):
        before = await recommend(ask)
        await event(ask)
        erased = await ask("DELETE", "/api/v1/users/108")
        return before, erased, await recommend(ask), await ask("DELETE", "/api/v1/users/x")

    before, (status, erased), after, wrong = talk(scorer, path, conversation)
    assert (status, erased["erasedEvents"]) == (200, 1)
    assert (
        erased["model"]
        == "what the model file itself learned of the user stays until the next model"
    )
    assert after == before
    assert wrong[0] == 400 and "userId: expected an id" in wrong[1]["error"]


def test_a_full_disk_is_said_and_the_service_goes_on(scorer, path, caplog):
    async def conversation(ask, store):
        await event(ask)
        store.commit()
        (pages,) = store._table._writer.execute("PRAGMA page_count").fetchone()
        store._table._writer.execute(f"PRAGMA max_page_count = {pages}")
        many = [{"userId": 108, "itemId": item, "event": "liked"} for item in range(1, 900)]
        first = await ask("POST", "/api/v1/events", {"events": many})
        await asyncio.sleep(0.2)
        refused = await ask("POST", "/api/v1/events", {"events": many})
        going_on = await recommend(ask)
        store._table._writer.execute("PRAGMA max_page_count = 100000")
        await asyncio.sleep(1.2)
        return first, refused, going_on, store.n_waiting

    settings = EventSettings(commit_seconds=0.05, max_waiting=1000)
    with caplog.at_level(logging.ERROR):
        first, refused, going_on, waiting = talk(
            scorer, path, conversation, event_settings=settings
        )
    assert first[0] == 200
    assert refused[0] == 507 and "the disk of this device takes nothing" in refused[1]["error"]
    assert going_on[0] == 200
    assert waiting == 0
    assert "899 events cannot be written" in caplog.text


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"itemId": 1, "event": "liked"}, "userId: it is missing"),
        ({"userId": 1, "event": "liked"}, "itemId: it is missing"),
        ({"userId": 1, "itemId": 1}, "event: it is missing"),
        ({"userId": 1, "itemId": 1, "event": "loved"}, "event: expected one of viewed, "),
        ({"userId": 1, "itemId": 1, "event": []}, "event: expected one of"),
        ({"userId": 1, "itemId": 1, "event": "liked", "value": True}, "value: expected a number"),
        ({"userId": 1, "itemId": 1, "event": "liked", "value": 1e300}, "value: expected a number"),
        ({"userId": 1, "itemId": 1, "event": "liked", "time": -1}, "time: expected Unix seconds"),
        ({"userId": None, "itemId": 1, "event": "liked"}, "userId: null stands for nobody"),
        ({"userId": 1, "itemId": 1, "event": "liked", "at": 1}, "'at': unknown key"),
        ({"events": 1}, "events: expected a list"),
        ({"events": [1]}, "events[0]: expected an object"),
        ({"events": [{"userId": 1}]}, "events[0].itemId: it is missing"),
        ({"events": [{"userid": 1}]}, "events[0].'userid': unknown key"),
        ({"events": [], "userId": 1}, "events: expected nothing beside the list"),
    ],
)
def test_what_is_no_event(scorer, path, body, sentence):
    async def conversation(ask, store):
        answer = await ask("POST", "/api/v1/events", body)
        return answer, store.n_waiting

    (status, answer), waiting = talk(scorer, path, conversation)
    assert status == 400 and sentence in answer["error"]
    assert waiting == 0


def test_too_many_events(scorer, path):
    async def conversation(ask, store):
        return await ask("POST", "/api/v1/events", {"events": [{}] * 3})

    status, answer = talk(scorer, path, conversation, ServerSettings(max_events=2))
    assert status == 413 and "events: expected at most 2, got 3" in answer["error"]


def test_without_a_place_events_are_refused(scorer):
    async def conversation(ask, store):
        return await event(ask), await ask("DELETE", "/api/v1/users/1"), await recommend(ask)

    added, erased, answered = talk(scorer, None, conversation)
    assert added[0] == erased[0] == 404
    assert "start it with --events PATH" in added[1]["error"]
    assert answered[0] == 200


def test_events_of_a_model_with_other_ids_are_passed_over(scorer, path):
    with EventStore(path) as store:
        store.add([Event(108, "text", "liked", 4.5, 1)])

    async def conversation(ask, store):
        return await recommend(ask)

    assert talk(scorer, path, conversation) == talk(scorer, None, conversation)
