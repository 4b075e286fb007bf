"""Routes of the Open Inference Protocol v2, so that KServe's clients work."""

import json
from functools import partial
from typing import Any, Final

from aiohttp import web

from device_runtime.bundle import Bundle
from device_runtime.errors import RequestError, shown
from device_runtime.http.app_keys import IN_FLIGHT, INFERENCE, SERVED, SETTINGS
from device_runtime.http.inference_protocol import (
    EXAMPLE,
    answer_infer,
    model_metadata,
    model_version,
    parse_infer,
    server_metadata,
)
from device_runtime.http.requests import parse_json

MODEL_ROUTES: Final = ("/v2/models/{name}", "/v2/models/{name}/versions/{version}")
INFER_ROUTES: Final = tuple(f"{route}/infer" for route in MODEL_ROUTES)


def add_inference_routes(app: web.Application) -> None:
    """Add ``/v2``, its health, and the metadata, readiness and inference of the model."""
    app.router.add_get("/v2", _server)
    app.router.add_get("/v2/health/live", _live)
    app.router.add_get("/v2/health/ready", _ready)
    for route in MODEL_ROUTES:
        app.router.add_get(route, _model)
        app.router.add_get(f"{route}/ready", _model_ready)
        app.router.add_post(f"{route}/infer", _infer)


async def _server(request: web.Request) -> web.Response:
    return _json(server_metadata())


async def _live(request: web.Request) -> web.Response:
    return _json({"live": True})


async def _ready(request: web.Request) -> web.Response:
    ready = not request.app[IN_FLIGHT].stopping
    return _json({"ready": ready}, 200 if ready else 503)


async def _model(request: web.Request) -> web.Response:
    return _json(model_metadata(_named(request, request.app[SERVED].scorer.bundle)))


async def _model_ready(request: web.Request) -> web.Response:
    bundle = _named(request, request.app[SERVED].scorer.bundle)
    ready = not request.app[IN_FLIGHT].stopping
    return _json({"name": bundle.name, "ready": ready}, 200 if ready else 503)


async def _infer(request: web.Request) -> web.Response:
    settings, served = request.app[SETTINGS], request.app[SERVED]
    inference = request.app[INFERENCE]
    scorer = served.scorer
    bundle = _named(request, scorer.bundle)
    body = await request.read()
    asked = await inference.run(
        lambda: parse_infer(parse_json(body, EXAMPLE), bundle, settings),
        large=len(body) > settings.inline_body_bytes,
    )
    n_scored = bundle.n_items if asked.of_catalogue else len(asked.tensors["item_ids"])
    answer = await inference.score(
        partial(served.ask, scorer, partial(answer_infer, asked)),
        large=n_scored > settings.inline_candidates,
    )
    return _json(answer)


def _named(request: web.Request, bundle: Bundle) -> Bundle:
    name = request.match_info["name"]
    # Compared, and never a path: what is served was opened when the server started.
    if name != bundle.name:
        raise RequestError(
            f"model: {shown(name)} is not served here; ask for {shown(bundle.name)}", status=404
        )
    version = request.match_info.get("version")
    if version is not None and version != model_version(bundle):
        raise RequestError(
            f"version: {shown(version)} of the model is not served here; ask for "
            f"{shown(model_version(bundle))}, or for none",
            status=404,
        )
    return bundle


def _json(content: dict[str, Any], status: int = 200) -> web.Response:
    body = json.dumps(content).encode()
    return web.Response(body=body, status=status, content_type="application/json")
