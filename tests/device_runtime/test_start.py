"""What a start leaves out, and that it comes when it is needed."""

import json
import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from device_runtime.access import AccessSettings
from device_runtime.scorer import Scorer
from edgerec.feed import new_key
from tests.device_runtime.devices import Device
from tests.device_runtime.feeds import Feed, model

# Starts as the command does, and says what it has loaded when it accepts requests.
STARTED = """
import gc, json, os, ssl, sys
import device_runtime.__main__ as command
import device_runtime.notify

def accepted(self, state):
    gc.unfreeze()
    contexts = [one for one in gc.get_objects() if isinstance(one, ssl.SSLContext)]
    n_certificates = sum(one.cert_store_stats()["x509"] for one in contexts)
    file = os.environ["SSL_CERT_FILE"]
    found = [gc.isenabled(), len(contexts), n_certificates, file, *sys.modules]
    print(json.dumps(found), flush=True)
    os._exit(0)

device_runtime.notify.Notifier.send = accepted
command.main()
"""
# SQLite, archives of settings, masked arrays, what describes the interface, what follows a feed.
UNNEEDED = {
    *("sqlite3", "tomllib", "numpy.ma", "difflib", "statistics", "cryptography"),
    *("device_runtime.http.openapi", "device_runtime.http.documentation", "device_runtime.logs"),
    *("device_runtime.events", "device_runtime.updates"),
}


def test_a_start_loads_what_it_needs_and_no_certificates_of_others(certificate):
    command = [sys.executable, "-c", STARTED, str(model(1)[0]), "--port", "0"]
    # Variables of the whole project that are no option would be compared with those that are.
    others = {name: value for name, value in os.environ.items() if name[:8] != "EDGEREC_"}
    environment = {**others, "SSL_CERT_FILE": str(certificate[0])}
    run = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode == 0, run.stderr
    collects, n_contexts, n_certificates, file, *modules = json.loads(run.stdout.splitlines()[-1])
    assert collects
    assert n_contexts and not n_certificates
    assert file == str(certificate[0])
    assert "device_runtime.app" in modules and "aiohttp.web" in modules
    assert set(modules) & UNNEEDED == set()


@pytest.fixture
def https_feed(tmp_path, certificate):
    made = Feed(tmp_path, new_key(tmp_path / "shop.key"))
    made.publish(2)
    files = AccessSettings(certificate=str(certificate[0]), private_key=str(certificate[1]))
    made.start(files.tls())
    yield made
    made.stop()


def test_a_feed_over_https_is_believed_by_the_certificates_of_the_machine(
    https_feed, certificate, tmp_path, monkeypatch
):
    monkeypatch.setenv(ssl.get_default_verify_paths().openssl_cafile_env, str(certificate[0]))
    device = Device(https_feed.settings(tmp_path / "device"), model(1)[0])
    assert device.look() == "sequence 2 is served"


def test_a_feed_over_https_of_nobody_that_is_known_is_refused(https_feed, tmp_path, monkeypatch):
    monkeypatch.delenv(ssl.get_default_verify_paths().openssl_cafile_env, raising=False)
    device = Device(https_feed.settings(tmp_path / "device"), model(1)[0])
    assert "certificate verify failed" in device.look()
    assert https_feed.asked == [] and device.sequence == 0


def resident_code() -> int:
    """Return how many kB of ONNX Runtime's code are in the memory of this process."""
    n_kilobytes, counts = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        name, *rest = line.split()
        if "-" in name:
            counts = rest[0] == "r-xp" and "onnxruntime" in rest[-1]
        elif name == "Rss:" and counts:
            n_kilobytes += int(rest[0])
    return n_kilobytes


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux is told")
def test_code_that_only_opening_a_graph_needs_is_let_go_after_the_golden_requests(bundle_path):
    scorer = Scorer.from_path(bundle_path)
    before, answer = resident_code(), scorer.run(user_id=108, item_ids=[1, 2, 39])
    scorer.run_golden()
    assert resident_code() < before / 4
    again = scorer.run(user_id=108, item_ids=[1, 2, 39])
    assert answer.scores.tobytes() == again.scores.tobytes()
    assert 0 < resident_code() < before
