"""What the slots of histories state: presence, values within range, and labels.

Samples that enter histories are read by the same rules, before there is any history.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class Slots(NamedTuple):
    """What slots state, float32 of any shape: see `edgerec.features.history.HistoryInputs`."""

    present: Array
    stated: Array
    value: Array
    liked: Array

    def of_tastes(self, label_above: float | None) -> tuple[dict[str, Array], dict[str, Array]]:
        """Return whether each signal of a taste is stated, and what is stated, by its name."""
        # Where values do not decide labels, a history does not say what was liked.
        labels_known = np.float32(label_above is not None)
        stated = {"value": self.stated, "liked": self.stated * labels_known}
        return stated, {"value": self.value, "liked": self.liked}


def what_slots_state(
    rows: NDArray[np.int64],
    values: Array,
    value_range: tuple[float, float],
    label_above: float | None,
) -> Slots:
    """Read slots: item rows (0: nothing there) and values (NaN: not stated) of one shape.

    >>> slots = what_slots_state(np.array([7, 8, 0]), np.float32([9, np.nan, 1]), (1, 5), 3)
    >>> slots.stated.tolist(), slots.value.tolist(), slots.liked.tolist()
    ([1.0, 0.0, 0.0], [5.0, 0.0, 0.0], [1.0, 0.0, 0.0])
    """
    present = (rows > 0).astype(np.float32)
    stated = present * ~np.isnan(values)
    number = np.where(np.isnan(values), np.float32(0), values)
    low, high = value_range
    value = (stated * np.clip(number, np.float32(low), np.float32(high))).astype(np.float32)
    if label_above is None:
        liked = np.zeros_like(value)
    else:
        liked = stated * (value > np.float32(label_above))
    return Slots(present, stated.astype(np.float32), value, liked.astype(np.float32))
