"""What hostile clients send: bombs, climbing names, bytes that never end; and what is answered."""

import asyncio
import json
import logging
import socket

import pytest

from device_runtime.app import serve
from device_runtime.events.store import EventStore
from device_runtime.http.app_keys import IN_FLIGHT
from device_runtime.http.connections import SlowClients
from device_runtime.http.guard import ShortLog
from device_runtime.scorer import Scorer
from device_runtime.settings import ServerSettings
from tests.device_runtime.test_app import ROUTE, post, talk

HEAD = f"POST {ROUTE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n".encode()
WAIT = 20


@pytest.fixture(scope="module")
def scorer(bundle_path):
    return Scorer.from_path(bundle_path)


def send(port, *parts):
    """Return everything that is answered to bytes, until the server closes."""

    async def run():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for part in parts:
            writer.write(part)
        try:
            return await asyncio.wait_for(reader.read(), WAIT)
        except ConnectionError:
            return b""
        finally:
            writer.close()

    return run()


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/docs/../../etc/passwd",
        "/v2/models/..%2f..%2fetc%2fpasswd",
        "/v2/models/%00/ready",
        "/v2/models/../../../etc/passwd",
        "//etc/passwd",
        "/v2/models/tiny.onnx",
    ],
)
def test_names_that_climb_lead_nowhere(scorer, path):
    async def conversation(client):
        head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        return await send(client.server.port, head.encode())

    answered = talk(scorer, conversation)
    assert answered.split()[1] in (b"400", b"404"), answered
    assert b"root:" not in answered


@pytest.mark.parametrize("user", ["..%2F..%2Fevents.db", "%2e%2e", "1%00", "1;DROP TABLE event"])
def test_a_user_that_climbs_is_no_user(scorer, tmp_path, user):
    with EventStore(tmp_path / "events.db") as events:

        async def conversation(client):
            head = f"DELETE /api/v1/users/{user} HTTP/1.1\r\nHost: localhost\r\n"
            head = head.replace(" TABLE ", "%20TABLE%20") + "Connection: close\r\n\r\n"
            return await send(client.server.port, head.encode())

        assert b" 400 " in talk(scorer, conversation, events=events).split(b"\r\n")[0]


@pytest.mark.parametrize(
    "bomb",
    [
        b"".join(b"X-%d: a\r\n" % number for number in range(20_000)) + b"\r\n",
        b"X: " + b"a" * 10**6,
        b"a" * 10**6,
        b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        b"Content-Length: -1\r\n\r\n",
    ],
    ids=["many", "long", "no name", "two lengths", "length and chunks", "huge chunk", "negative"],
)
def test_heads_that_are_bombs(scorer, bomb):
    async def conversation(client):
        answered = await send(client.server.port, HEAD + bomb)
        async with client.get("/livez") as response:
            return answered, response.status

    answered, alive = talk(scorer, conversation)
    # The connection may be closed before the answer is read: what is sent is still on its way.
    assert not answered or answered.split()[1] == b"400", answered[:100]
    assert alive == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"userId":1,"itemIdList":' + b"[" * 500_000, 400),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400),
        (b'{"userId":' + b"9" * 1_000_000 + b"}", 400),
        (b'{"userId":1,"itemIdList":[' + b"1," * 400_000 + b"1]}", 413),
        (b"[" + b'{"userId":1},' * 50_000 + b"1]", 413),
        (b'{"userId":1,"history":[' + b"[]," * 300_000 + b"1]}", 413),
        (b'{"userId":1,"k":1e400}', 400),
        (b'{"userId":1,"itemIdList":["' + b"\\ud800" * 10 + b'"]}', 400),
    ],
    ids=["lists", "objects", "digits", "candidates", "requests", "history", "huge", "surrogates"],
)
def test_bodies_that_are_bombs(scorer, body, status):
    came, answer = post(scorer, body)
    assert came == status
    assert len(answer["error"]) < 300


def test_too_many_requests_at_a_time(scorer):
    async def conversation(client):
        in_flight = client.server.app[IN_FLIGHT]
        for _ in range(2):
            in_flight.begin()
        answers = []
        for path in ("/healthz", "/livez"):
            async with client.get(path) as response:
                answers.append((response.status, response.headers, await response.json()))
        for _ in range(2):
            in_flight.end()
        async with client.get("/healthz") as response:
            assert response.status == 200
        return answers

    busy, alive = talk(scorer, conversation, ServerSettings(max_requests=2))
    assert busy[0] == 503 and busy[1]["Retry-After"] == "1"
    assert busy[2]["error"].startswith("the server is busy: 2 requests are being answered; send")
    assert alive[0] == 200


def test_a_slow_body_is_answered_and_its_connection_closed(scorer):
    async def conversation(client):
        return await send(client.server.port, HEAD + b"Content-Length: 100\r\n\r\n{")

    answered = talk(scorer, conversation, ServerSettings(read_seconds=0.05))
    head, body = answered.split(b"\r\n\r\n")
    assert b" 408 " in head and b"Connection: close" in head
    assert json.loads(body)["error"] == (
        "body: expected all of it within 0.05 seconds, got less; send it faster"
    )


