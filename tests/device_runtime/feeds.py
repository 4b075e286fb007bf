"""A feed on a web server of this machine, whose files come as they are or with a fault."""

import asyncio
import json
import random
import shutil
import tempfile
import threading
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path

from aiohttp import web

from device_runtime.errors import BundleError, UpdateError
from device_runtime.scorer import Scorer
from device_runtime.served import Served
from device_runtime.signatures import read_public_key
from device_runtime.update_settings import UpdateSettings
from device_runtime.update_start import first_scorer
from device_runtime.updates import Updater
from device_runtime.versions import VersionFolder
from edgerec.feed import SecretKey, publish, publishing
from tests.device_runtime.conftest import BIAS, write_bundle

_FOLDER = tempfile.TemporaryDirectory(prefix="edgerec-feeds-")
Fault = Callable[[web.Request, Path], Awaitable[web.StreamResponse]]


def bias_of(sequence: int) -> list[float]:
    """Models differ in the bias of item 1: the score of a stranger says which one answers."""
    return [BIAS[0], float(sequence), *BIAS[2:]]


def sequence_of(scorer: Scorer) -> int:
    """Return which model answers, by its answer."""
    score = float(scorer.run(item_ids=[1]).scores[0])
    return min(range(20), key=lambda one: abs(score - 1 / (1 + 2.718281828459045**-one)))


@cache
def model(sequence: int) -> tuple[Path, Path]:
    """Write a model once; returns its two files, which are not to be changed."""
    path = write_bundle(Path(tempfile.mkdtemp(dir=_FOLDER.name)), bias=bias_of(sequence))
    return path, path.with_suffix(".json")


class Feed:
    """A folder that models are published into, and a server of it in a thread."""

    def __init__(self, folder: Path, key: SecretKey) -> None:
        self.folder = folder / "feed"
        self.models = folder / "published"
        self.key = key
        self.fault: dict[str, Fault] = {}
        self.asked: list[str] = []

    def publish(self, sequence: int, change: Callable[[dict], None] | None = None) -> None:
        """Publish the model of a sequence; `change` edits its manifest, unseen by the publisher."""
        folder = self.models / str(sequence)
        folder.mkdir(parents=True)
        path = folder / "tiny.onnx"
        for made in model(sequence):
            shutil.copy(made, folder)
        original = publishing.TableScorer
        if change is not None:
            manifest = json.loads(path.with_suffix(".json").read_text())
            change(manifest)
            path.with_suffix(".json").write_text(json.dumps(manifest))
            publishing.TableScorer = lambda _: type("Unseen", (), {"name": "tiny"})
        try:
            assert publish(path, self.folder, self.key, at_least=sequence).sequence == sequence
        finally:
            publishing.TableScorer = original

    def file(self, sequence: int, name: str = "tiny.onnx") -> Path:
        return self.folder / "models" / str(sequence) / name

    def start(self) -> None:
        started = threading.Event()
        self._loop = asyncio.new_event_loop()

        async def serve() -> None:
            app = web.Application()
            app.router.add_get("/feed/{path:.*}", self._answer)
            self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await self._runner.setup()
            await web.TCPSite(self._runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/feed"

        def run() -> None:
            asyncio.set_event_loop(self._loop)
            self._loop.run_until_complete(serve())
            started.set()
            self._loop.run_forever()

        self._thread = threading.Thread(target=run)
        self._thread.start()
        assert started.wait(20)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        self.asked.append(path)
        for part, fault in self.fault.items():
            if part in path:
                return await fault(request, self.folder / path)
        file = self.folder / path
        return web.FileResponse(file) if file.is_file() else web.Response(status=404)

    def settings(self, folder: Path, **changed: object) -> UpdateSettings:
        values: dict = {
            "feed": self.url,
            "keys": (read_public_key(self.key.public_text),),
            "folder": str(folder),
            "quiet_seconds": 5.0,
            "download_seconds": 5.0,
            "reserve_bytes": 0,
        }
        return UpdateSettings(**{**values, **changed})


class Device:
    """What a server with a feed is made of, started from its folder."""

    def __init__(self, settings: UpdateSettings, packaged: Path, **of_updater: object) -> None:
        self.versions = VersionFolder(settings.folder, settings.keys)
        with self.versions.locked():
            pass  # The folder is made; tests have several devices in one.
        self.served = Served(first_scorer(self.versions, packaged, settings.max_trial_starts))
        self.updater = Updater(
            settings,
            self.versions,
            self.served,
            packaged,
            random_source=random.Random(0),
            **of_updater,
        )

    @property
    def sequence(self) -> int:
        """The model that answers, which must be the one that the state names, and verified."""
        found = sequence_of(self.served.scorer)
        state = self.versions.state.serving
        try:
            if state:
                self.versions.bundle(state)
        except (UpdateError, BundleError) as error:
            raise AssertionError(f"sequence {state} is served unverified: {error}") from error
        assert found == (state or 1), "the state names another model"
        return state

    def look(self, times: int = 1) -> str:
        """Look at the feed, and return what became of it."""

        async def run() -> None:
            for _ in range(times):
                await self.updater.look()
            await self.updater.settled()

        asyncio.run(run())
        return str(self.updater.status()["outcome"])
