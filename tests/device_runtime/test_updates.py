"""A device follows its feed, and whatever the feed does, it serves a model that was verified."""

import asyncio
import json
import shutil
import signal
import sys
import time
import urllib.request

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

import device_runtime.updates.updater
from device_runtime.__main__ import main
from device_runtime.app import create_app
from device_runtime.errors import StorageError
from device_runtime.updates.settings import update_settings
from device_runtime.updates.versions import VersionFolder
from edgerec.feed import new_key
from tests.device_runtime.conftest import write_bundle
from tests.device_runtime.devices import Device, sequence_of
from tests.device_runtime.feeds import Feed, model
from tests.device_runtime.test_app import JSON, ROUTE
from tests.device_runtime.test_main import port_of, running
from tests.device_runtime.test_served import Failing


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return new_key(tmp_path_factory.mktemp("key") / "shop.key")


@pytest.fixture(scope="module")
def published(tmp_path_factory, key):
    """A feed whose newest sequence is 3; the models of 2 are there too. Not to be changed."""
    folder = tmp_path_factory.mktemp("published")
    made = Feed(folder, key)
    made.publish(2)
    made.publish(3)
    return folder


@pytest.fixture
def feed(tmp_path, key, published):
    """A copy of it, on a server."""
    shutil.copytree(published, tmp_path, dirs_exist_ok=True)
    made = Feed(tmp_path, key)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def packaged():
    return model(1)[0]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "device"


def test_a_new_model_is_taken_and_kept(feed, packaged, folder):
    device = Device(feed.settings(folder), packaged)
    assert device.sequence == 0
    assert device.look() == "sequence 3 is served"
    assert device.sequence == 3 and device.served.on_trial
    assert not (folder / "incoming").exists()
    # It is there after a start without a feed, and nothing is fetched twice.
    feed.asked.clear()
    device = Device(feed.settings(folder), packaged)
    assert device.sequence == 3
    device.look(2)
    assert feed.asked == ["latest.json"] * 2
    assert device.updater.status()["bytesReceived"] < 100


def test_the_next_one_comes_as_a_delta(feed, packaged, folder):
    Device(feed.settings(folder), packaged).look()
    feed.publish(4)
    feed.asked.clear()
    device = Device(feed.settings(folder), packaged)
    device.look()
    assert device.sequence == 4
    fetched = [path for path in feed.asked if path.startswith("models/")]
    assert "models/4/from-3.onnx.delta" in fetched and "models/4/tiny.onnx" not in fetched
    state = device.versions.state
    assert (state.previous, state.floor) == (3, 4)
    assert {one.name for one in (folder / "versions").iterdir()} == {"3", "4"}


@pytest.mark.parametrize("damage", ["bits", "gone"])
def test_a_damaged_delta_is_no_hindrance(feed, packaged, folder, damage):
    Device(feed.settings(folder), packaged).look()
    feed.publish(4)
    delta = feed.file(4, "from-3.onnx.delta")
    if damage == "bits":
        delta.write_bytes(delta.read_bytes()[:-1] + b"?")
    else:
        delta.unlink()
    device = Device(feed.settings(folder), packaged)
    device.look()
    assert device.sequence == 4
    assert "models/4/tiny.onnx" in feed.asked


# What a feed, or whoever stands between, can do. Each is one sentence, and 2 goes on being served.


def rewrite(path, change):
    path.write_bytes(change(path.read_bytes()))


def flip(content):
    return content[:40] + bytes([content[40] ^ 1]) + content[41:]


def by_another_key(feed, key):
    made = feed.folder / "manifests" / "3.json"
    other = new_key(feed.folder / "other.key")
    made.with_name("3.json.minisig").write_text(other.signature(made.read_bytes(), "x"))


def renamed(feed, key):
    """An older manifest, signed as it was, under a new name."""
    for end in ("json", "json.minisig"):
        shutil.copy(feed.folder / f"manifests/2.{end}", feed.folder / f"manifests/3.{end}")


