"""Settings from a file and the environment, logs as JSON, systemd's watchdog, the board's unit."""

import asyncio
import configparser
import json
import logging
import os
import re
import shlex
import socket
import subprocess
import sys
import time
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from device_runtime.__main__ import main
from device_runtime.access import AccessSettings
from device_runtime.app import serve
from device_runtime.configuration import by_option, in_words, misspelt, parsed
from device_runtime.logs import JsonFormatter
from device_runtime.notify import Notifier
from device_runtime.options import serve_parser, server_settings
from device_runtime.scorer import Scorer
from device_runtime.settings import ServerSettings
from tests.device_runtime.test_main import running

BOARD = Path(__file__).parents[2] / "examples" / "board"


def options(arguments=(), environment=None):
    return parsed(serve_parser(), ["model.onnx", *arguments], environment or {})


def test_the_command_line_comes_first_then_the_environment_then_the_file(tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text(
        'port = 1\nhost = "a"\nroute = "/a"\nallow-host = ["x", "y"]\nno-token = true\n'
    )
    environment = {"EDGEREC_PORT": "2", "EDGEREC_HOST": "b", "EDGEREC_CONFIG": str(file)}
    found = options(["--port", "3"], environment)
    assert (found.port, found.host, found.route) == (3, "b", "/a")
    assert (found.allow_host, found.no_token) == (["x", "y"], True)
    assert options().port == 8080
    found = options([], {"EDGEREC_ALLOW_HOST": "p, q", "EDGEREC_NO_TOKEN": "1"})
    assert (found.allow_host, found.no_token) == (["p", "q"], True)


def test_every_limit_has_an_option(tmp_path):
    """Whichever place it is set in, it arrives."""
    assert server_settings(options(), {}) == ServerSettings()
    kinds = {one.name: one.type for one in fields(ServerSettings)}
    limits = [name for name, kind in kinds.items() if kind in (int, float) and name != "port"]
    assert len(limits) == 14
    wanted = {name: 300 + number for number, name in enumerate(limits)}
    settings = ServerSettings(**wanted)
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in wanted.items()]
    assert server_settings(options(flags), {}) == settings
    environment = {f"EDGEREC_{name.upper()}": str(value) for name, value in wanted.items()}
    assert server_settings(options([], environment), {}) == settings
    file = tmp_path / "settings.toml"
    file.write_text("".join(f"{name.replace('_', '-')} = {wanted[name]}\n" for name in limits))
    assert server_settings(options(["--config", str(file)]), {}) == settings
    assert options([], {"EDGEREC_READ_SECONDS": "0.5"}).read_seconds == 0.5
    readme = (BOARD.parents[1] / "device_runtime" / "README.md").read_text("utf-8")
    for name in limits:
        assert f"`--{name.replace('_', '-')}`" in readme.partition("### Limits")[2], name


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("read-seconds = true", "read-seconds: expected a number, got True"),
        ("prot = 1", "prot: unknown key; the keys are allow-host, allow-origin, certificate, "),
        ("port = 'x'", "port: expected an integer, got 'x'"),
        ("no-token = 1", "no-token: expected true or false, got 1"),
        ("allow-host = 'x'", "allow-host: expected a list of texts, got 'x'"),
        ("host = 1", "host: expected a text, got 1"),
        ("port =", "expected settings in TOML, but "),
        ("config = 'x'", "config: unknown key"),
        (
            "token = 'x'",
            "token: a secret does not stand among settings; write it into a file",
        ),
    ],
)
def test_a_file_that_is_wrong(tmp_path, content, sentence):
    file = tmp_path / "settings.toml"
    file.write_text(content)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        options(["--config", str(file)])


def test_an_environment_that_is_wrong_and_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="EDGEREC_PORT: expected an integer, got 'x'"):
        options([], {"EDGEREC_PORT": "x"})
    with pytest.raises(ValueError, match="EDGEREC_NO_TOKEN: expected 1 or 0, got 'perhaps'"):
        options([], {"EDGEREC_NO_TOKEN": "perhaps"})
    with pytest.raises(ValueError, match="EDGEREC_IDLE_SECONDS: expected a number, got 'x'"):
        options([], {"EDGEREC_IDLE_SECONDS": "x"})
    with pytest.raises(ValueError, match="but No such file or directory"):
        options(["--config", str(tmp_path / "none.toml")])


def test_a_wrong_file_is_one_sentence(capsys, bundle_path, tmp_path):
    assert main([str(bundle_path), "--config", str(tmp_path / "none.toml")]) == 1
    assert capsys.readouterr().err.startswith("error: ")


def test_a_limit_that_cannot_be_is_one_sentence(capsys, bundle_path):
    assert main([str(bundle_path), "--max-batch", "0"]) == 1
    assert capsys.readouterr().err == "error: --max-batch: expected 1 or more, got 0\n"
    assert main([str(bundle_path), "--allow-origin", "shop"]) == 1
    assert capsys.readouterr().err.startswith("error: --allow-origin: expected an origin like")
    assert main([str(bundle_path), "--route", "x"]) == 1
    assert capsys.readouterr().err.startswith("error: --route: expected a path like")
    sentence = by_option(serve_parser(), "every_seconds: expected more than 0, got 0.0")
    assert sentence == "--feed-minutes: expected more than 0, got 0.0"


