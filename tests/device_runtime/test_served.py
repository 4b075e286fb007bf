"""Another scorer takes the place of one that answers, and goes again where it fails."""

import asyncio
import gc
import json
import threading
import weakref

import pytest
from aiohttp.test_utils import TestClient, TestServer

from device_runtime.app import create_app
from device_runtime.errors import NoScoreError, RequestError
from device_runtime.http.app_keys import SERVED
from device_runtime.scorer import Scorer
from device_runtime.served import Served
from tests.device_runtime.test_app import JSON, ROUTE


class Failing:
    """A scorer whose bundle is right and whose answers are not."""

    def __init__(self, scorer, error):
        self.bundle = scorer.bundle
        self.error = error

    def run(self, **_):
        raise self.error


def on_trial(scorer, error):
    served, reasons = Served(scorer), []
    served.put_on_trial(Failing(scorer, error), lambda: scorer, reasons.append)
    return served, reasons


def test_a_request_keeps_to_the_scorer_that_it_began_with():
    served = Served("old")
    begun = served.scorer
    served.replace("new")
    assert served.ask(begun, str.upper) == "OLD"
    assert served.ask(served.scorer, str.upper) == "NEW"


@pytest.mark.parametrize(
    "error", [RuntimeError("a node failed"), NoScoreError("history values: no finite score")]
)
def test_what_one_on_trial_fails_is_answered_by_the_one_before(bundle_path, error):
    scorer = Scorer.from_path(bundle_path)
    served, reasons = on_trial(scorer, error)
    new = served.scorer
    answer = served.ask(new, lambda one: one.run(k=2))
    assert len(answer.top_ids) == 2
    assert served.scorer is scorer and not served.on_trial
    assert reasons == [f"{type(error).__name__}: {error}"]
    # A request that began with the one that failed, and comes later.
    assert len(served.ask(new, lambda one: one.run(k=2)).top_ids) == 2
    assert len(reasons) == 1


def test_a_request_that_is_wrong_for_both_is_the_requests_fault(bundle_path):
    scorer = Scorer.from_path(bundle_path)
    served, reasons = on_trial(scorer, NoScoreError("of the new one"))
    infinite = {"history": [39, 40], "history_values": [3e38, 3e38]}
    with pytest.raises(NoScoreError, match="of the new one"):
        served.ask(served.scorer, lambda one: one.run(**infinite))
    with pytest.raises(RequestError, match="k: wrong"):
        served.ask(served.scorer, lambda one: (_ for _ in ()).throw(RequestError("k: wrong")))
    assert served.on_trial and reasons == []


def test_an_accepted_scorer_stays(bundle_path):
    served, reasons = on_trial(Scorer.from_path(bundle_path), RuntimeError("broken"))
    assert served.ask(served.scorer, lambda one: 1) == 1
    assert served.n_answers == 1
    served.accept()
    with pytest.raises(RuntimeError, match="broken"):
        served.ask(served.scorer, lambda one: one.run())
    assert reasons == [] and not served.on_trial


def test_threads_that_fail_at_once_go_back_once(bundle_path):
    scorer = Scorer.from_path(bundle_path)
    served, reasons = on_trial(scorer, RuntimeError("broken"))
    new, lengths = served.scorer, []
    threads = [
        threading.Thread(
            target=lambda: lengths.append(len(served.ask(new, lambda one: one.run(k=2)).top_ids))
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lengths == [2] * 8 and len(reasons) == 1


@pytest.mark.parametrize("n_candidates", [2, 1200])
def test_nobody_notices_a_model_that_fails(bundle_path, n_candidates):
    """Between two requests, and in the worker's thread."""
    scorer = Scorer.from_path(bundle_path)
    reasons = []

    async def run():
        app = create_app(scorer)
        async with TestClient(TestServer(app, host="127.0.0.1")) as client:
            body = json.dumps({"userId": 108, "itemIdList": [1] * n_candidates}).encode()
            failing = Failing(scorer, RuntimeError("broken"))
            app[SERVED].put_on_trial(failing, lambda: scorer, reasons.append)
            for _ in range(2):
                async with client.post(ROUTE, data=body, headers=JSON) as response:
                    assert response.status == 200
                    assert len((await response.json())["itemScoreList"]) == n_candidates

    asyncio.run(run())
    assert reasons == ["RuntimeError: broken"]


def test_a_replaced_scorer_is_freed_with_its_last_request(bundle_path):
    """Whatever was asked and refused: at once, not when Python next looks for circles."""
    items = [1, 39]
    infinite = {"userId": 108, "itemIdList": items, "history": [[39, 3e38], [40, 3e38]]}
    tensor = {"name": "item_ids", "datatype": "INT64", "shape": [9], "data": items}
    asked = [
        (ROUTE, {"userId": 108, "itemIdList": items}, 200),
        (ROUTE, {"userId": 108, "itemIdList": [1] * 1200}, 200),
        (ROUTE, {"userId": 108, "itemIdList": [None]}, 400),
        (ROUTE, infinite, 400),
        (ROUTE, [{"userId": 108}, {"bad": 1}, infinite, {"userId": []}], 200),
        (ROUTE, [{"userId": 108, "itemIdList": [1] * 1200}, {"bad": 1}], 200),
        ("/v2/models/tiny/infer", {"inputs": [tensor]}, 400),
    ]

    async def run():
        app = create_app(Scorer.from_path(bundle_path))
        old = weakref.ref(app[SERVED].scorer)
        async with TestClient(TestServer(app, host="127.0.0.1")) as client:
            gc.disable()
            try:
                for path, body, status in asked:
                    data = json.dumps(body).encode()
                    async with client.post(path, data=data, headers=JSON) as response:
                        assert response.status == status, await response.text()
                async with client.get("/api/v1/similar/1") as response:
                    assert response.status == 404
                app[SERVED].replace(Scorer.from_path(bundle_path))
                assert old() is None, gc.get_referrers(old())
            finally:
                gc.enable()

    asyncio.run(run())
