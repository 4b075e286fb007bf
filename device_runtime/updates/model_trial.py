"""Is a new model fit to take the place of the one that answers? Asked beside it, in a thread."""

import statistics
import time
from pathlib import Path
from typing import Final

from device_runtime.bundle import Bundle
from device_runtime.errors import BundleError, RefusedModelError, RequestError
from device_runtime.metrics import resident_bytes
from device_runtime.scorer import Scorer
from device_runtime.updates.settings import UpdateSettings

_N_CANDIDATES: Final = 100
_N_CALLS: Final = 11
_MEGABYTE: Final = 1e6
# Measured: what ONNX Runtime takes to load these graphs, beside the file itself.
_FILES: Final = 2
_MORE: Final = 10_000_000


def tried(bundle: Bundle, running: Bundle, settings: UpdateSettings) -> Scorer:
    """Return the scorer of a verified bundle after its golden requests, within the limits.

    Parameters
    ----------
    bundle : Bundle
        The new model, audited.
    running : Bundle
        The one that answers meanwhile.
    settings : UpdateSettings
        The limits.

    Raises
    ------
    RefusedModelError
        It is not to be served here; the sentence says why.
    """
    for whose, new, now in (
        ("users", bundle.user_id_type, running.user_id_type),
        ("items", bundle.item_id_type, running.item_id_type),
    ):
        if new != now:
            raise RefusedModelError(
                f"ids of {whose} are {new} in the new model and {now} in the one that is served, "
                "and apps would ask it in vain; install it by hand"
            )
    limit = settings.max_memory_bytes or _group_limit()
    expected = _FILES * bundle.onnx_path.stat().st_size + _MORE
    _require_memory(limit, expected, "would take")
    try:
        scorer = Scorer(bundle)
        scorer.run_golden()
        _require_memory(limit, 0, "takes")
        median = _median_ms(scorer)
    except BundleError as error:
        raise RefusedModelError(str(error)) from None
    except RequestError as error:
        raise RefusedModelError(f"{bundle.onnx_path.name}: {error}") from None
    if median > settings.max_latency_ms:
        raise RefusedModelError(
            f"{_N_CANDIDATES} candidates take {median:.1f} ms here, and at most "
            f"{settings.max_latency_ms:g} ms are allowed (--feed-max-latency)"
        )
    return scorer


def _median_ms(scorer: Scorer) -> float:
    catalogue = scorer.run(k=_N_CANDIDATES)
    history = catalogue.top_ids[: scorer.bundle.n_history]
    times = []
    for _ in range(_N_CALLS):
        started = time.perf_counter()
        scorer.run(item_ids=catalogue.top_ids, history=history, k=10)
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)


def _require_memory(limit: int | None, more: int, verb: str) -> None:
    used = resident_bytes()
    if limit is not None and used is not None and used + more > limit:
        raise RefusedModelError(
            f"with both models loaded this process {verb} {(used + more) / _MEGABYTE:.0f} MB, and "
            f"at most {limit / _MEGABYTE:.0f} MB are allowed (--feed-max-memory, or the unit's "
            "MemoryMax)"
        )


def _group_limit() -> int | None:
    """Return what the control group of this process allows (cgroup v2); None: no bound."""
    try:
        (line,) = Path("/proc/self/cgroup").read_text("ascii").splitlines()[-1:]
        group = Path("/sys/fs/cgroup") / line.rpartition("::")[2].lstrip("/")
        return int((group / "memory.max").read_text("ascii"))
    except (OSError, ValueError):
        return None
