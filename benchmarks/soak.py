"""Five minutes of requests and model swaps: nothing is dropped, and memory stays flat.

200,000 requests at concurrency 8 (plain, from the catalogue, lists, tensors, refused ones), while
another scorer takes the place of the one that answers 500 times, each read from its file anew, as
an update does. Server and clients are two processes. `--seconds 60` makes it shorter, the swaps
and requests fewer in proportion. It ends with exit code 1 where an answer is not what it should
be, or memory grows by more than 10 MB from the first fifth to the end (in a run of
less than a minute the first fifth is still warming up).
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from aiohttp import web

from device_runtime.app import create_app
from device_runtime.metrics import resident_bytes
from device_runtime.scorer import Scorer
from device_runtime.served import Served

MODEL = Path(__file__).parents[1] / "models" / "demo.onnx"
SECONDS = 300
N_REQUESTS = 200_000
N_SWAPS = 500
CONCURRENCY = 8
BOUND = 10
"""megabytes that the server may grow by after its first fifth"""


async def serve_and_swap(path: str, n_swaps: int, seconds: float) -> None:
    """Serve until the input ends; swap models evenly, and print the memory after each."""
    served = Served(Scorer.from_path(path))
    runner = web.AppRunner(create_app(served), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    loop = asyncio.get_running_loop()

    def opened() -> Scorer:
        scorer = Scorer.from_path(path)
        scorer.run_golden()
        return scorer

    started = time.monotonic()
    for number in range(n_swaps):
        due = started + (number + 1) * seconds / n_swaps
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        served.replace(await loop.run_in_executor(None, opened))
        print(resident_bytes(), flush=True)
    print("done", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


def bodies(items: list[int]) -> list[tuple[str, object, int]]:
    plain = {"userId": 108, "itemIdList": items[:100]}
    tensor = {"name": "item_ids", "datatype": "INT64", "shape": [100], "data": items[:100]}
    recommend = "/api/v1/recommend"
    return [
        (recommend, plain, 200),
        (recommend, {**plain, "history": [[one, 4.0] for one in items[:50]], "k": 10}, 200),
        (recommend, {"userId": None, "k": 10}, 200),
        (recommend, [{"userId": 1, "itemIdList": items[:10]}] * 3 + [{"bad": 1}], 200),
        ("/v2/models/demo/infer", {"inputs": [tensor]}, 200),
        (recommend, {"userId": 1, "itemIdList": [None]}, 400),
    ]


def request(path: str, body: object) -> bytes:
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data


async def ask(port: int, asked: list[tuple[bytes, int]], count: int, wrong: list[str]) -> None:
    """Send requests in turn over one connection, and note every answer of another status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in range(count):
        sent, status = asked[number % len(asked)]
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        if int(head.split()[1]) != status:
            wrong.append(f"{head[:40]!r} {body[:80]!r}")
    writer.close()


async def soak(port: int, n_requests: int, seconds: float, wrong: list[str]) -> int:
    items = sorted(Scorer.from_path(MODEL).run(k=100).top_ids.tolist())
    asked = [(request(path, body), status) for path, body, status in bodies(items)]
    sent, started = 0, time.monotonic()

    def is_done() -> bool:
        # The requests and the time that the swaps take; where they are too many for this machine
        # by now, twice the time is the end, and what is printed says how many they were.
        passed = time.monotonic() - started
        return passed >= 2 * seconds or (sent >= n_requests and passed >= seconds)

    while not is_done():
        each = 6 * len(asked)
        await asyncio.gather(*(ask(port, asked, each, wrong) for _ in range(CONCURRENCY)))
        sent += CONCURRENCY * each
    return sent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--serve", nargs=2, metavar=("SWAPS", "SECONDS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve_and_swap(str(MODEL), int(options.serve[0]), float(options.serve[1])))
        return
    # Not above: the server must not hold what only training needs.
    from benchmarks.data import say_machine

    say_machine()
    n_swaps, n_requests = (
        max(10, wanted * options.seconds // SECONDS) for wanted in (N_SWAPS, N_REQUESTS)
    )
    command = [sys.executable, "-m", "benchmarks.soak", "--serve", str(n_swaps)]
    server = subprocess.Popen(
        [*command, str(options.seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "ORT_DISABLE_TELEMETRY": "1"},
    )
    assert server.stdout is not None
    wrong: list[str] = []
    started = time.monotonic()
    sent = asyncio.run(soak(int(server.stdout.readline()), n_requests, options.seconds, wrong))
    seconds = time.monotonic() - started
    told = iter(server.stdout.readline, "done\n")
    megabytes = [int(line) / 2**20 for line in told if line.strip().isdigit()]
    server.communicate(timeout=60)
    fifth = max(1, len(megabytes) // 5)
    first, last = statistics.median(megabytes[:fifth]), statistics.median(megabytes[-fifth:])
    print(
        f"{sent:,} requests (asked: {n_requests:,}) and {len(megabytes)} swaps (asked: {n_swaps}) "
        f"in {seconds:.0f} s; {len(wrong)} wrong"
    )
    print(f"memory: {first:.1f} MB in the first fifth, {last:.1f} MB in the last (bound: +{BOUND})")
    for line in wrong[:5]:
        print(line)
    if wrong or len(megabytes) < n_swaps or last - first > BOUND:
        sys.exit(1)


if __name__ == "__main__":
    main()
