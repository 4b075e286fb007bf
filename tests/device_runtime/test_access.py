"""Tokens, pages of other sites and TLS; and what whoever looks after the device may ask."""

import asyncio
import json
import re
import ssl

import pytest
from aiohttp.test_utils import TestClient, TestServer

from device_runtime.access import AccessSettings, read_token
from device_runtime.app import create_app
from device_runtime.events.store import EventStore
from device_runtime.scorer import Scorer
from device_runtime.settings import ServerSettings
from tests.device_runtime.test_limits import is_closed, served

TOKEN = "correct-horse-battery-staple"
BODY = json.dumps({"userId": 108, "itemIdList": [1, 2]}).encode()
JSON = {"Content-Type": "application/json"}
ROUTE = "/api/v1/recommend"
OTHERS = "https://shop.example"


@pytest.fixture(scope="module")
def scorer(bundle_path):
    return Scorer.from_path(bundle_path)


def ask(scorer, requests, access=None, events=None):
    """Send (method, path, headers) in turn; returns (status, headers, body) of each."""

    async def run():
        settings = ServerSettings(access=access or AccessSettings())
        server = TestServer(create_app(scorer, settings, events), host="127.0.0.1")
        answers = []
        async with TestClient(server) as client:
            for method, path, headers in requests:
                data = BODY if method == "POST" else None
                async with client.request(
                    method, path, data=data, headers=JSON | headers
                ) as response:
                    answers.append((response.status, response.headers, await response.text()))
        return answers

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        (f"Bearer {TOKEN}x", 401),
        (f"Bearer {TOKEN[:-1]}", 401),
        (f"Basic {TOKEN}", 401),
        (TOKEN, 401),
        ("Bearer ", 401),
        ("Bearer \u00e9", 401),
    ],
)
def test_a_token_is_asked_of_every_request(scorer, authorization, status):
    access = AccessSettings(token=TOKEN)
    headers = {"Authorization": authorization}
    ((came, answered, body),) = ask(scorer, [("POST", ROUTE, headers)], access)
    assert came == status
    if status == 401:
        assert answered["WWW-Authenticate"] == "Bearer"
        assert "send the header Authorization: Bearer TOKEN" in body
        assert TOKEN not in body


def test_without_a_token_nothing_but_life_is_answered(scorer, tmp_path):
    paths = [("POST", ROUTE), ("POST", "/api/v1/events"), ("DELETE", "/api/v1/users/1")]
    paths += [("GET", one) for one in ("/healthz", "/metrics", "/livez", "/readyz", "/nothing")]
    with EventStore(tmp_path / "events.db") as events:
        requests = [(method, path, {}) for method, path in paths]
        answers = ask(scorer, requests, AccessSettings(token=TOKEN), events)
    open_ones = [path for (_, path), (code, *_) in zip(paths, answers, strict=True) if code == 200]
    assert open_ones == ["/livez", "/readyz"]
    assert {code for code, *_ in answers} == {200, 401}


def test_pages_of_other_sites_may_ask_only_where_they_are_named(scorer):
    preflight = {"Origin": OTHERS, "Access-Control-Request-Method": "POST"}
    requests = [
        ("OPTIONS", ROUTE, preflight),
        ("POST", ROUTE, {"Origin": OTHERS}),
        ("POST", "/api/v1/nothing", {"Origin": OTHERS}),
        ("POST", ROUTE, {"Origin": "https://evil.example"}),
    ]
    named = ask(scorer, requests, AccessSettings(allowed_origins=(OTHERS,), token=TOKEN))
    assert [one.get("Access-Control-Allow-Origin") for _, one, _ in named] == [
        *(OTHERS, OTHERS, OTHERS),
        None,
    ]
    assert named[0][0] == 204 and "Authorization" in named[0][1]["Access-Control-Allow-Headers"]
    assert named[1][0] == 401
    for status, headers, _ in ask(scorer, requests):
        assert not any(name.startswith("Access-Control") for name in headers)
        assert status != 204


