"""Counts for Prometheus: requests, their times, events, memory. No HTTP.

The text is that of https://prometheus.io/docs/instrumenting/exposition_formats/ (version 0.0.4).
"""

import os
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Final

# Seconds. A thousand candidates take about one millisecond on a workstation, a hundred on a board.
BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """Counts what one server did since it started; to be used in one thread."""

    def __init__(self) -> None:
        self._started = time.time()
        self._n_requests: dict[tuple[str, int], int] = defaultdict(int)
        self._seconds: dict[str, float] = defaultdict(float)
        self._buckets: dict[str, list[int]] = {}

    def count(self, route: str, status: int, seconds: float) -> None:
        """Note a request that was answered.

        Parameters
        ----------
        route : str
            As it was declared, without the values of its variables.
        status : int
            Of the answer.
        seconds : float
            From the request's head to the answer.
        """
        self._n_requests[route, status] += 1
        self._seconds[route] += seconds
        buckets = self._buckets.get(route)
        if buckets is None:
            buckets = self._buckets[route] = [0] * (len(BUCKETS) + 1)
        buckets[bisect_left(BUCKETS, seconds)] += 1

    def text(self, gauges: Iterable[tuple[str, str, float]] = ()) -> str:
        """Return everything as Prometheus reads it.

        Parameters
        ----------
        gauges : iterable of (name, what it is, value)
            Of this moment, beside the counts.

        Examples
        --------
        >>> metrics = Metrics()
        >>> metrics.count("/livez", 200, 0.002)
        >>> [line for line in metrics.text().splitlines() if "_total{" in line]
        ['edgerec_requests_total{route="/livez",status="200"} 1']
        """
        lines = [
            "# HELP edgerec_requests_total Requests that were answered.",
            "# TYPE edgerec_requests_total counter",
        ]
        for (route, status), count in sorted(self._n_requests.items()):
            lines.append(f'edgerec_requests_total{{route="{route}",status="{status}"}} {count}')
        lines += [
            "# HELP edgerec_request_seconds Time from a request's head to its answer.",
            "# TYPE edgerec_request_seconds histogram",
        ]
        for route, buckets in sorted(self._buckets.items()):
            total = 0
            for bound, count in zip((*map(str, BUCKETS), "+Inf"), buckets, strict=True):
                total += count
                labels = f'route="{route}",le="{bound}"'
                lines.append(f"edgerec_request_seconds_bucket{{{labels}}} {total}")
            lines.append(
                f'edgerec_request_seconds_sum{{route="{route}"}} {self._seconds[route]:.6f}'
            )
            lines.append(f'edgerec_request_seconds_count{{route="{route}"}} {total}')
        for name, what, value in (
            ("process_start_time_seconds", "When the process began, Unix seconds.", self._started),
            *gauges,
        ):
            lines += [f"# HELP {name} {what}", f"# TYPE {name} gauge", f"{name} {value:.15g}"]
        return "\n".join(lines) + "\n"


def resident_bytes() -> int | None:
    """Return the memory that this process has in use; None where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    # Where there is a /proc, there is this too.
    return pages * os.sysconf("SC_PAGE_SIZE")
