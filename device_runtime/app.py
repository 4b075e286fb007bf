"""Serve a scorer over HTTP: one question, one health check, errors that are sentences."""

import asyncio
import errno
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from .answers import answer_request
from .app_keys import IN_FLIGHT, KEEPER, METRICS, SERVED, SETTINGS, WORKER
from .documentation_routes import add_documentation_routes
from .errors import RequestError, shown
from .event_keeper import EventKeeper
from .event_requests import with_events
from .event_routes import add_event_routes
from .events import EventStore
from .health_routes import OPEN_ROUTES, add_health_routes
from .metrics import Metrics
from .notify import Notifier
from .requests import RecommendRequest, parse_request
from .scorer import Scorer
from .served import Served
from .settings import ServerSettings
from .similar_routes import add_similar_routes
from .stopping import InFlight, stop_signals
from .update_routes import add_update_routes
from .updates import Updater

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

_log = logging.getLogger(__name__)
# A client that is refused early may still be sending: its bytes are thrown away for this long, so
# that it reads the answer rather than an error of the connection.
_LINGER_SECONDS = 2.0
# For answers that are being written when every request has been answered, or time is up.
_LAST_SECONDS = 1.0
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}


def create_app(
    scorer: Scorer | Served,
    settings: ServerSettings | None = None,
    events: EventStore | None = None,
    updater: Updater | None = None,
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
    app = web.Application(middlewares=[_guard], client_max_size=settings.max_body_bytes)
    app[SERVED] = scorer if isinstance(scorer, Served) else Served(scorer)
    app[SETTINGS] = settings
    app[IN_FLIGHT] = InFlight()
    app[METRICS] = Metrics()
    app.router.add_post(settings.route, _recommend)
    for add in (add_health_routes, add_event_routes, add_similar_routes, add_documentation_routes):
        add(app)
    add_update_routes(app, updater)
    app.cleanup_ctx.append(_worker)
    if events is not None:
        app[KEEPER] = EventKeeper(events)
        app.cleanup_ctx.append(_keeper)
    return app


async def _worker(app: web.Application) -> AsyncIterator[None]:
    # One thread: a second large request at once would only make both slower on a device.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="scorer") as worker:
        app[WORKER] = worker
        yield


async def _keeper(app: web.Application) -> AsyncIterator[None]:
    yield
    await app[KEEPER].close()


async def _recommend(request: web.Request) -> web.Response:
    settings, served = request.app[SETTINGS], request.app[SERVED]
    scorer = served.scorer
    asked = parse_request(await request.read(), scorer.bundle, settings)
    keeper = request.app.get(KEEPER)
    if keeper is not None and asked.user_id is not None:
        did = keeper.store.events_of(asked.user_id, scorer.bundle.n_history)
        asked = with_events(asked, did, scorer.bundle)
    if _n_scored(asked, scorer.bundle.n_items) <= settings.inline_candidates:
        text = served.ask(scorer, partial(answer_request, asked))
    else:
        text = await asyncio.get_running_loop().run_in_executor(
            request.app[WORKER], served.ask, scorer, partial(answer_request, asked)
        )
    return web.Response(body=text.encode(), content_type="application/json")


def _n_scored(asked: RecommendRequest, n_items: int) -> int:
    return n_items if asked.item_ids is None else len(asked.item_ids)


@web.middleware
async def _guard(request: web.Request, handler: "Handler") -> web.StreamResponse:
    """Count the request while it is answered, and close its connection when the server stops."""
    in_flight = request.app[IN_FLIGHT]
    in_flight.begin()
    started = time.perf_counter()
    try:
        response = await _answer(request, handler)
        if in_flight.stopping:
            response.force_close()
        seconds = time.perf_counter() - started
        request.app[METRICS].count(_route(request), response.status, seconds)
        return response
    finally:
        in_flight.end()


def _route(request: web.Request) -> str:
    """Return the route as it was declared; what clients make up must not fill the memory."""
    resource = request.match_info.route.resource
    return "none" if resource is None else resource.canonical


async def _answer(request: web.Request, handler: "Handler") -> web.StreamResponse:
    """Check the Host header, and write every error as JSON."""
    settings = request.app[SETTINGS]
    try:
        # A page of another site can have its own name point to this device (DNS rebinding), and is
        # then of the same origin for the browser: only the name in this header gives it away.
        hosts = request.headers.getall("Host", [])
        if len(hosts) != 1 or not settings.admits(hosts[0]):
            raise RequestError(
                f"Host: expected localhost or an allowed name, got {shown(', '.join(hosts))}; "
                "allow a name with --allow-host NAME when the server is started"
            )
        origin = _allowed_origin(request, settings)
        if request.method == "OPTIONS" and origin:
            return web.Response(status=204, headers=_PREFLIGHT | origin)
        if not settings.access.admits(request.headers.get("Authorization")) and (
            request.path not in OPEN_ROUTES
        ):
            raise RequestError(
                "Authorization: expected the token of this server, got none or another one; send "
                "the header Authorization: Bearer TOKEN",
                status=401,
            )
        if request.method == "POST" and request.match_info.http_exception is None:
            _require_json(request, settings)
        response = await handler(request)
        response.headers.update(origin)
        return response
    except RequestError as error:
        headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
        return _refuse(error.status, str(error), headers | _allowed_origin(request, settings))
    except web.HTTPRequestEntityTooLarge:
        return _refuse(413, _too_large(settings))
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        sentence = f"{shown(request.method)}: not allowed here; send {allowed}"
        return _refuse(405, sentence, {"Allow": allowed})
    except web.HTTPNotFound:
        path = shown(request.path)
        return _refuse(404, f"{path}: nothing is here; GET /docs says what is")
    except web.HTTPException as error:
        return _refuse(error.status, f"{error.reason}; send a plain request of HTTP/1.1")
    except web.RequestPayloadError:
        return _refuse(400, "body: cannot be decoded; send JSON without a Content-Encoding")
    except ConnectionError:
        raise  # The client is gone; there is nobody to answer.
    except Exception:
        # What went wrong is for whoever runs the server, not for whoever asks it.
        _log.exception("a request failed")
        return _refuse(500, "the server failed to answer; its log says why, try again later")


def _allowed_origin(request: web.Request, settings: ServerSettings) -> dict[str, str]:
    """Return the header that lets a page of an allowed origin read the answer; else none."""
    allowed = settings.access.allowed_origins
    origin = request.headers.get("Origin")
    if not allowed or origin not in allowed:
        return {}
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}