def signed_wrongly(change):
    def damage(feed, key):
        path = feed.folder / "manifests" / "3.json"
        manifest = json.loads(path.read_text())
        change(manifest)
        path.write_text(json.dumps(manifest))
        path.with_name("3.json.minisig").write_text(key.signature(path.read_bytes(), "x"))

    return damage


FAULTS = {
    "a manifest with a flipped bit": (
        lambda feed, key: rewrite(feed.folder / "manifests/3.json", flip),
        "the signature is not of this content",
    ),
    "a truncated manifest": (
        lambda feed, key: rewrite(feed.folder / "manifests/3.json", lambda old: old[:-20]),
        "the signature is not of this content",
    ),
    "no signature": (
        lambda feed, key: (feed.folder / "manifests/3.json.minisig").unlink(),
        "3.json.minisig: the feed answers with status 404",
    ),
    "another key": (by_another_key, "which is not the one given by --feed-key"),
    "an old manifest under a new name": (renamed, "expected sequence 3, got 2"),
    "a model with a flipped bit": (
        lambda feed, key: rewrite(feed.file(3), flip),
        "tiny.onnx: its hash is not the one that was signed",
    ),
    "a truncated model": (
        lambda feed, key: rewrite(feed.file(3), lambda old: old[:-20]),
        "bytes; it goes on there",
    ),
    "a longer model": (
        lambda feed, key: rewrite(feed.file(3), lambda old: old + b"more"),
        "bytes, got more",
    ),
    "a pointer that is none": (
        lambda feed, key: rewrite(feed.folder / "latest.json", lambda old: b"<html>"),
        "latest.json: expected an object of JSON",
    ),
    "a pointer that is too long": (
        lambda feed, key: rewrite(feed.folder / "latest.json", lambda old: old + b" " * 2000),
        "latest.json: expected at most 1024 bytes",
    ),
    "a version of tomorrow": (
        signed_wrongly(lambda manifest: manifest.update(feed_version=2)),
        "this runtime reads feed version 1, the feed has 2",
    ),
    "a path that leads elsewhere": (
        signed_wrongly(
            lambda manifest: manifest["files"]["graph"].update(path="a/../../tiny.onnx")
        ),
        "graph.path: expected a path inside the feed",
    ),
    "a model that is too large": (
        signed_wrongly(lambda manifest: manifest["files"]["graph"].update(bytes=2**30)),
        "bytes, and at most 536870912 are taken",
    ),
    "sizes beyond all": (
        signed_wrongly(lambda manifest: manifest["files"]["graph"].update(bytes=2**60)),
        "graph.bytes: expected 1 to",
    ),
}


@pytest.fixture
def at_two(feed, packaged, folder):
    """A device that serves sequence 2, of a feed that offers 3."""
    pointer = feed.folder / "latest.json"
    newest = pointer.read_bytes()
    pointer.write_text('{"sequence": 2}')
    device = Device(feed.settings(folder), packaged)
    assert device.look() == "sequence 2 is served"
    pointer.write_bytes(newest)
    device.served.accept()
    # Whole files, not deltas.
    for delta in feed.folder.glob("models/3/*.delta"):
        delta.unlink()
    return device


@pytest.mark.parametrize("fault", FAULTS)
def test_a_feed_that_is_wrong(feed, at_two, packaged, folder, key, fault):
    damage, sentence = FAULTS[fault]
    damage(feed, key)
    assert sentence in at_two.look()
    assert at_two.sequence == 2 and at_two.updater.n_failures == 1
    at_two.look()
    assert at_two.sequence == 2
    assert Device(feed.settings(folder), packaged).sequence == 2


def test_an_older_model_is_not_taken(feed, packaged, folder):
    device = Device(feed.settings(folder), packaged)
    device.look()
    replayed = feed.folder / "latest.json"
    replayed.write_text('{"sequence": 2}')
    assert "the feed offers sequence 2, but 3 was signed before" in device.look()
    assert device.sequence == 3
    # Not even where nothing but the floor is left of the package and of the models.
    shutil.rmtree(folder / "versions")
    device = Device(feed.settings(folder), packaged)
    assert device.sequence == 0
    assert "an older model is not taken" in device.look()
    assert device.sequence == 0


