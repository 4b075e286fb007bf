"""How long the device's scorer takes here: medians over repeated calls, on one thread."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgerec.recsys import Interaction
from edgerec.scoring import TableScorer

_WARM_UP_CALLS = 5
_N_CANDIDATES = 100
_K = 10


@dataclass(frozen=True)
class Latency:
    """Time of one kind of call."""

    what: str
    median_ms: float
    slow_ms: float
    """95 of 100 calls take no longer"""
    n_calls: int


def measure_latency(scorer: TableScorer, n_calls: int = 200) -> list[Latency]:
    """Time two calls with a full history: 100 candidates, and the best ten of the catalogue."""
    catalogue = scorer.catalogue()
    history = [Interaction(item_id, None, 0) for item_id in catalogue[-scorer.n_history :]]
    candidates = catalogue[:_N_CANDIDATES]
    user_id = "" if scorer.user_id_type == "string" else -(2**63)

    def rank_some() -> object:
        return scorer.scores(user_id, candidates, history, 1)

    def rank_all() -> object:
        return scorer.top(user_id, history, 1, [], _K)

    said = f"with {len(history)} items of history"
    return [
        _timed(f"score {len(candidates)} candidates, {said}", rank_some, n_calls),
        _timed(f"rank the whole catalogue, {len(catalogue):,} items, {said}", rank_all, n_calls),
    ]


def _timed(what: str, call: Callable[[], object], n_calls: int) -> Latency:
    for _ in range(_WARM_UP_CALLS):
        call()
    times = []
    for _ in range(n_calls):
        started = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - started))
    median, slow = np.percentile(times, [50, 95])
    return Latency(what, float(median), float(slow), n_calls)
