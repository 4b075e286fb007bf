"""Training rows on disk in shuffled bins, so that each epoch reads them in another order.

A stream ordered by user biases stochastic gradient descent: neighbours are alike. Each row goes
to a random bin once; an epoch reads the bins in random order, and the rows of a bin, which fits
into memory, are permuted there. That is a full shuffle with the memory of one bin.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Final, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
# Standardised features beyond this say no more than "far out", and unbounded ones would let a
# single odd row decide.
CLIP: Final = np.float32(4.0)
_BIN_BYTES: Final = 64 * 2**20
# Rows that are worked on at a time, so that what is made of them stays small.
_ROWS: Final = 8192
# No row counts for less than this share of the mean: the network divides each small batch by its
# weights, and its penalty with them, which batches of next to no weight would blow up.
_SMALLEST_WEIGHT: Final = np.float32(1e-6)
# Parts of a quantity count as varying by this share of the part that varies most, at least.
_SMALLEST_PART: Final = 0.1


class TrainingRows:
    """Rows of (features, label, weight), written once, read once per epoch.

    Parameters
    ----------
    folder : Path
        Where the bins are written; it must exist.
    n_rows : int
        About how many rows will come: decides the number of bins.
    width : int
        Number of features.
    random_state : int
        Seed of the assignment to bins.
    """

    def __init__(self, folder: Path, n_rows: int, width: int, random_state: int) -> None:
        self.n_rows = 0
        self._width = width
        self._random = np.random.default_rng(random_state)
        # The weight is left out of account: the same data fall into the same bins as ever.
        n_bins = max(1, -(-n_rows * (width + 1) * 4 // _BIN_BYTES))
        self._paths = [folder / f"rows.{number}" for number in range(n_bins)]
        # A full disk fails again when a file is closed, and the others must be closed all the same.
        self._open = ExitStack()
        self._files: list[BinaryIO] = [
            self._open.enter_context(path.open("wb")) for path in self._paths
        ]
        self._total = np.zeros(width)
        self._squares = np.zeros(width)
        self._weight_total = 0.0
        self._weight_range = np.inf, -np.inf
        self._only_bin: tuple[Array, Array, Array] | None = None
        self.mean = np.zeros(width, np.float32)
        self.inverse_spread = np.ones(width, np.float32)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def add(self, features: Array, label: Array, weight: Array | None = None) -> None:
        """Append rows: float32 [n, width], [n] and [n]; without weights, each counts 1."""
        if weight is None:
            weight = np.ones(len(label), np.float32)
        # Sums about the first row seen: the variance of a year column would drown otherwise.
        if not self.n_rows and len(features):
            self._origin = features[0].astype(np.float64)
        bins = self._random.integers(len(self._files), size=len(features))
        for start in range(0, len(features), _ROWS):
            part = slice(start, start + _ROWS)
            self._add_part(features[part], label[part], weight[part], bins[part])
        self.n_rows += len(features)

    def _add_part(
        self, features: Array, label: Array, weight: Array, bins: NDArray[np.int64]
    ) -> None:
        centred = features - self._origin
        self._total += centred.sum(axis=0)
        self._squares += (centred * centred).sum(axis=0)
        low, high = self._weight_range
        self._weight_range = min(low, weight.min()), max(high, weight.max())
        self._weight_total += float(weight.sum(dtype=np.float64))
        rows = np.concatenate([features, label[:, None], weight[:, None]], axis=1, dtype=np.float32)
        rows = rows[np.argsort(bins, kind="stable")]
        ends = np.cumsum(np.bincount(bins, minlength=len(self._files)))
        for file, part in zip(self._files, np.split(rows, ends[:-1]), strict=True):
            file.write(part.tobytes())

    def finish(self, quantities: Sequence[Sequence[int]] = ()) -> None:
        """End writing; `mean` and `inverse_spread` are those of the rows from here on.

        Parameters
        ----------
        quantities : sequences of columns
            Columns that are one quantity and its parts. A part that hardly varies is not blown up
            to the size of the others: what varies there may be little more than their rounding.
        """
        self._close()
        offset = self._total / self.n_rows
        variance = np.maximum(self._squares / self.n_rows - offset**2, 0)
        spread = np.sqrt(variance)
        for columns in quantities:
            one = list(columns)
            spread[one] = np.where(
                spread[one] > 1e-6, np.maximum(spread[one], _SMALLEST_PART * spread[one].max()), 0
            )
        self.mean = (self._origin + offset).astype(np.float32)
        # A constant column becomes 0 and not noise divided by nothing.
        self.inverse_spread = np.where(spread > 1e-6, 1 / np.maximum(spread, 1e-6), 0).astype(
            np.float32
        )

    def epoch(
        self, random: np.random.Generator, chunk_rows: int
    ) -> Iterator[tuple[Array, Array, Array | None]]:
        """Yield all rows, standardised, in random order, at most `chunk_rows` at a time.

        Features [n, width], labels [n] and weights [n] whose mean over all rows is 1; None where
        all rows weigh the same.
        """
        for number in random.permutation(len(self._paths)):
            # On its own, or two bins would stand in memory while the next is read.
            yield from self._of_bin(int(number), random, chunk_rows)

    def _of_bin(
        self, number: int, random: np.random.Generator, chunk_rows: int
    ) -> Iterator[tuple[Array, Array, Array | None]]:
        low, high = self._weight_range
        features, label, weight = self._read(number)
        order = random.permutation(len(label))
        for start in range(0, len(label), chunk_rows):
            part = order[start : start + chunk_rows]
            yield features[part], label[part], weight[part] if low < high else None

    def _read(self, number: int) -> tuple[Array, Array, Array]:
        if self._only_bin is not None:
            return self._only_bin
        path = self._paths[number]
        rows = np.empty((path.stat().st_size // (4 * self._width + 8), self._width + 2), np.float32)
        # By readinto and not by np.fromfile(path), which turns Ctrl-C into another error at times.
        with path.open("rb") as file:
            file.readinto(rows.data)
        features, label, weight = rows[:, :-2], rows[:, -2], rows[:, -1]
        # In float64: of weights near float32's smallest this would overflow.
        scale = np.float64(self.n_rows / (self._weight_total or self.n_rows))
        for start in range(0, len(rows), _ROWS):
            part = features[start : start + _ROWS]
            part[:] = standardise(part, self.mean, self.inverse_spread)
            relative = weight[start : start + _ROWS] * scale
            weight[start : start + _ROWS] = np.maximum(relative, _SMALLEST_WEIGHT)
        if len(self._paths) == 1:
            self._only_bin = features, label, weight
        return features, label, weight

    def _close(self) -> None:
        self._open.close()


def standardise(features: Array, mean: Array, inverse_spread: Array) -> Array:
    """Return (features - mean) * inverse_spread, cut at ±4: float32, the shape of `features`.

    >>> standardise(np.float32([[3.0]]), np.float32([1.0]), np.float32([0.5])).tolist()
    [[1.0]]
    """
    standard = (features - mean) * inverse_spread
    result: Array = np.clip(standard, -CLIP, CLIP)
    return result