def test_two_manifests_of_one_sequence(feed, at_two, key):
    rewrite(feed.file(3), flip)
    at_two.look()
    signed_wrongly(lambda manifest: manifest.update(name="another"))(feed, key)
    assert "sequence 3: two manifests of it are signed" in at_two.look()


async def endless(request, path):
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        while True:
            await response.write(b"x" * 65536)
    except ConnectionError:
        return response


async def slow(request, path):
    response = web.StreamResponse()
    await response.prepare(request)
    for byte in path.read_bytes():
        await response.write(bytes([byte]))
        await asyncio.sleep(0.05)
    return response


async def silent(request, path):
    await asyncio.sleep(20)
    return web.Response()


async def compressed(request, path):
    return web.Response(body=b"x", headers={"Content-Encoding": "gzip"})


async def broken(request, path):
    return web.Response(status=503)


def to(address):
    async def elsewhere(request, path):
        return web.Response(status=302, headers={"Location": address})

    return elsewhere


@pytest.mark.parametrize(
    ("file", "fault", "sentence"),
    [
        ("latest.json", endless, "latest.json: expected at most 1024 bytes, got more"),
        ("3.json.minisig", endless, "expected at most 4096 bytes, got more"),
        ("tiny.onnx", endless, "bytes, got more"),
        ("tiny.onnx", slow, "tiny.onnx: the feed is too slow, or does not answer"),
        ("latest.json", silent, "latest.json: the feed is too slow, or does not answer"),
        ("tiny.onnx", compressed, "tiny.onnx: comes compressed"),
        ("latest.json", broken, "latest.json: the feed answers with status 503"),
        ("tiny.onnx", to("http://127.0.0.1:9/x"), "which is another server"),
        ("latest.json", to("https://localhost/feed/latest.json"), "which is another server"),
        ("latest.json", to("//[bad"), "which is another server"),
        ("latest.json", to("latest.json"), "latest.json: more than 3 redirects"),
    ],
)
def test_a_server_that_is_wrong(feed, at_two, packaged, folder, file, fault, sentence):
    feed.fault[file] = fault
    device = Device(feed.settings(folder, quiet_seconds=0.3, download_seconds=0.5), packaged)
    assert sentence in device.look()
    assert device.sequence == 2
    # And when it is repaired:
    feed.fault.clear()
    device.look()
    assert device.sequence == 3


def test_a_redirect_on_the_same_server_is_followed(feed, packaged, folder):
    shutil.move(feed.folder / "latest.json", feed.folder / "newest.json")
    feed.fault["latest.json"] = to("newest.json")
    device = Device(feed.settings(folder), packaged)
    device.look()
    assert device.sequence == 3


def test_a_broken_download_goes_on_where_it_ended(feed, at_two):
    content = feed.file(3).read_bytes()
    half = len(content) // 2

    async def cut(request, path):
        response = web.StreamResponse(headers={"Content-Length": str(len(content))})
        await response.prepare(request)
        await response.write(content[:half])
        request.transport.close()
        return response

    feed.fault["tiny.onnx"] = cut
    assert "tiny.onnx: the feed does not answer" in at_two.look()
    ranges = []

    async def noted(request, path):
        ranges.append(request.headers.get("Range"))
        return web.FileResponse(path)

    feed.fault["tiny.onnx"] = noted
    before = at_two.updater.status()["bytesReceived"]
    at_two.look()
    assert at_two.sequence == 3
    assert ranges == [f"bytes={half}-"]
    assert at_two.updater.status()["bytesReceived"] - before < half + 3000


def test_a_part_that_was_damaged_is_fetched_again(feed, at_two, folder):
    digest = json.loads((feed.folder / "manifests/3.json").read_text())["files"]["graph"]["sha256"]
    (folder / "incoming").mkdir()
    (folder / "incoming" / f"{digest}.part").write_bytes(bytes(100))
    assert "its hash is not the one that was signed" in at_two.look()
    at_two.look()
    assert at_two.sequence == 3


