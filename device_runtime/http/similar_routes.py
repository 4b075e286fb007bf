"""The route that says which items are similar to one."""

from functools import partial
from typing import Final

from aiohttp import web

from device_runtime.errors import RequestError, shown
from device_runtime.http.answers import write_list
from device_runtime.http.app_keys import INFERENCE, SERVED, SETTINGS
from device_runtime.http.requests import DEFAULT_K
from device_runtime.http.wire_ids import one_id
from device_runtime.scorer import Scorer

SIMILAR_ROUTE: Final = "/api/v1/similar/{itemId}"
_MOST_DIGITS: Final = 18


def add_similar_routes(app: web.Application) -> None:
    """Add ``GET /api/v1/similar/{itemId}?k=10``."""
    app.router.add_get(SIMILAR_ROUTE, _similar)


async def _similar(request: web.Request) -> web.Response:
    served, settings = request.app[SERVED], request.app[SETTINGS]
    scorer = served.scorer
    bundle = scorer.bundle
    asked = request.match_info["itemId"]
    item_id = one_id("itemId", asked, bundle.item_id_type, "send an item's id")
    k = _asked_k(request, settings.max_candidates, max(bundle.n_items, 1))
    text = await request.app[INFERENCE].run(
        lambda: served.ask(scorer, partial(_answer, item_id, k)),
        large=bundle.n_items > settings.inline_candidates,
    )
    return web.Response(body=text.encode(), content_type="application/json")


def _asked_k(request: web.Request, most: int, n_items: int) -> int:
    unknown = sorted(set(request.query) - {"k"})
    if unknown:
        raise RequestError(
            f"{shown(unknown[0])}: expected nothing but k after the question mark; leave it out"
        )
    asked = request.query.getall("k", [])
    if not asked:
        return min(DEFAULT_K, most, n_items)
    digits = asked[0] if len(asked) == 1 else ""
    # isdecimal alone would take digits of every script.
    is_number = digits.isascii() and digits.isdecimal() and len(digits) <= _MOST_DIGITS
    if not is_number or int(digits) < 1:
        raise RequestError(
            f"k: expected an integer of 1 or more, got {shown(', '.join(asked))}; or leave it out"
        )
    k = min(int(digits), n_items)
    if k > most:
        raise RequestError(
            f"k: at most {most} items are returned, got {digits}; send a smaller k", status=413
        )
    return k


def _answer(item_id: int | str, k: int, scorer: Scorer) -> str:
    found = scorer.similar([item_id], k=k)
    return write_list(found.ids.tolist(), found.similarities.tolist(), [])
