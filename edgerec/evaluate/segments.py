"""Quality by part: users with short and long histories, popular and rare items."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.evaluate.row_quality import RowQuality, row_qualities

# Of the training interactions, the share that the popular items hold, and these with the middle.
_POPULAR_SHARE: Final = 0.5
_MIDDLE_SHARE: Final = 0.8
# A mean over fewer users with both labels says nothing, however narrow its interval looks.
_FEWEST_USERS: Final = 10
_HISTORY_BOUNDS: Final = (1, 10, 50)
_HISTORY_NAMES: Final = (
    "cold: no history",
    "short: 1 to 9",
    "medium: 10 to 49",
    "long: 50 or more",
)
_ITEM_NAMES: Final = ("popular", "middle", "tail", "not in training")


@dataclass(frozen=True)
class Segment:
    """Some of the test rows, and how good the file is on them."""

    name: str
    n_samples: int
    n_users: int
    observed_rate: float
    """share of label 1; NaN without a row"""
    mean_score: float
    """what the file says on the average; NaN without a row"""
    quality: RowQuality | None
    """None: fewer than two labels. Its GAUC is None where fewer than ten users have both"""


def history_segments(n_history: NDArray[np.int64]) -> list[tuple[str, NDArray[np.bool_]]]:
    """Split rows by the length of the history that they were scored with.

    >>> [(name, at.tolist()) for name, at in history_segments(np.array([0, 9, 10]))][:2]
    [('cold: no history', [True, False, False]), ('short: 1 to 9', [False, True, False])]
    """
    part = np.searchsorted(_HISTORY_BOUNDS, n_history, side="right")
    return [(name, part == number) for number, name in enumerate(_HISTORY_NAMES)]


def popularity_segments(
    log_count: NDArray[np.float32],
    is_known: NDArray[np.bool_],
    catalogue_log_count: NDArray[np.float32],
) -> list[tuple[str, NDArray[np.bool_]]]:
    """Split rows by how often the item occurs in training.

    The popular items are the fewest that hold half of the training interactions, the middle the
    next 30 %, the tail the last 20 %. Items of the same count stand together.

    Parameters
    ----------
    log_count : [n]
        log(1 + training interactions) of each row's item.
    catalogue_log_count : [n_items]
        The same of every item.
    """
    every = np.expm1(np.sort(catalogue_log_count.astype(np.float64)))[::-1]
    held = np.cumsum(every) / max(every.sum(), 1e-9)
    if not len(every):
        bounds = [np.inf, np.inf]
    else:
        bounds = [
            every[min(int(np.searchsorted(held, share)), len(every) - 1)]
            for share in (_POPULAR_SHARE, _MIDDLE_SHARE)
        ]
    count = np.expm1(log_count.astype(np.float64))
    # Half an interaction of slack: the counts came through float32 logarithms.
    part = np.where(count >= bounds[0] - 0.5, 0, np.where(count >= bounds[1] - 0.5, 1, 2))
    part = np.where(is_known, part, 3)
    return [(name, part == number) for number, name in enumerate(_ITEM_NAMES)]


def segment_qualities(
    segments: Sequence[tuple[str, NDArray[np.bool_]]],
    label: NDArray[np.float64],
    score: NDArray[np.float64],
    user: NDArray[np.int64],
    random_state: int = 0,
) -> list[Segment]:
    """Measure the file on each segment.

    Parameters
    ----------
    segments : sequence of (name, bool [n])
    label, score, user : [n]
    """
    found = []
    for name, at in segments:
        n = int(at.sum())
        both = n > 0 and 0 < label[at].sum() < n
        quality = None
        if both:
            quality = row_qualities(
                label[at],
                {"model": score[at]},
                user[at],
                probabilities={"model"},
                random_state=random_state,
            )["model"]
            if _n_with_both(label[at], user[at]) < _FEWEST_USERS:
                quality = dataclasses.replace(quality, gauc=None)
        rate, said = (label[at].mean(), score[at].mean()) if n else (np.nan, np.nan)
        n_users = len(np.unique(user[at]))
        found.append(Segment(name, n, n_users, float(rate), float(said), quality))
    return found


def _n_with_both(label: NDArray[np.float64], user: NDArray[np.int64]) -> int:
    """Return how many users have rows of both labels."""
    return len(np.intersect1d(user[label == 1], user[label == 0]))