# Models that are whole, and not fit.


def golden_answer(manifest):
    manifest["golden"][0]["outputs"]["scores"][0] = 0.123


def other_ids(manifest):
    manifest["id_types"]["item"] = "string"


@pytest.mark.parametrize(
    ("change", "changed", "sentence"),
    [
        (golden_answer, {}, "golden request 'neutral': scores[0]: expected 0.123"),
        (other_ids, {}, "inputs.item_ids: expected type string"),
        (lambda manifest: None, {"max_latency_ms": 1e-9}, "at most 1e-09 ms are allowed"),
        (lambda manifest: None, {"max_memory_bytes": 1000}, "MB are allowed (--feed-max-memory"),
    ],
)
def test_a_model_that_is_not_fit_is_refused_once(
    feed, at_two, packaged, folder, change, changed, sentence
):
    feed.publish(4, change)
    device = Device(feed.settings(folder, **changed), packaged)
    outcome = device.look()
    assert outcome.startswith("sequence 4 is refused: ") and sentence in outcome
    assert device.sequence == 2
    assert not (folder / "versions" / "4").exists()
    # Not tried again, not after a start either; the next one is.
    feed.asked.clear()
    device = Device(feed.settings(folder), packaged)
    device.look(2)
    assert feed.asked == ["latest.json"] * 2 and device.sequence == 2
    assert sentence in device.updater.status()["refused"]["4"]
    assert {name: value for name, _, value in device.updater.gauges()}[
        "edgerec_update_refused"
    ] == 1
    feed.publish(5)
    device.look()
    assert device.sequence == 5


def test_a_model_whose_ids_are_of_another_type_is_refused(feed, at_two, tmp_path, key):
    from edgerec.feed import publish

    (tmp_path / "strings").mkdir()
    publish(write_bundle(tmp_path / "strings", "int64", "string"), feed.folder, key)
    assert "ids of items are string in the new model and int64" in at_two.look()
    assert at_two.sequence == 2


# The service answers throughout.


def asking(device, conversation):
    """Talk to a server whose feed is followed by hand."""

    async def run():
        app = create_app(device.served)
        async with TestClient(TestServer(app, host="127.0.0.1")) as client:
            return await conversation(client)

    return asyncio.run(run())


async def ask(client):
    body = json.dumps({"userId": None, "itemIdList": [1]}).encode()
    async with client.post(ROUTE, data=body, headers=JSON) as response:
        assert response.status == 200, await response.text()
        return (await response.json())["itemScoreList"][0]["score"]


def test_no_request_is_dropped_while_models_change(feed, packaged, folder):
    device = Device(feed.settings(folder), packaged)

    async def conversation(client):
        scores, done = set(), False

        async def keep_asking():
            while not done:
                scores.add(await ask(client))

        asking = [asyncio.create_task(keep_asking()) for _ in range(4)]
        for sequence in (4, 5, 6):
            await device.updater.look()
            device.served.accept()
            await asyncio.to_thread(feed.publish, sequence)
        await device.updater.look()
        await ask(client)
        done = True
        await asyncio.gather(*asking)
        return scores

    assert len(asking(device, conversation)) >= 3
    assert device.sequence == 6


def test_a_model_that_fails_its_answers_is_gone_back_from(feed, packaged, folder, monkeypatch):
    tried = device_runtime.updates.updater.tried
    monkeypatch.setattr(
        device_runtime.updates.updater,
        "tried",
        lambda *given: Failing(tried(*given), RuntimeError("a node failed")),
    )
    device = Device(feed.settings(folder), packaged)

    async def conversation(client):
        await device.updater.look()
        assert device.versions.state.serving == 3
        await ask(client)
        await device.updater.settled()
        await device.updater.look()

    asking(device, conversation)
    assert device.sequence == 0
    assert device.updater.n_returns == 1
    assert device.updater.status()["refused"] == {"3": "RuntimeError: a node failed"}
    monkeypatch.undo()
    # Neither tried again nor served after a start.
    device = Device(feed.settings(folder), packaged)
    device.look()
    assert device.sequence == 0