def _require_json(request: web.Request, settings: ServerSettings) -> None:
    if request.content_type != "application/json":
        # Other types are those that a page of another site may send without asking first.
        raise RequestError(
            f"Content-Type: expected application/json, got {shown(request.content_type)}; "
            "send the header Content-Type: application/json"
        )
    if (request.content_length or 0) > settings.max_body_bytes:
        raise RequestError(_too_large(settings), status=413)


def _too_large(settings: ServerSettings) -> str:
    return f"body: expected at most {settings.max_body_bytes} bytes, got more; send fewer items"


def _refuse(status: int, sentence: str, headers: dict[str, str] | None = None) -> web.Response:
    body = json.dumps({"error": sentence}).encode()
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")


async def serve(
    scorer: Scorer | Served,
    settings: ServerSettings | None = None,
    *,
    events: EventStore | None = None,
    updater: Updater | None = None,
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
        shutdown_timeout=_LAST_SECONDS,
        lingering_time=_LINGER_SECONDS,
    )
    stop = asyncio.Event()
    with stop_signals(stop):
        await runner.setup()
        try:
            await _listen(runner, settings)
            if ready is not None:
                ready(replace(settings, port=runner.addresses[0][1]).url)
            notifier = Notifier()
            notifier.send("READY=1")
            watching = asyncio.create_task(notifier.watch())
            await stop.wait()
            watching.cancel()
            notifier.send("STOPPING=1")
            for site in list(runner.sites):
                await site.stop()
            await asyncio.sleep(0)  # What has arrived by now has begun.
            await app[IN_FLIGHT].finish(settings.shutdown_seconds)
        finally:
            await runner.cleanup()


async def _listen(runner: web.AppRunner, settings: ServerSettings) -> None:
    try:
        context = settings.access.tls()
        await web.TCPSite(runner, settings.host, settings.port, ssl_context=context).start()
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        reason = "the port is taken" if taken else "the address cannot be listened on"
        advice = "another port, or 0 for a free one" if taken else "another host or port"
        raise OSError(
            error.errno, f"{settings.host}:{settings.port}: {reason}; choose {advice}"
        ) from None
