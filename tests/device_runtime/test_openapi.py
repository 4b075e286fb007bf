"""The server keeps to its own description, whatever is sent; people can read it offline."""

import asyncio
import json
import os
import re
import threading

import pytest
import schemathesis
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from device_runtime.access import AccessSettings
from device_runtime.app import create_app
from device_runtime.events.store import EventStore
from device_runtime.events.table import EventSettings
from device_runtime.http.documentation import documentation_page
from device_runtime.http.openapi import openapi
from device_runtime.scorer import Scorer
from device_runtime.settings import ServerSettings

# Requests to each route; many more in a long run: see CONTRIBUTING.md.
N_REQUESTS = int(os.environ.get("EDGEREC_N_BODIES", "100"))
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)


class Running:
    """A server in a thread of its own."""

    def __init__(self, path, folder):
        self._loop = asyncio.new_event_loop()
        self._store = EventStore(folder / "events.db", EventSettings(max_waiting=10**6))
        self._app = create_app(Scorer.from_path(path), ServerSettings(), self._store)
        self._runner = web.AppRunner(self._app, access_log=None)
        started = threading.Event()

        def run():
            asyncio.set_event_loop(self._loop)
            self._loop.run_until_complete(self._start())
            started.set()
            self._loop.run_forever()

        self._thread = threading.Thread(target=run)
        self._thread.start()
        assert started.wait(20)

    async def _start(self):
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    def stop(self):
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._store.close()


@pytest.fixture(scope="module", params=["integers", "strings"])
def running(request, bundle_path, string_bundle_path, tmp_path_factory):
    path = bundle_path if request.param == "integers" else string_bundle_path
    server = Running(path, tmp_path_factory.mktemp("running"))
    yield server
    server.stop()


def operations(document):
    for path, methods in document["paths"].items():
        yield from ((path, method) for method in methods)


def described(path, settings=None):
    return openapi(Scorer.from_path(path).bundle, settings or ServerSettings())


def test_every_route_is_described_and_every_description_is_a_route(bundle_path):
    document = described(bundle_path)
    app = create_app(Scorer.from_path(bundle_path))
    routes = {
        (route.resource.canonical, route.method.lower())
        for route in app.router.routes()
        if route.method != "HEAD"
    }
    assert routes == set(operations(document))


OPERATIONS = [
    ("/api/v1/recommend", "POST"),
    ("/api/v1/events", "POST"),
    ("/api/v1/users/{userId}", "DELETE"),
    ("/v2/models/{name}/infer", "POST"),
    ("/api/v1/similar/{itemId}", "GET"),
    ("/healthz", "GET"),
    ("/metrics", "GET"),
]


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_answers_are_as_described(running, path, method):
    schema = schemathesis.openapi.from_url(f"{running.url}/openapi.json")
    operation = schema[path][method]

    @given(data=st.data())
    @settings(max_examples=N_REQUESTS, deadline=None, suppress_health_check=list(HealthCheck))
    def ask(data):
        case = data.draw(operation.as_strategy())
        case.call_and_validate(base_url=running.url, checks=CHECKS)

    ask()


def test_a_server_that_asks_for_a_token_says_so(bundle_path):
    access = AccessSettings(token="a-token-of-some-length")
    document = described(bundle_path, ServerSettings(access=access))
    assert document["security"] == [{"token": []}]
    assert document["paths"]["/livez"]["get"]["security"] == []
    assert "a-token-of-some-length" not in json.dumps(document)
    assert "Authorization: Bearer TOKEN" in documentation_page(document, "http://here")


def test_the_page_needs_nothing_from_elsewhere(bundle_path):
    page = documentation_page(described(bundle_path), "http://127.0.0.1:8080")
    assert not re.search(r"<script|<link|<img|@import|url\(", page)
    assert "curl" in page and "/api/v1/events" in page
    # Each command can be pasted, and no table is empty.
    assert "<table></table>" not in page and "/v2/models/{name}/infer</pre>" not in page
    assert page.count("curl ") == page.count("<h2>") and "-X DELETE" in page
    assert all(f"<td><code>{key}</code></td>" in page for key in ("event", "value", "time"))
    assert len(page) < 30_000
