"""python -m device_runtime against aiohttp answering a constant, and against bare imports.

Requests a second and p50 at full load; p99 at half of it; what a request costs outside the
session; cold start; memory.

The client is a raw socket that writes a prepared request and reads one answer, on keep-alive
connections, so that what is measured is the server. Both servers run at once and are asked in
turn; on an idle machine it takes half of the time that the constant takes, so it limits neither.
"with session" is the ratio to a server that answers the constant after the bare session, one after
the other; where requests come together, ours does both at a time. Requests are bounded in count.
`python -m benchmarks.http MODEL.onnx` measures with a model that is there instead of training one;
`--start` measures cold start and memory alone.

Modules are compiled once, before anything is measured, as they are where pip has installed them.
"""

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import edgerec
from benchmarks.data import movielens, say_machine, temporary_folder
from benchmarks.scorer import bare_session, microseconds
from device_runtime.scorer import Scorer
from edgerec.schema import Request

N_CANDIDATES = 100
N_REQUESTS = 1500
N_ROUNDS = 7
N_STARTS = 9
CONCURRENCY = 8
IMPORTS = "import numpy, onnxruntime, aiohttp.web"
ENVIRONMENT = {**os.environ, "ORT_DISABLE_TELEMETRY": "1"}
# pip compiles what it installs; a server that may not would be compiled anew at each start.
ENVIRONMENT.pop("PYTHONDONTWRITEBYTECODE", None)
# Waits for its input to end, so that its memory can be looked at.
BARE = f"{IMPORTS}; print('http://x:1/', flush=True); input()"


@contextlib.contextmanager
def server(*arguments: str) -> Iterator[int]:
    """Start a server and yield its port."""
    with running("-m", *arguments) as (_, port):
        yield port


@contextlib.contextmanager
def running(*arguments: str) -> Iterator[tuple[int, int]]:
    """Start Python with arguments; yield its process id, and the port that it prints."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    try:
        assert process.stdout is not None
        yield process.pid, int(process.stdout.readline().rsplit(":", 1)[1].split("/")[0])
    finally:
        process.terminate()
        process.communicate(timeout=60)


def http_request(body: object) -> bytes:
    data = json.dumps(body).encode()
    head = (
        "POST /api/v1/recommend HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


async def connection(port: int, request: bytes, count: int, latencies: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(count):
        started = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        latencies.append(time.perf_counter() - started)
    writer.close()
    await writer.wait_closed()


async def load(port: int, request: bytes, concurrency: int) -> tuple[float, float]:
    """Return requests a second and the median latency in microseconds."""
    latencies: list[float] = []
    each = N_REQUESTS // concurrency
    started = time.perf_counter()
    await asyncio.gather(*(connection(port, request, each, latencies) for _ in range(concurrency)))
    rate = len(latencies) / (time.perf_counter() - started)
    return rate, statistics.median(latencies) * 1e6


async def paced(port: int, request: bytes, rate: float) -> tuple[float, float]:
    """Return p50 and p99 in microseconds where requests come at a rate, from when each was due."""
    latencies: list[float] = []
    started = time.perf_counter()

    async def one_connection(first: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in range(first, N_REQUESTS, CONCURRENCY):
            due = started + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            latencies.append(time.perf_counter() - due)
        writer.close()

    await asyncio.gather(*map(one_connection, range(CONCURRENCY)))
    cuts = statistics.quantiles(latencies, n=100)
    return cuts[49] * 1e6, cuts[98] * 1e6


def resident_megabytes(process: int) -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def cpu_seconds(process: int) -> float:
    """Return the processor time of a process; waiting for a busy machine is not in it."""
    numbers = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")


def say_outside(path: Path, bodies: Mapping[str, object]) -> None:
    """Print what a request costs outside the session, beside aiohttp's constant."""
    with (
        running("-m", "benchmarks.constant_server") as other,
        running("-m", "benchmarks.hollow_server", str(path)) as own,
    ):
        for name, body in bodies.items():
            request = http_request(body)
            asyncio.run(load(own[1], request, CONCURRENCY))
            rows = []
            for _ in range(N_ROUNDS):
                row = []
                for process, port in (other, own):
                    before = cpu_seconds(process)
                    asyncio.run(load(port, request, CONCURRENCY))
                    row.append((cpu_seconds(process) - before) / N_REQUESTS * 1e6)
                rows.append(row)
            constant, ours = (statistics.median(column) for column in zip(*rows, strict=True))
            print(
                f"{name}: {ours:.0f} µs of the processor outside the session; constant "
                f"{constant:.0f} µs"
            )


