"""What stands before every route: who may ask, and errors that are sentences in JSON."""

import asyncio
import json
import logging
import sys
import time
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.http import HttpProcessingError

from device_runtime.errors import BusyError, RequestError, shown
from device_runtime.http.app_keys import IN_FLIGHT, METRICS, SETTINGS, SLOW_CLIENTS
from device_runtime.http.health_routes import OPEN_ROUTES
from device_runtime.http.inference_routes import INFER_ROUTES
from device_runtime.settings import ServerSettings

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

_log = logging.getLogger(__name__)
_OF_CLIENTS = (HttpProcessingError, web.RequestPayloadError, ConnectionError)
# What a client is told beside the sentence, by the status.
_HEADERS = {
    401: {"WWW-Authenticate": "Bearer"},
    408: {"Connection": "close"},
    503: {"Retry-After": "1"},
}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}


class ShortLog(logging.LoggerAdapter):  # type: ignore[type-arg]
    """What aiohttp logs of connections: what a client did wrong as information, in a line.

    Anybody can send such requests, and the log of a device is to hold for years.
    """

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Log what a client did wrong without a traceback: it was answered."""
        error = kwargs.get("exc_info")
        error = sys.exc_info()[1] if error is True else error
        if isinstance(error, _OF_CLIENTS):
            kwargs["exc_info"] = None
            msg = f"{msg}: " + shown(str(error)).replace("%", "%%")
            level = logging.INFO
        super().log(level, msg, *args, **kwargs)


@web.middleware
async def guard(request: web.Request, handler: "Handler") -> web.StreamResponse:
    """Count the request while it is answered, and close its connection when the server stops."""
    app = request.app
    in_flight, clients = app[IN_FLIGHT], app[SLOW_CLIENTS]
    in_flight.begin()
    clients.begin(request.protocol)
    started = time.perf_counter()
    try:
        response = await _answer(request, handler)
        if in_flight.stopping:
            response.force_close()
        seconds = time.perf_counter() - started
        app[METRICS].count(_route(request), response.status, seconds)
        return response
    finally:
        in_flight.end()
        clients.end(request.protocol)


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
                "allow a name (without a port) with --allow-host NAME when the server is started"
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
        in_flight = request.app[IN_FLIGHT]
        if in_flight.n_requests > in_flight.most and request.path not in OPEN_ROUTES:
            raise BusyError(
                f"the server is busy: {in_flight.most} requests are being answered; send "
                "this one again in a second"
            )
        if request.method == "POST" and request.match_info.http_exception is None:
            _require_json(request, settings)
            await _read(request, settings)
        response = await handler(request)
        if origin:
            response.headers.update(origin)
        return response
    except RequestError as error:
        headers = _HEADERS.get(error.status, {})
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
    origin = request.headers.get("Origin") if allowed else None
    if origin is None or origin not in allowed:
        return {}
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}


def _require_json(request: web.Request, settings: ServerSettings) -> None:
    if request.content_type != "application/json" and not _is_client_of_kserve(request):
        # Other types are those that a page of another site may send without asking first.
        raise RequestError(
            f"Content-Type: expected application/json, got {shown(request.content_type)}; "
            "send the header Content-Type: application/json"
        )
    if (request.content_length or 0) > settings.max_body_bytes:
        raise RequestError(_too_large(settings), status=413)


def _is_client_of_kserve(request: web.Request) -> bool:
    """Say whether a request for inference comes without a type, and from no browser.

    KServe's client states no type of its JSON. A page may leave it out too, and is told by the
    headers that its browser adds to every POST and that no page can remove.
    """
    return (
        request.match_info.route.resource is not None
        and request.match_info.route.resource.canonical in INFER_ROUTES
        and request.headers.keys().isdisjoint(("Content-Type", "Origin", "Sec-Fetch-Site"))
    )


async def _read(request: web.Request, settings: ServerSettings) -> None:
    """Read the body, which aiohttp keeps for the handler, in the time that there is for it."""
    if request.content.is_eof():
        return  # It came with its head, as most do: there is nothing to wait for.
    try:
        async with asyncio.timeout(settings.read_seconds):
            await request.read()
    except TimeoutError:
        raise RequestError(
            f"body: expected all of it within {settings.read_seconds:g} seconds, got "
            "less; send it faster",
            status=408,
        ) from None


def _too_large(settings: ServerSettings) -> str:
    return f"body: expected at most {settings.max_body_bytes} bytes, got more; send fewer items"


def _refuse(status: int, sentence: str, headers: dict[str, str] | None = None) -> web.Response:
    body = json.dumps({"error": sentence}).encode()
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")
