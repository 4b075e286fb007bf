"""``python -m device_runtime``: one line when it serves, one sentence when it cannot."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from device_runtime.__main__ import main
from device_runtime.app import serve
from device_runtime.events.store import EventStore
from device_runtime.events.table import Event
from device_runtime.scorer import Scorer
from device_runtime.settings import ServerSettings

ROUTE = "/api/v1/recommend"
BODY = json.dumps({"userId": 108, "itemIdList": [1, 2]}).encode()
HEAD = (
    f"POST {ROUTE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    f"Content-Length: {len(BODY)}\r\n\r\n"
).encode()


@contextlib.contextmanager
def running(*arguments: str | Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "device_runtime", *map(str, arguments)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process, process.stdout.readline()
        finally:
            process.kill()


def port_of(line: str) -> int:
    return urlsplit(line.split()[-1]).port


def wait_until_refused(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return
        time.sleep(0.05)
    raise AssertionError("the server still accepts connections")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_a_request_finish(bundle_path, number):
    with running(bundle_path, "--port", "0") as (process, line):
        assert line.startswith("serving tiny on http://127.0.0.1:")
        assert line.endswith(f"{ROUTE}\n")
        port = port_of(line)
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as begun,
            socket.create_connection(("127.0.0.1", port), timeout=10) as idle,
        ):
            idle.sendall(HEAD + BODY)
            assert b" 200 OK" in idle.recv(4096)
            begun.sendall(HEAD + BODY[:5])
            # A second answer on the other connection: the server has seen the first half.
            idle.sendall(HEAD + BODY)
            assert b" 200 OK" in idle.recv(4096)
            process.send_signal(number)
            wait_until_refused(port)
            begun.sendall(BODY[5:])
            answer = begun.recv(4096)
            assert begun.recv(4096) == b""
            assert idle.recv(4096) == b""
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert b'"itemId":2' in answer
        assert process.wait(timeout=10) == 0
        assert process.stderr.read() == ""


def test_options(bundle_path):
    arguments = ("--port", "0", "--route", "/best", "--allow-host", "shop.lan")
    with running(bundle_path, *arguments) as (_, line):
        connection = HTTPConnection("127.0.0.1", port_of(line), timeout=10)
        headers = {"Content-Type": "application/json", "Host": "shop.lan"}
        connection.request("POST", "/best", BODY, headers)
        assert connection.getresponse().status == 200
        connection.close()


def failing(capsys, *arguments: str | Path) -> str:
    assert main([str(each) for each in arguments]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("error: ")
    assert output.err.count("\n") == 1
    return output.err


def test_sentences(capsys, bundle_path, edit_manifest):
    assert "no such file; pass the path" in failing(capsys, "nowhere.onnx")
    assert "port: expected 0 to 65535" in failing(capsys, bundle_path, "--port", "99999")
    assert "route: expected a path" in failing(capsys, bundle_path, "--route", "x")

    def change(manifest):
        manifest["golden"][0]["outputs"]["scores"][0] = 0.1

    assert "golden request 'neutral'" in failing(capsys, edit_manifest(change))


def test_a_port_that_is_taken(capsys, bundle_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        error = failing(capsys, bundle_path, "--port", str(port))
    assert error == (
        f"error: 127.0.0.1:{port}: the port is taken; choose another port, or 0 for a free one\n"
    )


def test_an_address_of_another_device(capsys, bundle_path):
    error = failing(capsys, bundle_path, "--host", "192.0.2.1", "--port", "0", "--no-token")
    assert "192.0.2.1:0: the address cannot be listened on; choose another host" in error


def test_help_shows_an_example(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert "python -m device_runtime models/demo.onnx --port 8080" in text
    assert "--allow-host NAME" in text


def test_off_the_main_thread_it_is_cancelled(bundle_path):
    urls = []

    async def run() -> None:
        ready = asyncio.Event()

        def note(url: str) -> None:
            urls.append(url)
            ready.set()

        scorer = Scorer.from_path(bundle_path)
        task = asyncio.create_task(serve(scorer, ServerSettings(port=0), ready=note))
        await ready.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    thread.join(timeout=20)
    assert not thread.is_alive()
    assert urls
    assert not urls[0].endswith(f":0{ROUTE}")


def test_signal_handlers_are_given_back(bundle_path):
    before = signal.getsignal(signal.SIGTERM)
    scorer = Scorer.from_path(bundle_path)

    def stop(_: str) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    asyncio.run(serve(scorer, ServerSettings(port=0), ready=stop))
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_doctor_says_what_is_here_and_how_long_it_takes(capsys, bundle_path, tmp_path):
    arguments = ["doctor", str(bundle_path), "--events", str(tmp_path / "not" / "yet" / "e.db")]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    found = {line[:16].strip(): line[17:] for line in printed.splitlines()}
    assert found["model"].startswith("tiny: 6 items")
    assert re.fullmatch(r"all \d+ answered here as at export", found["golden requests"])
    assert re.fullmatch(
        r"[\d.]+ ms, 95 of 100 within [\d.]+ ms, one thread", found["the catalogue"]
    )
    assert re.fullmatch(r"\d+ MB free at .*", found["events"])


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")
def test_the_doctor_opens_the_file_of_events_and_tries_its_folder(capsys, bundle_path, tmp_path):
    def said(path):
        code = main(["doctor", str(bundle_path), "--events", str(path)])
        return code, capsys.readouterr()

    with EventStore(tmp_path / "e.db") as store:
        store.add([Event(1, 7, "liked", 4.5, int(time.time()))])
    assert "1 kept, " in said(tmp_path / "e.db")[1].out
    assert "but nothing can be written there (" in said("/proc/nowhere/e.db")[1].out
    (tmp_path / "no.db").write_text("no database at all, " * 100)
    code, printed = said(tmp_path / "no.db")
    assert code == 1 and "expected a place where events can be kept" in printed.err


def test_whoever_reads_the_first_lines_of_events_sees_no_traceback(tmp_path):
    with EventStore(tmp_path / "e.db") as store:
        store.add([Event(1, 7, "liked", 4.5, int(time.time()))] * 1000)
    command = [sys.executable, "-m", "device_runtime", "events", str(tmp_path / "e.db")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.wait(60) == 0
    assert process.stderr.read() == b""
    process.stderr.close()


def test_the_doctor_of_a_damaged_model_says_first_what_the_machine_is(capsys, own_bundle):
    own_bundle.write_bytes(own_bundle.read_bytes()[:-1])
    assert main(["doctor", str(own_bundle)]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("machine") and "golden" not in printed.out
    assert printed.err.startswith("error: ") and "copy both files again" in printed.err


def test_events_are_written_as_lines(capsys, tmp_path):
    now = int(time.time())
    with EventStore(tmp_path / "events.db") as store:
        store.add([Event(1, 7, "liked", 4.5, now), Event("ä", "b", "viewed", None, now - 5)])
    assert main(["events", str(tmp_path / "events.db")]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    names = ("user_id", "item_id", "event", "value", "timestamp")
    assert [tuple(line[name] for name in names) for line in lines] == [
        (1, 7, "liked", 4.5, now),
        ("ä", "b", "viewed", None, now - 5),
    ]
    assert main(["events", str(tmp_path / "none.db")]) == 1
    assert "there is no such file; name the one given to --events" in capsys.readouterr().err
