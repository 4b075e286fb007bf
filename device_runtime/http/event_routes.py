"""Routes for what users do: events come in, count at once, and are erased on request."""

import json
from typing import Final

from aiohttp import web

from device_runtime.errors import RequestError, StorageError
from device_runtime.http.app_keys import KEEPER, SERVED, SETTINGS
from device_runtime.http.wire_ids import one_id

EVENTS_ROUTE: Final = "/api/v1/events"
USER_ROUTE: Final = "/api/v1/users/{userId}"


def add_event_routes(app: web.Application) -> None:
    """Add ``POST /api/v1/events`` and ``DELETE /api/v1/users/{userId}``."""
    app.router.add_post(EVENTS_ROUTE, _add)
    app.router.add_delete(USER_ROUTE, _erase)


async def _add(request: web.Request) -> web.Response:
    keeper, settings = request.app.get(KEEPER), request.app[SETTINGS]
    if keeper is None:
        raise _not_kept()
    from device_runtime.http.event_requests import parse_events

    events = parse_events(await request.read(), request.app[SERVED].scorer.bundle, settings)
    # An app that was offline for too long is told so, and not that its events are kept.
    oldest = keeper.store.settings.oldest()
    kept = [one for one in events if one.timestamp >= oldest]
    try:
        await keeper.add(kept)
    except StorageError:
        raise RequestError(
            "events: the disk of this device takes nothing now; send them again later", status=507
        ) from None
    durability = keeper.store.settings.durability
    n_old = len(events) - len(kept)
    return _json({"accepted": len(kept), "tooOld": n_old, "durability": durability})


async def _erase(request: web.Request) -> web.Response:
    keeper, bundle = request.app.get(KEEPER), request.app[SERVED].scorer.bundle
    if keeper is None:
        raise _not_kept()
    asked = request.match_info["userId"]
    user_id = one_id("userId", asked, bundle.user_id_type, "send a user's id")
    try:
        n_erased = await keeper.erase(user_id)
    except StorageError:
        raise RequestError(
            "events: the disk of this device takes nothing now, so some of the user may still be "
            "there; erase again later",
            status=507,
        ) from None
    in_model = (
        "the model file holds nothing of any user"
        if not bundle.n_users
        else "what the model file itself learned of the user stays until the next model"
    )
    return _json({"erasedEvents": n_erased, "model": in_model})


def _not_kept() -> RequestError:
    return RequestError(
        "events: this server keeps none; start it with --events PATH, and what users do counts",
        status=404,
    )


def _json(content: dict[str, object]) -> web.Response:
    return web.Response(body=json.dumps(content).encode(), content_type="application/json")