def test_metrics_count_requests_by_route_and_status(scorer, tmp_path):
    with EventStore(tmp_path / "events.db") as events:
        requests = [("POST", ROUTE, {})] * 3
        requests += [("GET", "/made/up/1", {}), ("GET", "/made/up/2", {}), ("GET", ROUTE, {})]
        *_, (status, headers, text) = ask(
            scorer, [*requests, ("GET", "/metrics", {})], events=events
        )
    assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert f'edgerec_requests_total{{route="{ROUTE}",status="200"}} 3' in text
    assert 'edgerec_requests_total{route="none",status="404"} 2' in text
    assert f'edgerec_request_seconds_count{{route="{ROUTE}"}} 3' in text
    assert "edgerec_model_items 6\n" in text and "edgerec_events 0\n" in text
    assert re.search(r"^process_resident_memory_bytes \d{7,}$", text, re.MULTILINE)
    for line in text.splitlines():
        assert re.fullmatch(r"# (HELP|TYPE) .+|[a-z_]+(\{[^}]*\})? [0-9.e+-]+|.*\+Inf.*", line)


def test_ready_while_it_serves(scorer):
    answers = ask(scorer, [("GET", "/livez", {}), ("GET", "/readyz", {})])
    assert [(status, json.loads(body)) for status, _, body in answers] == [
        (200, {"status": "ok"}),
        (200, {"status": "ok"}),
    ]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"token": "short"}, "token: expected 16 or more letters"),
        ({"token": "has a blank in it, and more"}, "token: expected 16 or more letters"),
        ({"certificate": "a.pem"}, "certificate: expected two files"),
        ({"allowed_origins": "https://a"}, "allowed_origins: expected a tuple"),
        ({"allowed_origins": ("*",)}, "allowed_origins: expected an origin like"),
        ({"allowed_origins": ("https://a/path",)}, "leave out the path"),
    ],
)
def test_settings_that_cannot_be_used(changes, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        AccessSettings(**changes)


def test_a_token_is_never_shown():
    assert TOKEN not in repr(ServerSettings(access=AccessSettings(token=TOKEN)))


def test_a_token_of_a_file(tmp_path):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    assert read_token(file) == TOKEN
    with pytest.raises(ValueError, match=r"token: .* cannot be read: No such file"):
        read_token(tmp_path / "none")
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="it is no ASCII text"):
        read_token(file)


def test_a_server_with_a_certificate_speaks_tls(scorer, certificate):
    access = AccessSettings(certificate=str(certificate[0]), private_key=str(certificate[1]))
    settings = ServerSettings(access=access)
    assert settings.url.startswith("https://")

    async def run():
        server = TestServer(create_app(scorer, settings), host="localhost", scheme="https")
        await server.start_server(ssl=access.tls())
        trusted = ssl.create_default_context(cafile=certificate[0])
        async with (
            TestClient(server) as client,
            client.get("/livez", ssl=trusted) as response,
        ):
            return response.status

    assert asyncio.run(run()) == 200


def test_connections_whose_tls_never_ends_are_bounded(scorer, certificate):
    """The oldest that has only begun goes first."""
    access = AccessSettings(certificate=str(certificate[0]), private_key=str(certificate[1]))
    settings = ServerSettings(port=0, access=access, max_requests=2, max_connections=2)
    trusted = ssl.create_default_context(cafile=certificate[0])

    async def talk_to(port):
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        assert await is_closed(silent[0][0])
        reader, writer = await asyncio.open_connection("localhost", port, ssl=trusted)
        assert await is_closed(silent[1][0])
        writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answered = await reader.readuntil(b"\r\n")
        assert not silent[2][0].at_eof()
        for _, one in (*silent, (reader, writer)):
            one.close()
        return answered

    assert b" 200 " in served(scorer, settings, talk_to)


def test_files_that_are_no_certificate(tmp_path):
    file = tmp_path / "certificate.pem"
    access = AccessSettings(certificate=str(file), private_key=str(file))
    with pytest.raises(ValueError, match=r"cannot be used .No such file or directory.; name a PEM"):
        access.tls()
    file.write_text("no certificate")
    with pytest.raises(ValueError, match=r"certificate: .* cannot be used \("):
        access.tls()