def test_a_variable_that_is_nearly_an_option_is_named():
    environment = {"EDGEREC_MAX_CANDIDATE": "5", "EDGEREC_DATA": "/data", "EDGEREC_PORT": "1"}
    (sentence,) = misspelt(serve_parser(), environment)
    assert sentence == (
        "EDGEREC_MAX_CANDIDATE in the environment is no option; did you mean "
        "EDGEREC_MAX_CANDIDATES?"
    )


def test_the_options_in_words_are_a_file_that_says_the_same(tmp_path):
    given = ["--port", "3", "--allow-host", "shop.local", "--no-token", "--events", 'a "b".db']
    said = in_words(serve_parser(), options(given))
    file = tmp_path / "settings.toml"
    file.write_text(said.replace(", ", "\n"))
    assert vars(options(["--config", str(file)])) | {"config": None} == vars(options(given))


def test_a_server_that_listens_everywhere_says_so():
    assert ServerSettings(host="0.0.0.0", access=AccessSettings(no_token=True)).is_everywhere
    assert not ServerSettings().is_everywhere


def test_what_was_set_is_printed_without_secrets(bundle_path, tmp_path):
    token = tmp_path / "token"
    token.write_text("a-secret-that-nobody-prints\n")
    arguments = ["--port", "0", "--token-file", token, "--events", tmp_path / "events.db"]
    with running(bundle_path, *arguments) as (process, line):
        assert line.startswith("serving tiny on http://127.0.0.1:")
        settings = process.stdout.readline()
        assert "max-candidates = 10000" in settings and settings.endswith(
            "; a token is asked for\n"
        )
        assert "a-secret" not in settings
        assert process.stdout.readline().endswith("events.db: on the disk within 0.5 s\n")


def test_logs_as_json_hold_the_traceback():
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        record = logging.getLogger("x").makeRecord(
            "x", logging.ERROR, "", 0, "a request failed", (), True
        )
        record.exc_info = sys.exc_info()
    line = json.loads(JsonFormatter().format(record))
    assert line["level"] == "error" and "RuntimeError: broken" in line["traceback"]


def test_what_keeps_a_server_from_starting_is_a_line_of_json_too(tmp_path):
    command = [sys.executable, "-m", "device_runtime", str(tmp_path / "none.onnx")]
    environment = {**os.environ, "EDGEREC_MAX_CANDIDATE": "5"}
    run = subprocess.run(
        [*command, "--log-format", "json"], env=environment, capture_output=True, text=True
    )
    warned, failed = map(json.loads, run.stderr.splitlines())
    assert run.returncode == 1
    assert warned["level"] == "warning" and "MAX_CANDIDATES?" in warned["message"]
    assert failed["level"] == "error" and "none.onnx" in failed["message"]


def test_systemd_hears_that_it_is_ready_alive_and_stopping(bundle_path, tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "100000")

        async def run():
            scorer = Scorer.from_path(bundle_path)
            serving = asyncio.create_task(serve(scorer, ServerSettings(port=0)))
            await asyncio.sleep(0.3)
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

        asyncio.run(run())
        heard = [listening.recv(100) for _ in range(4)]
    assert heard[0] == b"READY=1"
    assert heard[1:] == [b"WATCHDOG=1"] * 3


def test_without_systemd_nothing_is_sent():
    notifier = Notifier({})
    notifier.send("READY=1")
    asyncio.run(notifier.watch())
    started = time.monotonic()
    Notifier({"NOTIFY_SOCKET": "/not/there"}).send("READY=1")
    assert time.monotonic() - started < 1


def test_the_unit_of_the_board_uses_options_that_there_are():
    unit = configparser.ConfigParser(strict=False, interpolation=None, delimiters="=")
    unit.optionxform = str
    unit.read(BOARD / "edgerec.service")
    service = unit["Service"]
    program, *arguments = shlex.split(service["ExecStart"])
    assert program.endswith("/edgerec-device")
    found = parsed(serve_parser(), arguments, {})
    assert found.model == "/opt/edgerec/model/movielens.onnx" and found.log_format == "json"
    # The files keep the names that export gave them, or nothing starts.
    page = (BOARD / "README.md").read_text("utf-8")
    assert "--output movielens.onnx" in page and f"doctor {found.model}" in page
    assert f"-t {Path(found.model).parent} movielens.onnx movielens.json" in page
    for name in ("NoNewPrivileges", "DynamicUser", "ProtectHome", "PrivateDevices"):
        assert service[name] == "yes"
    assert service["ProtectSystem"] == "strict" and service["MemoryMax"] and service["WatchdogSec"]


def test_the_image_of_the_board_sets_what_there_is():
    text = (BOARD / "Dockerfile").read_text("utf-8")
    copied = re.findall(r"^COPY (\w+) ", text, re.MULTILINE)
    project = tomllib.loads((BOARD.parents[1] / "device_runtime/pyproject.toml").read_text("utf-8"))
    hook = project["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]["path"]
    assert "device_runtime" in copied and Path(hook).parts[:2] == ("..", copied[1])
    names = dict(re.findall(r"\b(EDGEREC_[A-Z_]+)=(\S+)", text))
    names.pop("EDGEREC_TOKEN")
    found = parsed(serve_parser(), ["model.onnx"], names)
    assert (found.host, found.events, found.log_format) == ("0.0.0.0", "/state/events.db", "json")
