"""Routes for whoever writes a client: the description of this server, for programs and people."""

import json
from typing import Any

from aiohttp import web

from device_runtime.http.app_keys import SERVED, SETTINGS


def add_documentation_routes(app: web.Application) -> None:
    """Add ``GET /openapi.json`` and ``GET /docs``."""
    app.router.add_get("/openapi.json", _document)
    app.router.add_get("/docs", _page)


def _described(app: web.Application) -> dict[str, Any]:
    # Imported here, as below: a server starts without what few ask it for.
    from device_runtime.http.openapi import openapi

    return openapi(app[SERVED].scorer.bundle, app[SETTINGS])


async def _document(request: web.Request) -> web.Response:
    body = json.dumps(_described(request.app)).encode()
    return web.Response(body=body, content_type="application/json")


async def _page(request: web.Request) -> web.Response:
    from device_runtime.http.documentation import documentation_page

    scheme = "http" if request.app[SETTINGS].access.certificate is None else "https"
    page = documentation_page(_described(request.app), f"{scheme}://{request.host}")
    return web.Response(
        text=page,
        content_type="text/html",
        # Nothing is loaded from anywhere, and nothing runs.
        headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"},
    )
