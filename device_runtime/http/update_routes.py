"""The route that says what came from the feed, and the task that follows it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from aiohttp import web

from device_runtime.errors import RequestError
from device_runtime.http.app_keys import UPDATER

if TYPE_CHECKING:
    from device_runtime.updates.updater import Updater


def add_update_routes(app: web.Application, updater: "Updater | None") -> None:
    """Add ``GET /updates``, and follow the feed while the application runs.

    Parameters
    ----------
    app : aiohttp.web.Application
        Its `SERVED` is what `updater` puts new models into.
    updater : Updater or None
        None: no feed is followed, and the route says so.
    """
    app.router.add_get("/updates", _status)
    if updater is not None:
        app[UPDATER] = updater
        app.cleanup_ctx.append(_followed)


async def _status(request: web.Request) -> web.Response:
    updater = request.app.get(UPDATER)
    if updater is None:
        raise RequestError(
            "updates: this server follows no feed; start it with --feed URL, and new models are "
            "taken from there",
            status=404,
        )
    body = json.dumps(updater.status()).encode()
    return web.Response(body=body, content_type="application/json")


async def _followed(app: web.Application) -> AsyncIterator[None]:
    following = asyncio.create_task(app[UPDATER].run())
    yield
    following.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await following
    await app[UPDATER].close()
