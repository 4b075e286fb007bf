"""Serve a scorer over HTTP: one question, one health check, errors that are sentences."""

import asyncio
import contextlib
import errno
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from device_runtime.http.app_keys import IN_FLIGHT, KEEPER, METRICS, SERVED, SETTINGS, SLOW_CLIENTS
from device_runtime.http.connections import Connections, SlowClients
from device_runtime.http.documentation_routes import add_documentation_routes
from device_runtime.http.event_routes import add_event_routes
from device_runtime.http.guard import ShortLog, guard
from device_runtime.http.health_routes import add_health_routes
from device_runtime.http.inference_routes import add_inference_routes
from device_runtime.http.recommend_routes import add_recommend_routes
from device_runtime.http.similar_routes import add_similar_routes
from device_runtime.http.stopping import InFlight, stop_signals
from device_runtime.http.update_routes import add_update_routes
from device_runtime.metrics import Metrics
from device_runtime.notify import Notifier
from device_runtime.scorer import Scorer
from device_runtime.served import Served
from device_runtime.settings import ServerSettings

if TYPE_CHECKING:
    from device_runtime.events.store import EventStore
    from device_runtime.updates.updater import Updater

_log = logging.getLogger(__name__)
# A client that is refused early may still be sending: its bytes are thrown away for this long, so
# that it reads the answer rather than an error of the connection.
_LINGER_SECONDS = 2.0
# Connections that the system keeps until they are accepted.
_BACKLOG = 128
# For answers that are being written when every request has been answered, or time is up.
_LAST_SECONDS = 1.0


def create_app(
    scorer: Scorer | Served,
    settings: ServerSettings | None = None,
    events: "EventStore | None" = None,
    updater: "Updater | None" = None,
) -> web.Application:
    """Return the application that answers requests with a scorer.

    Parameters
    ----------
    scorer : Scorer or Served
        The model, or what holds it.
    settings : ServerSettings, optional
        Route, allowed names and limits. Host and port are used for the check of the Host header.
    events : EventStore, optional
        Keeps what users do; it stays open when the application ends. None: events are refused.
    updater : Updater, optional
        Puts new models of a feed into `scorer`, which is a Served then.

    Returns
    -------
    aiohttp.web.Application
        With the routes that ``GET /openapi.json`` describes.
    """
    settings = settings or ServerSettings()
    app = web.Application(middlewares=[guard], client_max_size=settings.max_body_bytes)
    app[SERVED] = scorer if isinstance(scorer, Served) else Served(scorer)
    app[SETTINGS] = settings
    app[IN_FLIGHT] = InFlight(settings.max_requests)
    app[SLOW_CLIENTS] = SlowClients(settings.read_seconds, settings.idle_seconds)
    app[METRICS] = Metrics()
    add_recommend_routes(app)
    add_health_routes(app)
    add_event_routes(app)
    add_similar_routes(app)
    add_documentation_routes(app)
    add_inference_routes(app)
    add_update_routes(app, updater)
    if events is not None:
        from device_runtime.events.keeper import EventKeeper

        app[KEEPER] = EventKeeper(events)
        app.cleanup_ctx.append(_keeper)
    return app


async def _keeper(app: web.Application) -> AsyncIterator[None]:
    yield
    await app[KEEPER].close()


async def serve(
    scorer: Scorer | Served,
    settings: ServerSettings | None = None,
    *,
    events: "EventStore | None" = None,
    updater: "Updater | None" = None,
    ready: Callable[[str], object] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT comes, then finish what has begun.

    Off the main thread, where no signal arrives, cancel the coroutine instead.

    Parameters
    ----------
    scorer : Scorer or Served
        The model, or what holds it.
    settings : ServerSettings, optional
        Where to listen and what to accept.
    events : EventStore, optional
        Keeps what users do. None: events are refused.
    updater : Updater, optional
        Puts new models of a feed into `scorer`, which is a Served then.
    ready : callable, optional
        Called once with the URL of the route, its real port included, when requests are accepted.

    Raises
    ------
    OSError
        The address cannot be listened on; ``strerror`` is a sentence.
    """
    settings = settings or ServerSettings()
    app = create_app(scorer, settings, events, updater)
    runner = web.AppRunner(
        app,
        handle_signals=False,
        access_log=None,
        logger=ShortLog(_log),
        shutdown_timeout=_LAST_SECONDS,
        lingering_time=_LINGER_SECONDS,
        keepalive_timeout=settings.idle_seconds,
    )
    stop = asyncio.Event()
    async with contextlib.AsyncExitStack() as opened:
        opened.enter_context(stop_signals(stop))
        await runner.setup()
        opened.push_async_callback(runner.cleanup)
        clients = app[SLOW_CLIENTS]
        listening = await _listen(runner, settings, clients)
        opened.callback(listening.close)
        if ready is not None:
            ready(replace(settings, port=listening.sockets[0].getsockname()[1]).url)
        notifier = Notifier()
        notifier.send("READY=1")
        watching = asyncio.create_task(notifier.watch())
        closing = asyncio.create_task(clients.watch(partial(_connections, runner)))
        await stop.wait()
        watching.cancel()
        closing.cancel()
        notifier.send("STOPPING=1")
        listening.close()
        await asyncio.sleep(0)  # What has arrived by now has begun.
        await app[IN_FLIGHT].finish(settings.shutdown_seconds)


def _connections(runner: web.AppRunner) -> list[web.RequestHandler]:
    return [] if runner.server is None else runner.server.connections


async def _listen(
    runner: web.AppRunner, settings: ServerSettings, clients: SlowClients
) -> asyncio.Server:
    assert runner.server is not None  # It has been set up.
    opened = partial(_connections, runner)
    connections = Connections(runner.server, opened, clients, settings.max_connections)
    try:
        tls = settings.access.tls()
        return await asyncio.get_running_loop().create_server(
            connections,
            settings.host,
            settings.port,
            ssl=tls,
            ssl_handshake_timeout=None if tls is None else settings.read_seconds,
            backlog=_BACKLOG,
        )
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        reason = "the port is taken" if taken else "the address cannot be listened on"
        advice = "another port, or 0 for a free one" if taken else "another host or port"
        raise OSError(
            error.errno, f"{settings.host}:{settings.port}: {reason}; choose {advice}"
        ) from None