ALIVE = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def is_closed(reader):
    try:
        return await asyncio.wait_for(reader.read(1), WAIT) == b""
    except ConnectionError:
        return True


def test_a_new_connection_takes_the_place_of_what_waits_longest(scorer):
    async def talk_to(port):
        settled, silent = await asyncio.open_connection("127.0.0.1", port), []
        for _ in range(4):  # One more than there is room for, beside what was answered.
            settled[1].write(ALIVE)
            await settled[0].readuntil(b'"}')
            silent.append(await asyncio.open_connection("127.0.0.1", port))
        assert await is_closed(silent[0][0])
        settled[1].write(ALIVE)
        answered = await settled[0].readuntil(b'"}')
        assert not any(reader.at_eof() for reader, _ in silent[1:])
        for _, writer in (settled, *silent):
            writer.close()
        return answered

    settings = ServerSettings(port=0, max_requests=2, max_connections=4)
    assert b" 200 " in served(scorer, settings, talk_to)


BAD = {
    "two hosts": b"GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
    "a length below 0": HEAD + b"Content-Length: -5\r\n\r\n",
    "no gzip": HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    "no head": b"GET /%s" + 9000 * b"x" + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


@pytest.mark.parametrize("what", BAD)
def test_what_a_client_did_wrong_takes_no_more_than_a_line_of_the_log(scorer, caplog, what):
    with caplog.at_level(logging.INFO):
        answered = served(scorer, ServerSettings(port=0), lambda port: send(port, BAD[what]))
    assert b" 400 " in answered
    assert not [one for one in caplog.records if one.exc_info or "\n" in one.getMessage()]


def test_a_traceback_of_what_the_server_did_wrong_stays(caplog):
    log = ShortLog(logging.getLogger("here"))
    caplog.set_level(logging.INFO)
    for error in (ValueError("ours"), ConnectionResetError("100% theirs")):
        log.error("Error handling request from %s", "127.0.0.1", exc_info=error)
    ours, theirs = caplog.records
    assert ours.exc_info and not theirs.exc_info
    assert (ours.levelno, theirs.levelno) == (logging.ERROR, logging.INFO)
    assert theirs.getMessage() == "Error handling request from 127.0.0.1: '100% theirs'"


def test_a_request_that_is_answered_keeps_its_connection(scorer):
    async def talk_to(port):
        begun = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for reader, writer in begun:
            writer.write(HEAD + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{")
            await reader.readuntil(b"100 Continue\r\n\r\n")  # It is waiting for the body.
        one_more, its_writer = await asyncio.open_connection("127.0.0.1", port)
        assert await is_closed(one_more)
        its_writer.close()
        answers = []
        for reader, writer in begun:
            writer.write(b"}")
            answers.append(await reader.readuntil(b"\r\n"))
            writer.close()
        return answers

    settings = ServerSettings(port=0, max_requests=2, max_connections=2)
    assert all(b" 400 " in one for one in served(scorer, settings, talk_to))


def served(scorer, settings, talk_to):
    """Serve, as the command does, while `talk_to` talks to the port; returns what it returns."""

    async def run():
        found = asyncio.get_running_loop().create_future()
        server = asyncio.create_task(serve(scorer, settings, ready=found.set_result))
        try:
            url = await asyncio.wait_for(found, WAIT)
            return await talk_to(int(url.split(":")[2].split("/")[0]))
        finally:
            server.cancel()
            await asyncio.gather(server, return_exceptions=True)

    return asyncio.run(run())


@pytest.mark.parametrize("sent", [b"", HEAD, HEAD + b"X-Slow: "], ids=["none", "head", "header"])
def test_a_head_that_does_not_end_is_not_waited_for(scorer, sent):
    settings = ServerSettings(port=0, read_seconds=0.1)
    assert served(scorer, settings, lambda port: send(port, sent)) == b""


def test_who_does_not_read_is_not_waited_for(scorer):
    async def talk_to(port):
        body = json.dumps({"userId": 1, "itemIdList": [1] * 10_000}).encode()
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setblocking(False)
            loop = asyncio.get_running_loop()
            request = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
            with pytest.raises(ConnectionError):
                # Its answers fill every buffer long before.
                await asyncio.wait_for(loop.sock_sendall(client, request * 1000), WAIT)

    served(scorer, ServerSettings(port=0, read_seconds=0.2, idle_seconds=0.2), talk_to)


def test_a_request_that_is_answered_is_never_overdue():
    clients = SlowClients(head_seconds=1, idle_seconds=2)
    clients.begin("a")
    assert clients.overdue(["a", "b"], now=0) == []
    assert clients.overdue(["a", "b"], now=1e9) == ["b"]
    clients.end("a")
    assert clients.overdue(["a"], now=1e12) == ["a"]
