"""The server over HTTP: status codes and sentences, who may talk to it, and what never happens."""

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device_runtime.app import create_app
from device_runtime.scorer import Scorer
from device_runtime.settings import ServerSettings

ROUTE = "/api/v1/recommend"
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def scorer(bundle_path):
    return Scorer.from_path(bundle_path)


def talk(
    scorer: Any,
    conversation: Callable[[TestClient], Awaitable[Any]],
    settings: ServerSettings | None = None,
    events: Any = None,
) -> Any:
    async def run() -> Any:
        server = TestServer(create_app(scorer, settings, events), host="127.0.0.1")
        async with TestClient(server) as client:
            return await conversation(client)

    return asyncio.run(run())


def post(
    scorer: Any,
    body: Any,
    headers: dict[str, str] | None = None,
    settings: ServerSettings | None = None,
) -> tuple[int, Any]:
    async def conversation(client: TestClient) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with client.post(ROUTE, data=data, headers=JSON | (headers or {})) as response:
            assert response.content_type == "application/json"
            return response.status, json.loads(await response.read())

    return talk(scorer, conversation, settings)


def test_an_answer(scorer):
    status, answer = post(scorer, {"userId": 108, "itemIdList": [1, 2, 39]})
    assert status == 200
    assert [each["itemId"] for each in answer["itemScoreList"]] == [1, 2, 39]


def test_a_large_request_goes_to_the_worker(scorer):
    body = {"userId": 108, "itemIdList": [1, 2] * 600}
    status, answer = post(scorer, body)
    assert status == 200
    assert len(answer["itemScoreList"]) == 1200
    inline = post(scorer, body, settings=ServerSettings(inline_candidates=5000))
    assert inline == (200, answer)


def test_health(scorer):
    async def conversation(client):
        async with client.get("/healthz") as response:
            return response.status, await response.json()

    status, health = talk(scorer, conversation)
    assert status == 200
    assert (health["status"], health["name"], health["nItems"]) == ("ok", "tiny", 6)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"{", "body: expected JSON"),
        (b"[" * 100_000, "body: nested too deeply"),
        ({"userId": 1, "itemIdList": [None]}, "itemIdList[0]: expected an id"),
        (
            {"userId": 1, "history": [[39, 3e38], [39, 3e38], [40, 3e38], [40, 3e38]]},
            "history values: no finite score follows",
        ),
    ],
)
def test_bad_bodies(scorer, body, sentence):
    status, answer = post(scorer, body)
    assert status == 400
    assert list(answer) == ["error"]
    assert sentence in answer["error"]


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain; a="],
)
def test_what_a_page_of_another_site_may_post(scorer, content_type):
    status, answer = post(scorer, {"userId": 1}, {"Content-Type": content_type})
    assert status == 400
    assert "Content-Type: expected application/json, got" in answer["error"]


def test_a_page_of_another_site_gets_no_permission(scorer):
    async def conversation(client):
        headers = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
        async with client.options(ROUTE, headers=headers) as response:
            return response.status, dict(response.headers)

    status, headers = talk(scorer, conversation)
    assert status == 405
    assert not any(name.lower().startswith("access-control") for name in headers)


@pytest.mark.parametrize("host", ["example.org", "localhost.example.org:80", "", "a b"])
def test_dns_rebinding(scorer, host):
    status, answer = post(scorer, {"userId": 1}, {"Host": host})
    assert status == 400
    assert "Host: expected localhost or an allowed name" in answer["error"]
    assert "--allow-host NAME" in answer["error"]


def test_dns_rebinding_of_the_health_check(scorer):
    async def conversation(client):
        async with client.get("/healthz", headers={"Host": "example.org"}) as response:
            return response.status, await response.text()

    status, text = talk(scorer, conversation)
    assert status == 400
    assert "tiny" not in text


@pytest.mark.parametrize("host", ["localhost", "LocalHost:1", "127.0.0.1:80", "[::1]", "shop.lan"])
def test_admitted_hosts(scorer, host):
    settings = ServerSettings(allowed_hosts=("shop.lan",))
    assert post(scorer, {"userId": 1}, {"Host": host}, settings)[0] == 200


def test_no_such_route_or_method(scorer):
    async def conversation(client):
        async with client.get("/") as lost, client.get(ROUTE) as wrong:
            return (lost.status, await lost.json()), (wrong.status, await wrong.json())

    lost, wrong = talk(scorer, conversation)
    assert lost == (
        404,
        {"error": "'/': nothing is here; GET /docs says what is"},
    )
    assert wrong == (405, {"error": "'GET': not allowed here; send POST"})


def test_a_body_that_is_too_large(scorer):
    small = ServerSettings(max_body_bytes=1000)
    expected = (413, {"error": "body: expected at most 1000 bytes, got more; send fewer items"})
    body = json.dumps({"userId": 1, "itemIdList": [1] * 1000}).encode()
    assert post(scorer, body, settings=small) == expected
    packed = gzip.compress(b" " * 10**6)
    assert post(scorer, packed, {"Content-Encoding": "gzip"}, small) == expected