def say_start_and_memory(path: Path, request: bytes) -> None:
    with running("-m", "device_runtime", str(path), "--port", "0") as (_, port):
        asyncio.run(connection(port, request, 1, []))  # Now all modules are compiled.
    rows = []
    for _ in range(N_STARTS):
        started = time.perf_counter()
        with running("-c", BARE) as (process, _):
            bare_seconds, bare = time.perf_counter() - started, resident_megabytes(process)
        started = time.perf_counter()
        with running("-m", "device_runtime", str(path), "--port", "0") as (process, port):
            asyncio.run(connection(port, request, 1, []))
            seconds = time.perf_counter() - started
            asyncio.run(load(port, request, CONCURRENCY))
            rows.append((seconds / bare_seconds, seconds, bare, resident_megabytes(process)))
    ratio, seconds, bare, own = (statistics.median(column) for column in zip(*rows, strict=True))
    bound = bare + 2 * path.stat().st_size / 2**20 + 10
    print(
        f"cold start to the first answer: {ratio:.2f} x bare imports (bound: 1.15), {seconds:.2f} s"
    )
    print(f"memory: {own:.1f} MB; bare imports {bare:.1f} MB, bound {bound:.1f} MB")


def measure(path: Path, items: list[int], user: int) -> None:
    candidates = items[:N_CANDIDATES]
    bodies = {
        "plain": {"userId": user, "itemIdList": candidates},
        "k = 10": {"userId": user, "itemIdList": candidates, "k": 10},
        "50 in history": {
            "userId": user,
            "itemIdList": candidates,
            "history": [[item, 4.0] for item in items[-50:]],
        },
    }
    session = bare_session(path)
    tensors = Request(user_id=user, item_ids=candidates).tensors("int64", "int64")
    bare = statistics.median(microseconds(lambda: session.run(None, tensors)) for _ in range(9))
    print(f"bare session: {bare:.0f} µs")
    print("request        conc.  constant/s    ours/s   ratio  with session   p50 ratio")
    with (
        server("benchmarks.constant_server") as other,
        server("device_runtime", str(path), "--port", "0") as own,
    ):
        for name, body in bodies.items():
            request = http_request(body)
            for concurrency in (1, CONCURRENCY):
                rows = []
                for _ in range(N_ROUNDS):
                    constant, constant_p50 = asyncio.run(load(other, request, concurrency))
                    ours, ours_p50 = asyncio.run(load(own, request, concurrency))
                    bound = 1 / (1 / constant + bare / 1e6)
                    rows.append(
                        (constant, ours, ours / constant, ours / bound, ours_p50 / constant_p50)
                    )
                medians = [statistics.median(column) for column in zip(*rows, strict=True)]
                print(
                    f"{name:<13}  {concurrency:>5}  {medians[0]:>10,.0f}  {medians[1]:>8,.0f}"
                    f"  {medians[2]:>6.2f}  {medians[3]:>12.2f}  {medians[4]:>10.2f}"
                )
        print("bounds: ratio .5 of the constant; p50 2.5 times the constant's")
        request = http_request(bodies["plain"])
        for name, port in (("ours", own), ("constant", other)):
            rounds = []
            for _ in range(N_ROUNDS):
                rate, _ = asyncio.run(load(port, request, CONCURRENCY))
                p50, p99 = asyncio.run(paced(port, request, rate / 2))
                rounds.append(p99 / p50)
            print(f"p99 / p50 at half load, {name}: {statistics.median(rounds):.1f} (bound: 5)")
    say_outside(path, bodies)
    say_start_and_memory(path, request)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", type=Path, metavar="MODEL.onnx")
    parser.add_argument("--start", action="store_true", help="cold start and memory alone")
    options = parser.parse_args()
    say_machine()
    with temporary_folder() as name:
        if options.model is None:
            model = edgerec.train(movielens(Path(name)))
            path = model.export(Path(name, "model.onnx")).path
            items, user = model.ranker.item_ids.tolist(), int(model.ranker.user_ids[0])
        else:
            path, user = options.model, 108
            items = sorted(Scorer.from_path(path).run(k=2 * N_CANDIDATES).top_ids.tolist())
        if options.start:
            body = {"userId": user, "itemIdList": items[:N_CANDIDATES]}
            say_start_and_memory(path, http_request(body))
        else:
            measure(path, items, user)


if __name__ == "__main__":
    main()