def test_a_model_that_keeps_the_server_from_staying_up_is_given_up(feed, packaged, folder):
    settings = feed.settings(folder, max_trial_starts=2)
    Device(settings, packaged).look()
    assert [Device(settings, packaged).sequence for _ in range(4)] == [3, 3, 0, 0]
    device = Device(settings, packaged)
    device.look()
    assert device.sequence == 0
    assert "the server started 2 times" in device.updater.status()["refused"]["3"]


class Days:
    """Time that passes only where somebody waits."""

    def __init__(self, seconds):
        self.now, self.end = 1000.0, 1000.0 + seconds

    def clock(self):
        return self.now

    async def sleep(self, seconds):
        self.now += seconds
        await asyncio.sleep(0)
        if self.now >= self.end:
            raise asyncio.CancelledError

    def follow(self, device):
        async def run():
            try:
                await device.updater.run()
            except asyncio.CancelledError:
                await device.updater.settled()

        asyncio.run(run())


def test_a_feed_that_is_down_for_a_day(feed, packaged, folder, at_two):
    feed.fault[""] = broken
    days = Days(86_400)
    device = Device(feed.settings(folder), packaged, clock=days.clock, sleep=days.sleep)
    feed.asked.clear()
    days.follow(device)
    assert device.sequence == 2
    assert 5 <= len(feed.asked) <= 20
    status = device.updater.status()
    assert status["failuresInARow"] == len(feed.asked)
    assert status["secondsSinceContact"] >= 86_400
    gauges = {name: value for name, _, value in device.updater.gauges()}
    assert gauges["edgerec_update_failures"] == len(feed.asked)
    # It is back.
    feed.fault.clear()
    days.end += 86_400
    days.follow(device)
    assert device.sequence == 3 and device.updater.n_failures == 0


def test_a_clock_that_is_set_back_changes_nothing(feed, packaged, folder, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 0.0)
    days = Days(3 * 3600)
    device = Device(feed.settings(folder), packaged, clock=days.clock, sleep=days.sleep)
    days.follow(device)
    assert device.sequence == 3
    assert not device.served.on_trial and not device.versions.state.on_trial


def test_a_trial_ends_after_enough_answers(feed, packaged, folder):
    days = Days(120)
    settings = feed.settings(folder, trial_answers=3, trial_seconds=1e9)
    device = Device(settings, packaged, clock=days.clock, sleep=days.sleep)
    days.follow(device)
    assert device.served.on_trial
    for _ in range(3):
        device.served.ask(device.served.scorer, sequence_of)
    days.end += 120
    days.follow(device)
    assert not device.served.on_trial and device.sequence == 3


def test_a_trial_goes_on_after_a_start(feed, packaged, folder):
    Device(feed.settings(folder), packaged).look()
    days = Days(60)
    device = Device(feed.settings(folder), packaged, clock=days.clock, sleep=days.sleep)
    failing = Failing(device.served.scorer, RuntimeError("broken"))
    device.served.replace(failing)

    async def run():
        following = asyncio.create_task(device.updater.run())
        while not device.served.on_trial:
            await asyncio.sleep(0)
        score = device.served.ask(failing, sequence_of)
        await asyncio.gather(following, return_exceptions=True)
        await device.updater.settled()
        return score

    assert asyncio.run(run()) == 1
    assert device.versions.state.serving == 0


def test_a_folder_belongs_to_one_process(feed, folder):
    settings = feed.settings(folder)
    with (
        VersionFolder(folder, settings.keys).locked(),
        pytest.raises(StorageError, match="another process keeps its models there"),
        VersionFolder(folder, settings.keys).locked(),
    ):
        pass


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"serving": -1}'])
def test_a_state_that_is_lost(feed, packaged, folder, content):
    Device(feed.settings(folder), packaged).look()
    (folder / "state.json").write_bytes(content)
    device = Device(feed.settings(folder), packaged)
    assert device.sequence == 3 and device.versions.state.floor == 3


