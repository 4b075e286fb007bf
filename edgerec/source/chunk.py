"""Consecutive interactions as arrays, and joining and cutting them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from edgerec.recsys import Id
from edgerec.source.convert import FloatArray, IdArray, IntArray

__all__ = [
    "InteractionChunk",
    "RowInContext",
    "chosen",
    "cut",
    "gathered",
    "joined",
    "rows_by_user",
]


@dataclass(frozen=True)
class InteractionChunk:
    """Consecutive interactions, one array per column, all of one length n."""

    user_ids: IdArray
    """int64[n], or object[n] of str."""
    item_ids: IdArray
    """int64[n], or object[n] of str."""
    values: FloatArray
    """float64[n]; NaN where the value is NULL or the table has none."""
    timestamps: IntArray
    """int64[n], Unix seconds."""
    weights: FloatArray | None = None
    """float64[n]; 1 where the weight is NULL. None: no column of weights was named."""
    context: NDArray[np.float64] | None = None
    """float64[n, columns]; NaN where a cell is NULL. None: no column of a context was named."""

    def __len__(self) -> int:
        return len(self.timestamps)

    def rows(self) -> Iterator[tuple[Id, Id, float, int]]:
        """Yield (user id, item id, value, Unix seconds) of each, as Python values.

        >>> times, values = np.array([30]), np.array([4.5])
        >>> list(InteractionChunk(np.array([1]), np.array(["a"], object), values, times).rows())
        [(1, 'a', 4.5, 30)]
        """
        return zip(
            self.user_ids.tolist(),
            self.item_ids.tolist(),
            self.values.tolist(),
            self.timestamps.tolist(),
            strict=True,
        )

    def weighed_rows(self) -> Iterator[tuple[Id, Id, float, int, float]]:
        """Yield the same with the weight behind it, 1 where no column was named."""
        return zip(
            self.user_ids.tolist(),
            self.item_ids.tolist(),
            self.values.tolist(),
            self.timestamps.tolist(),
            [1.0] * len(self) if self.weights is None else self.weights.tolist(),
            strict=True,
        )

    def rows_in_context(self) -> Iterator["RowInContext"]:
        """Yield the same with the cells of the context behind it, as a list."""
        context = [()] * len(self) if self.context is None else self.context.tolist()
        for row, cells in zip(self.weighed_rows(), context, strict=True):
            yield (*row, cells)


RowInContext = tuple[Id, Id, float, int, float, Sequence[float]]
"""user, item, value, Unix seconds, weight, cells of the context"""


def rows_by_user(chunks: Iterable[InteractionChunk]) -> Iterator[list[RowInContext]]:
    """Yield the weighed rows of one user at a time, out of chunks that are read by user.

    >>> half = InteractionChunk(np.array([1, 2]), np.array([7, 8]), np.ones(2), np.arange(2))
    >>> rest = InteractionChunk(np.array([2]), np.array([9]), np.ones(1), np.array([2]))
    >>> [len(rows) for rows in rows_by_user([half, rest])]
    [1, 2]
    """
    rows = (row for chunk in chunks for row in chunk.rows_in_context())
    for _, own in groupby(rows, key=itemgetter(0)):
        yield list(own)


def gathered(slabs: Iterator[InteractionChunk], chunk_rows: int) -> Iterator[InteractionChunk]:
    """Join small slabs, and yield them as chunks of `chunk_rows`."""
    waiting: list[InteractionChunk] = []
    n_waiting = 0
    for slab in slabs:
        waiting.append(slab)
        n_waiting += len(slab)
        n_whole = n_waiting - n_waiting % chunk_rows
        if n_whole:
            rows = joined(waiting)
            for start in range(0, n_whole, chunk_rows):
                yield cut(rows, start, start + chunk_rows)
            waiting = [cut(rows, n_whole, n_waiting)]
            n_waiting -= n_whole
    if n_waiting:
        yield joined(waiting)


def chosen(
    chunks: Iterator[InteractionChunk], mask: NDArray[np.bool_]
) -> Iterator[InteractionChunk]:
    """Yield the rows where `mask`, one entry per row of all chunks in turn, is true.

    >>> rows = InteractionChunk(np.arange(3), np.arange(3), np.ones(3), np.arange(3))
    >>> [chunk.user_ids.tolist() for chunk in chosen(iter([rows]), np.array([True, False, True]))]
    [[0, 2]]
    """
    start = 0
    for chunk in chunks:
        kept = mask[start : start + len(chunk)]
        start += len(chunk)
        if kept.any():
            yield _part(chunk, kept)


def joined(chunks: Sequence[InteractionChunk]) -> InteractionChunk:
    """Join chunks end to end."""
    # They come from one table: all of them have weights or a context, or none.
    weights = [chunk.weights for chunk in chunks if chunk.weights is not None]
    contexts = [chunk.context for chunk in chunks if chunk.context is not None]
    return InteractionChunk(
        np.concatenate([chunk.user_ids for chunk in chunks]),
        np.concatenate([chunk.item_ids for chunk in chunks]),
        np.concatenate([chunk.values for chunk in chunks]),
        np.concatenate([chunk.timestamps for chunk in chunks]),
        np.concatenate(weights) if weights else None,
        np.concatenate(contexts) if contexts else None,
    )


def cut(chunk: InteractionChunk, start: int, stop: int) -> InteractionChunk:
    """Return rows `start` to `stop` of a chunk."""
    return _part(chunk, slice(start, stop))


def _part(chunk: InteractionChunk, rows: slice | NDArray[np.bool_]) -> InteractionChunk:
    return InteractionChunk(
        chunk.user_ids[rows],
        chunk.item_ids[rows],
        chunk.values[rows],
        chunk.timestamps[rows],
        None if chunk.weights is None else chunk.weights[rows],
        None if chunk.context is None else chunk.context[rows],
    )
