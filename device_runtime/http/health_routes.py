"""Routes for whoever looks after the device: is it alive, is it ready, what did it do."""

import json

from aiohttp import web

from device_runtime import __version__
from device_runtime.http.app_keys import IN_FLIGHT, KEEPER, METRICS, SERVED, UPDATER
from device_runtime.metrics import resident_bytes

OPEN_ROUTES = ("/livez", "/readyz", "/v2/health/live", "/v2/health/ready")
"""answered without a token: they say nothing but that"""


def add_health_routes(app: web.Application) -> None:
    """Add ``GET /livez``, ``/readyz``, ``/healthz`` and ``/metrics``."""
    app.router.add_get("/livez", _alive)
    app.router.add_get("/readyz", _ready)
    app.router.add_get("/healthz", _health)
    app.router.add_get("/metrics", _metrics)


async def _alive(request: web.Request) -> web.Response:
    return _json({"status": "ok"})


async def _ready(request: web.Request) -> web.Response:
    if request.app[IN_FLIGHT].stopping:
        return _json({"status": "stopping"}, 503)
    updater = request.app.get(UPDATER)
    if updater is not None and updater.n_failures:
        # A feed that is down is no reason to send requests elsewhere: answers go on.
        return _json({"status": "ok", "feed": "failing"})
    return _json({"status": "ok"})


async def _health(request: web.Request) -> web.Response:
    bundle = request.app[SERVED].scorer.bundle
    return _json(
        {
            "status": "ok",
            "name": bundle.name,
            "nItems": bundle.n_items,
            "nUsers": bundle.n_users,
            "runtimeVersion": __version__,
        },
    )


async def _metrics(request: web.Request) -> web.Response:
    app = request.app
    bundle = app[SERVED].scorer.bundle
    gauges: list[tuple[str, str, float]] = [
        ("edgerec_requests_in_flight", "Requests that have begun.", app[IN_FLIGHT].n_requests),
        ("edgerec_model_items", "Items of the model.", bundle.n_items),
        ("edgerec_model_history_until", "Unix seconds of its data.", bundle.history_until),
    ]
    keeper = app.get(KEEPER)
    if keeper is not None:
        store = keeper.store
        gauges += [
            ("edgerec_events", "Events on the disk.", store.n_events),
            ("edgerec_events_waiting", "Events in memory alone.", store.n_waiting),
        ]
    updater = app.get(UPDATER)
    if updater is not None:
        gauges += updater.gauges()
    memory = resident_bytes()
    if memory is not None:
        gauges.append(("process_resident_memory_bytes", "Memory in use.", memory))
    text = app[METRICS].text(gauges)
    return web.Response(
        body=text.encode(),
        headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
    )


def _json(content: dict[str, object], status: int = 200) -> web.Response:
    body = json.dumps(content).encode()
    return web.Response(body=body, status=status, content_type="application/json")