def test_a_body_that_is_too_large_is_not_waited_for(scorer):
    async def conversation(client):
        reader, writer = await asyncio.open_connection("127.0.0.1", client.server.port)
        head = f"POST {ROUTE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: 1000000000000\r\n\r\n{{".encode())
        status = await asyncio.wait_for(reader.readline(), 5)
        writer.close()
        return status

    assert b" 413 " in talk(scorer, conversation)


def test_chunks_that_are_too_many(scorer):
    async def conversation(client):
        async def chunks():
            for _ in range(100):
                yield b" " * 1000

        async with client.post(ROUTE, data=chunks(), headers=JSON) as response:
            return response.status

    assert talk(scorer, conversation, ServerSettings(max_body_bytes=5000)) == 413


def test_a_body_that_cannot_be_decoded(scorer):
    status, answer = post(scorer, b"no gzip", {"Content-Encoding": "gzip"})
    assert status == 400
    assert "error" in answer


class Broken:
    """A scorer whose graph fails."""

    def __init__(self, scorer: Scorer) -> None:
        self.bundle = scorer.bundle

    def run(self, **_: object) -> None:
        raise RuntimeError("secret detail")


def test_no_internals_go_out(scorer, caplog):
    status, answer = post(Broken(scorer), {"userId": 1})
    assert status == 500
    assert answer == {"error": "the server failed to answer; its log says why, try again later"}
    assert "secret detail" in caplog.text


ids = st.one_of(
    st.integers(),
    st.integers().map(str),
    st.sampled_from([1, 39, "39", 2**53 + 1, -(2**63), 2**63, ""]),
    st.none(),
    st.booleans(),
    st.floats(),
    st.text(),
)
values = st.one_of(st.floats(), st.none(), st.integers())
anything = st.recursive(ids, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
entries = ids | st.tuples(ids, values) | anything
plausible = st.fixed_dictionaries(
    {"userId": ids | anything},
    optional={
        "itemIdList": st.lists(ids) | anything,
        "k": st.integers() | anything,
        "history": st.lists(entries) | anything,
        "exclude": st.lists(ids) | anything,
        "more": anything,
    },
)
# Well-formed bodies, which reach the graph.
good_ids = st.integers(-(2**63) + 1, 2**63 - 1)
good = st.fixed_dictionaries(
    {"userId": good_ids | st.none()},
    optional={
        "itemIdList": st.lists(good_ids | st.sampled_from([1, 2, "39"])),
        "k": st.integers(1),
        "history": st.lists(st.tuples(st.sampled_from([1, 39, 5]), values)),
        "exclude": st.lists(st.sampled_from([1, 39, 5])),
    },
)


@pytest.mark.parametrize("kind", ["integers", "strings"])
def test_no_body_breaks_the_server(scorer, string_bundle_path, kind):
    asked = scorer if kind == "integers" else Scorer.from_path(string_bundle_path)
    answered = []

    def serve(loop: asyncio.AbstractEventLoop, client: TestClient) -> None:
        @settings(
            max_examples=150,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        )
        @given(
            st.one_of(plausible, good, st.lists(good | plausible), anything).map(json.dumps)
            | st.text()
            | st.binary()
        )
        def check(body: str | bytes) -> None:
            data = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")

            async def conversation() -> None:
                async with client.post(ROUTE, data=data, headers=JSON) as response:
                    text = await response.text()
                    assert response.status in (200, 400, 413), text
                    answer = json.loads(text)
                    for one in answer if isinstance(answer, list) else [answer]:
                        assert list(one) in (["itemScoreList"], ["error"], ["error", "status"])
                        assert all(0 <= each["score"] <= 1 for each in one.get("itemScoreList", []))
                    answered.append(response.status)

            loop.run_until_complete(conversation())

        check()

    loop = asyncio.new_event_loop()
    client = TestClient(TestServer(create_app(asked), loop=loop), loop=loop)
    try:
        loop.run_until_complete(client.start_server())
        serve(loop, client)
    finally:
        loop.run_until_complete(client.close())
        loop.close()
    assert 200 in answered
    assert 400 in answered


@pytest.mark.parametrize(
    "head",
    [
        b"POST /api/v1/recommend HTTP/1.1\r\nHost: localhost\r\nHost: elsewhere\r\n\r\n",
        b"POST /api/v1/recommend HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 9000 + b"\r\n\r\n",
        b"no request line\r\n\r\n",
        b"\x16\x03\x01\r\n\r\n",
    ],
)
def test_a_malformed_head_is_refused_and_the_next_request_answered(scorer, head):
    async def conversation(client: TestClient) -> tuple[bytes, int]:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.server.port)
        writer.write(head)
        status_line = await asyncio.wait_for(reader.readline(), 10)
        writer.close()
        async with client.get("/healthz") as response:
            return status_line, response.status

    status_line, next_status = talk(scorer, conversation)
    assert status_line.split()[1] == b"400"
    assert next_status == 200
