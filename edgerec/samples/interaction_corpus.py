"""Interactions, read once in order, become a corpus: nothing of them stays in memory."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgerec.features.embeddings.corpus import CorpusWriter
from edgerec.ids import IdIndex
from edgerec.progress import Progress
from edgerec.samples.sequences import sequence_starts
from edgerec.source import InteractionChunk

_NEVER: Final = -(2**63)


@dataclass(frozen=True)
class Reading:
    """What was read."""

    n_rows: int
    last_timestamp: int
    seconds: float


def write_interactions(
    chunks: Iterable[InteractionChunk],
    items: IdIndex,
    writer: CorpusWriter,
    progress: Progress,
    *,
    session_gap: int = 0,
    later_than: int | None = None,
    n_before: int = 0,
) -> Reading:
    """Write the items of each user, or of each of his sessions, as a sequence.

    Parameters
    ----------
    chunks : iterable of InteractionChunk
        Sorted by user, then by time.
    items : IdIndex
        The item of code c is the word c + 1; new items get the next codes.
    session_gap : int
        Seconds between two interactions from which on they are of two sequences; 0: never.
    later_than : int, optional
        Unix seconds: only sequences with a later interaction are written, from `n_before`
        interactions before the first of these on, so that what is new stands beside what is not.
    """
    cutter = None if later_than is None else _NewEnds(later_than, n_before)
    started = time.perf_counter()
    n_rows, last = 0, _NEVER
    before: tuple[Any, int] | None = None
    for chunk in chunks:
        starts = sequence_starts(chunk.user_ids, chunk.timestamps, session_gap)
        if before is not None:
            gap = int(chunk.timestamps[0]) - before[1]
            starts[0] = chunk.user_ids[0] != before[0] or 0 < session_gap <= gap
        before = chunk.user_ids[-1], int(chunk.timestamps[-1])
        last = max(last, int(chunk.timestamps.max()))
        ids: NDArray[Any] = chunk.item_ids
        if cutter is not None:
            ids, starts = cutter.kept(ids, starts, chunk.timestamps)
        if len(ids):
            writer.add(items.encode(ids.tolist()) + 1, starts)
        n_rows += len(chunk)
        rate = n_rows / max(time.perf_counter() - started, 1e-9)
        progress.advance(n_rows, None, f"words, {rate:,.0f} a second")
    return Reading(n_rows, last, time.perf_counter() - started)


class _NewEnds:
    """Keeps of each sequence what is new and a little before it, over chunks of any size."""

    def __init__(self, later_than: int, n_before: int) -> None:
        self._later_than, self._n_before = later_than, n_before
        # The last old rows of a sequence that may go on in the next chunk.
        self._held: NDArray[Any] | None = None

    def kept(
        self, ids: NDArray[Any], starts: NDArray[np.bool_], timestamps: NDArray[np.int64]
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        is_new = timestamps > self._later_than
        if self._held is not None and len(self._held):
            n_held = len(self._held)
            ids = np.concatenate([self._held, ids])
            starts = np.r_[True, np.zeros(n_held - 1, np.bool_), starts]
            is_new = np.r_[np.zeros(n_held, np.bool_), is_new]
        place = np.arange(len(ids))
        sequence = np.cumsum(starts)
        n_sequences = int(sequence[-1]) + 1
        first_new = np.full(n_sequences, len(ids) + self._n_before)
        np.minimum.at(first_new, sequence[is_new], place[is_new])
        kept = place >= first_new[sequence] - self._n_before
        is_open = (sequence == sequence[-1]) & ~kept
        # A sequence with something new has no old row behind it.
        ends_new = bool(is_new[-1])
        self._held = None if ends_new else ids[is_open][-self._n_before or len(ids) :]
        begins = np.diff(sequence[kept], prepend=-1) > 0
        if len(begins) and sequence[kept][0] == 0:
            begins[0] = False
        return ids[kept], begins
