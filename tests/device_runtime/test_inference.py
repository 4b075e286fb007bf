"""Which requests are scored in the thread, and that every one is answered."""

import asyncio
import contextlib
import gc
import threading
import weakref

import pytest

from device_runtime.http.connections import SlowClients
from device_runtime.http.inference import Inference
from device_runtime.http.stopping import InFlight
from device_runtime.scorer import Scorer
from device_runtime.settings import ServerSettings
from tests.device_runtime.test_app import ROUTE, post, talk

ONE = {"userId": 108, "itemIdList": [1, 2, 39]}


@pytest.fixture(scope="module")
def scorer(bundle_path):
    return Scorer.from_path(bundle_path)


def company(n_requests, n_connections=1, most=64):
    requests, clients = InFlight(most), SlowClients(head_seconds=30, idle_seconds=75)
    for _ in range(n_requests):
        requests.begin()
    for connection in range(n_connections):
        clients.begin(connection)
    return requests, clients


def scored_in_thread(others, *, large=False, n_before=0, arriving=0):
    """Say whether a small request goes to the thread, after `n_before` that wait for it."""

    async def ask():
        inference = Inference(4, others)
        held = threading.Event()
        before = [
            asyncio.create_task(inference.score(held.wait, large=large)) for _ in range(n_before)
        ]
        asked = asyncio.create_task(inference.score(threading.current_thread, large=False))
        for _ in range(arriving):
            asyncio.get_running_loop().call_soon(others[0].begin)
        for _ in range(3):
            await asyncio.sleep(0)
        held.set()
        await asyncio.gather(*before)
        inference.close()
        return await asked is not threading.current_thread()

    return asyncio.run(ask())


def test_a_small_request_goes_to_the_thread_in_company_alone():
    assert scored_in_thread(company(2))
    assert not scored_in_thread(company(1))
    assert not scored_in_thread(company(1, n_connections=2))
    assert not scored_in_thread(None)


def test_those_that_arrive_with_it_are_its_company():
    assert scored_in_thread(company(1, n_connections=2), arriving=1)
    # Where one connection is open there is nobody to wait for.
    assert not scored_in_thread(company(1), arriving=1)


def test_it_waits_behind_few_and_behind_nothing_large():
    assert scored_in_thread(company(4), n_before=1)
    assert not scored_in_thread(company(5))
    assert not scored_in_thread(company(4, most=4))
    assert not scored_in_thread(company(4), n_before=1, large=True)


def test_as_many_as_come_at_once_are_answered_as_alone(scorer):
    async def conversation(client):
        async def one():
            async with client.post(ROUTE, json=ONE) as response:
                return response.status, await response.json()

        return await asyncio.gather(*(one() for _ in range(40)))

    # Some would be refused if each that has arrived were begun at once.
    settings = ServerSettings(max_requests=4)
    assert talk(scorer, conversation, settings) == [post(scorer, ONE)] * 40


def test_a_request_that_is_cancelled_stops_nothing():
    async def ask():
        inference = Inference(max_waiting=1)
        held = threading.Event()
        given_up = asyncio.create_task(inference.run(held.wait, large=True))
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.sleep(0)
        held.set()
        answer = await inference.run(lambda: 7, large=True)
        inference.close()
        return answer

    assert asyncio.run(ask()) == 7


@pytest.mark.parametrize("fails", [False, True])
def test_the_thread_keeps_nothing_of_what_it_was_asked(fails):
    class Question:
        def __call__(self):
            if fails:
                raise ZeroDivisionError
            return 7

    async def ask():
        inference = Inference(max_waiting=2)
        question = Question()
        known = weakref.ref(question)
        with contextlib.suppress(ZeroDivisionError):
            await inference.run(question, large=True)
        del question
        # The loop is done with the answer one turn later, and the thread about then.
        for _ in range(1000):
            await asyncio.sleep(0.001)
            if known() is None:
                break
        kept = known()
        inference.close()
        return kept

    gc.disable()
    try:
        assert asyncio.run(ask()) is None
    finally:
        gc.enable()