def test_another_key_believes_nothing_that_is_there(feed, packaged, folder, tmp_path):
    from device_runtime.updates.signatures import read_public_key

    Device(feed.settings(folder), packaged).look()
    other = read_public_key(new_key(tmp_path / "other.key").public_text)
    assert Device(feed.settings(folder, keys=(other,)), packaged).sequence == 0


def test_damage_on_the_disk_is_noticed_at_the_start_and_repaired(feed, packaged, folder):
    Device(feed.settings(folder), packaged).look()
    for name, change in (("tiny.onnx", flip), ("tiny.json", flip), ("feed.json", flip)):
        rewrite(folder / "versions/3" / name, change)
        device = Device(feed.settings(folder), packaged)
        assert device.sequence == 0
        device.look()
        assert device.sequence == 3


# Routes and options.


def test_the_routes_say_how_the_feed_is(feed, packaged, folder):
    feed.fault[""] = broken
    device = Device(feed.settings(folder), packaged)

    async def run():
        app = create_app(device.served, updater=device.updater)
        async with TestClient(TestServer(app, host="127.0.0.1")) as client:
            await device.updater.look()
            async with client.get("/readyz") as response:
                assert response.status == 200
                ready = await response.json()
            async with client.get("/updates") as response:
                status = await response.json()
            async with client.get("/metrics") as response:
                return ready, status, await response.text()

    ready, status, metrics = asyncio.run(run())
    assert ready == {"status": "ok", "feed": "failing"}
    assert status["outcome"] == "latest.json: the feed answers with status 503"
    assert (status["serving"], status["failuresInARow"]) == (0, 1)
    assert "edgerec_update_failures 1\n" in metrics and "edgerec_update_sequence 0\n" in metrics


def test_a_server_without_a_feed_says_so(bundle_path):
    from device_runtime.scorer import Scorer
    from tests.device_runtime.test_app import talk

    async def conversation(client):
        async with client.get("/updates") as response:
            return response.status, (await response.json())["error"]

    status, sentence = talk(Scorer.from_path(bundle_path), conversation)
    assert status == 404 and "start it with --feed URL" in sentence


GOOD = {"feed": "https://shop.example/feed", "folder": "d", "minutes": 60, "max_latency": 500}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"feed": "ftp://shop.example"}, "feed: expected an address like https://"),
        ({"feed": "https://me:secret@shop.example/"}, "leave out names, passwords"),
        ({"keys": []}, "feed_key: a feed is believed by its signature"),
        ({"folder": None}, "feed_folder: expected a folder"),
        ({"feed": None}, "add --feed URL"),
        ({"minutes": 0}, "every_seconds: expected more than 0"),
    ],
)
def test_settings_that_cannot_be(key, changed, sentence):
    given = {**GOOD, "keys": [key.public_text], "max_memory": None, **changed}
    with pytest.raises(ValueError, match=sentence):
        update_settings(**given)


def test_without_cryptography_a_feed_is_refused(key, monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric", None)
    given = {**GOOD, "keys": [key.public_text], "max_memory": None}
    with pytest.raises(ValueError, match=r"pip install 'edgerec-device-runtime\[updates\]'"):
        update_settings(**given)


def test_the_command_serves_what_came_from_the_feed(feed, packaged, folder, key):
    Device(feed.settings(folder), packaged).look()
    arguments = ("--feed", feed.url, "--feed-key", key.public_text, "--feed-folder", folder)
    with running(packaged, "--port", "0", *arguments) as (process, line):
        assert line.startswith("serving tiny on http://127.0.0.1:")
        process.stdout.readline()
        assert '"serving": 3' in process.stdout.readline()
        with urllib.request.urlopen(f"http://127.0.0.1:{port_of(line)}/updates") as response:
            assert json.load(response)["serving"] == 3
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_the_command_refuses_a_feed_without_a_key(packaged, capsys):
    assert main([str(packaged), "--feed", "https://shop.example/feed"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: --feed-key: a feed is believed") and "add --feed-key KEY" in said
