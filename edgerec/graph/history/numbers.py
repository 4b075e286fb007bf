"""A few numbers of each item that all features move with, side by side in one table.

A lookup costs the graph more than a number does, so what would be seven tables of one to four
columns is one row of an item: its statistics, its places on scales, and what a taste is told by
it. They are stored whole, whatever the precision of the wide tables.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgerec.features.history.nearness import of_slots
from edgerec.features.vector import FeatureTables

Array = NDArray[np.float32]
TABLE = "item_numbers"
N_STATISTICS = 4
N_MEANS = 2
"""the first of the statistics: mean value and liked rate"""
N_POPULARITY = 3


@dataclass(frozen=True)
class ItemNumbers:
    """The table and what its columns are.

    Axes: M item rows, Q scales, S signals of a taste.
    """

    values: Array
    """[M, 4 + 3 + Q + 2 + 3 S]: statistics, popularity and scales as `of_slots` has them, and of
    each signal level, spread and weight"""
    n_scale: int
    """Q + 2"""
    n_signals: int

    @property
    def widths(self) -> list[int]:
        """Of the statistics, the popularity, the scales, and what a taste reads."""
        return [N_STATISTICS, N_POPULARITY, self.n_scale, 3 * self.n_signals]

    def read_of_slots(self) -> Array:
        """Return what makes a slot's numbers what its features read: [11 + Q + 2 S, columns].

        In turn: mean value and liked rate; log count; popularity and scale, turned; level and
        weight of each signal. Slots are turned and candidates are not, since there are mostly
        fewer of them, and one table then serves both sides of a product.
        """
        columns = self.values.shape[1]
        first_scale = N_STATISTICS + N_POPULARITY
        first_level = first_scale + self.n_scale
        every = np.eye(columns, dtype=np.float32)
        turned = [
            _turned(every[start : start + width])
            for start, width in ((N_STATISTICS, N_POPULARITY), (first_scale, self.n_scale))
        ]
        of_taste = every[first_level:].reshape(3, self.n_signals, columns)
        log_count = every[N_STATISTICS : N_STATISTICS + 1]
        rows = [every[:N_MEANS], log_count, *turned, of_taste[0], of_taste[2]]
        return np.concatenate(rows)

    @property
    def heights(self) -> list[int]:
        """How many rows of `read_of_slots` each of them has, in turn."""
        return [N_MEANS, 1, N_POPULARITY, self.n_scale, self.n_signals, self.n_signals]


def item_numbers(tables: FeatureTables) -> ItemNumbers:
    """Return the numbers of the fit that the file holds."""
    taste = tables.taste
    weight = taste.weight[-1].copy()
    if tables.label_above is None:
        # A history does not say what was liked.
        weight[-1] = 0
    log_count, scales = tables.statistics.log_count[-1, :, None], tables.scales
    of_taste = [*taste.level[-1], *taste.spread[-1], *weight]
    blocks = [tables.item_statistics[-1], of_slots(log_count), of_slots(scales)]
    values = np.concatenate([*blocks, np.stack(of_taste, axis=1)], axis=1)
    return ItemNumbers(values.astype(np.float32), blocks[2].shape[1], len(weight))


def _turned(rows: Array) -> Array:
    """Return the rows that make [2 b, -b², -1] of [b, 1, b²]."""
    places, one, square = rows[:-2], rows[-2:-1], rows[-1:]
    return np.concatenate([2 * places, -square, -one])
