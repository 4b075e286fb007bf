"""aiohttp that answers a constant of the size of a real answer: the bound of benchmarks/http.py."""

import asyncio
import json

from aiohttp import web

ANSWER = json.dumps(
    {"itemScoreList": [{"itemId": number, "score": 0.7310535907745361} for number in range(100)]}
).encode()


async def constant(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(body=ANSWER, content_type="application/json")


async def main() -> None:
    application = web.Application()
    application.router.add_post("/api/v1/recommend", constant)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    print(f"serving a constant on http://{host}:{port}/api/v1/recommend", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
