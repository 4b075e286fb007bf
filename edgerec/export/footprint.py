"""What a file takes where it runs: milliseconds of a request, memory of a fresh process."""

import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from edgerec.errors import EvaluationError
from edgerec.export.parity import GraphSession
from edgerec.schema import Request
from edgerec.training.ranker import Ranker

N_CANDIDATES: Final = 100
_N_CALLS: Final = 60
_N_WARM_UP: Final = 5
# A process of its own, which has nothing of training in it: the runtime's server with the file
# loaded, its self-check done, and a list ranked.
_FRESH: Final = """
import sys
import device_runtime.app
from device_runtime.metrics import resident_bytes
from device_runtime.scorer import Scorer
scorer = Scorer.from_path(sys.argv[1])
scorer.run_golden()
items = scorer.run(k=100).top_ids
scorer.run(item_ids=items, history=items, k=10)
print(resident_bytes())
"""


def median_ms(session: GraphSession, ranker: Ranker) -> float:
    """Return the time of 100 candidates with a full history on one thread, in milliseconds."""
    ids = ranker.item_ids.tolist()
    n_history = min(ranker.settings.n_history, len(ids))
    history = ids[-n_history:]
    high = ranker.tables.value_range[1]
    request = Request(
        item_ids=ids[:N_CANDIDATES], history=history, history_values=[high] * n_history, k=10
    )
    times = []
    for _ in range(_N_WARM_UP + _N_CALLS):
        started = time.perf_counter()
        session.answer(request)
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times[_N_WARM_UP:])


def resident_bytes(path: Path) -> int | None:
    """Return the memory of a fresh process of the device's server that holds the file.

    None where the system does not say.

    Raises
    ------
    EvaluationError
        The process failed; the sentence holds its last line.
    """
    done = subprocess.run(
        [sys.executable, "-c", _FRESH, str(path)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise EvaluationError(
            f"A fresh process could not load {path} to measure its memory: {last[0]}. Install "
            "device_runtime beside edgerec, or leave out --max-rss."
        )
    found = done.stdout.split()[-1]
    return None if found == "None" else int(found)
