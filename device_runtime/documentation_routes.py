"""Routes for whoever writes a client: the description of this server, for programs and people."""

import json

from aiohttp import web

from .app_keys import SERVED, SETTINGS
from .documentation import documentation_page
from .openapi import openapi


def add_documentation_routes(app: web.Application) -> None:
    """Add ``GET /openapi.json`` and ``GET /docs``."""
    app.router.add_get("/openapi.json", _document)
    app.router.add_get("/docs", _page)


async def _document(request: web.Request) -> web.Response:
    document = openapi(request.app[SERVED].scorer.bundle, request.app[SETTINGS])
    return web.Response(body=json.dumps(document).encode(), content_type="application/json")


async def _page(request: web.Request) -> web.Response:
    settings = request.app[SETTINGS]
    document = openapi(request.app[SERVED].scorer.bundle, settings)
    scheme = "http" if settings.access.certificate is None else "https"
    page = documentation_page(document, f"{scheme}://{request.host}")
    return web.Response(
        text=page,
        content_type="text/html",
        # Nothing is loaded from anywhere, and nothing runs.
        headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"},
    )
