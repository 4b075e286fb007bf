"""A feed on a web server of this machine, whose files come as they are or with a fault."""

import asyncio
import json
import shutil
import ssl
import tempfile
import threading
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path

from aiohttp import web

from device_runtime.updates.settings import UpdateSettings
from device_runtime.updates.signatures import read_public_key
from edgerec.feed import SecretKey, publish, publishing
from tests.device_runtime.conftest import BIAS, write_bundle

_FOLDER = tempfile.TemporaryDirectory(prefix="edgerec-feeds-")
Fault = Callable[[web.Request, Path], Awaitable[web.StreamResponse]]


def bias_of(sequence: int) -> list[float]:
    """Models differ in the bias of item 1: the score of a stranger says which one answers."""
    return [BIAS[0], float(sequence), *BIAS[2:]]


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

    def start(self, tls: ssl.SSLContext | None = None) -> None:
        started = threading.Event()
        self._loop = asyncio.new_event_loop()

        async def serve() -> None:
            app = web.Application()
            app.router.add_get("/feed/{path:.*}", self._answer)
            self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await self._runner.setup()
            await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=tls).start()
            origin = "http://127.0.0.1" if tls is None else "https://localhost"
            self.url = f"{origin}:{self._runner.addresses[0][1]}/feed"

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
