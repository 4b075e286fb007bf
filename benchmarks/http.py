"""python -m device_runtime against aiohttp answering a constant: requests a second and p50.

The client is a raw socket that writes a prepared request and reads one answer, on keep-alive
connections, so that what is measured is the server. Both servers run at once and are asked in
turn. Requests are bounded in count.
"""

import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import edgerec
from benchmarks.data import movielens, say_machine, temporary_folder
from benchmarks.scorer import bare_session, microseconds
from edgerec.schema import Request

N_CANDIDATES = 100
N_REQUESTS = 1500
N_ROUNDS = 7
CONCURRENCY = 8


@contextlib.contextmanager
def server(*arguments: str) -> Iterator[int]:
    """Start a server and yield its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline().rsplit(":", 1)[1].split("/")[0])
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


def main() -> None:
    say_machine()
    with temporary_folder() as name:
        folder = Path(name)
        model = edgerec.train(movielens(folder))
        path = model.export(folder / "model.onnx").path
        items = model.ranker.item_ids
        user = int(model.ranker.user_ids[0])
        candidates = items[:N_CANDIDATES].tolist()
        bodies = {
            "plain": {"userId": user, "itemIdList": candidates},
            "k = 10": {"userId": user, "itemIdList": candidates, "k": 10},
            "50 in history": {
                "userId": user,
                "itemIdList": candidates,
                "history": [[item, 4.0] for item in items[-50:].tolist()],
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
            for name_, body in bodies.items():
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
                        f"{name_:<13}  {concurrency:>5}  {medians[0]:>10,.0f}  {medians[1]:>8,.0f}"
                        f"  {medians[2]:>6.2f}  {medians[3]:>12.2f}  {medians[4]:>10.2f}"
                    )
        print("bounds: ratio .5 of the constant; p50 2.5 times the constant's")


if __name__ == "__main__":
    main()
