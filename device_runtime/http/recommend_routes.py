"""The route that ranks: one request, or a list of them."""

import os
from collections.abc import AsyncIterator
from functools import partial
from typing import TypeVar

from aiohttp import web

from device_runtime.bundle import Bundle
from device_runtime.errors import RequestError
from device_runtime.http.answers import answer_request
from device_runtime.http.app_keys import (
    IN_FLIGHT,
    INFERENCE,
    KEEPER,
    SERVED,
    SETTINGS,
    SLOW_CLIENTS,
)
from device_runtime.http.batches import answer_batch, parse_batch
from device_runtime.http.inference import Inference
from device_runtime.http.requests import EXAMPLE, RecommendRequest, parse_fields, parse_json
from device_runtime.settings import ServerSettings

_Asked = TypeVar("_Asked", RecommendRequest, RecommendRequest | RequestError)


def add_recommend_routes(app: web.Application) -> None:
    """Add ``POST`` to the route of the settings, and the thread that scores large requests."""
    app.router.add_post(app[SETTINGS].route, _recommend)
    app.cleanup_ctx.append(_inference)


async def _inference(app: web.Application) -> AsyncIterator[None]:
    # With one processor nothing is gained by reading one request while another is scored.
    several = (os.cpu_count() or 1) > 1
    company = (app[IN_FLIGHT], app[SLOW_CLIENTS]) if several else None
    app[INFERENCE] = Inference(app[SETTINGS].max_waiting, company)
    yield
    app[INFERENCE].close()


async def _recommend(request: web.Request) -> web.Response:
    app = request.app
    settings, served, inference = app[SETTINGS], app[SERVED], app[INFERENCE]
    scorer = served.scorer
    bundle = scorer.bundle
    body = await request.read()
    large = len(body) > settings.inline_body_bytes
    asked = await inference.run(partial(_parsed, body, bundle, settings), large=large)

    def answer(one: RecommendRequest) -> str:
        return served.ask(scorer, partial(answer_request, one))

    if isinstance(asked, list):
        batch = [_with_events(app, one, bundle) for one in asked]
        large = sum(_n_scored(one, bundle) for one in batch) > settings.inline_candidates
        text = await inference.score(partial(answer_batch, batch, answer), large=large)
    else:
        one = _with_events(app, asked, bundle)
        large = _n_scored(one, bundle) > settings.inline_candidates
        text = await inference.score(partial(answer, one), large=large)
    return web.Response(body=text.encode(), content_type="application/json")


def _parsed(
    body: bytes, bundle: Bundle, settings: ServerSettings
) -> RecommendRequest | list[RecommendRequest | RequestError]:
    content = parse_json(body, EXAMPLE)
    if isinstance(content, list):
        return parse_batch(content, bundle, settings)
    return parse_fields(content, bundle, settings)


def _with_events(app: web.Application, asked: _Asked, bundle: Bundle) -> _Asked:
    keeper = app.get(KEEPER)
    if keeper is None or isinstance(asked, RequestError) or asked.user_id is None:
        return asked
    # Imported here, so that SQLite is loaded only where events are kept.
    from device_runtime.http.event_requests import with_events

    did = keeper.store.events_of(asked.user_id, bundle.n_history)
    return with_events(asked, did, bundle)


def _n_scored(asked: RecommendRequest | RequestError, bundle: Bundle) -> int:
    if isinstance(asked, RequestError):
        return 0
    return bundle.n_items if asked.item_ids is None else len(asked.item_ids)
