"""What a history says of the user, whatever the candidate."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from edgerec.features.history.inputs import Array, HistoryInputs

# Pseudo-counts: how many interactions the prior of an average is worth. The values were chosen on
# validation users of MovieLens latest-small; quality is flat around them.
_USER_COUNT: Final = 4.0
_RECENT_COUNT: Final = 2.0
_POPULARITY_COUNT: Final = 1.0
RECENT_RANKS: Final = (5.0, 20.0)
"""a weight exp(-rank / scale) per scale, rank 0 being the newest"""


@dataclass(frozen=True)
class UserRatio:
    """(total of a signal + prior * count) / (total of another + count), under a decay."""

    name: str
    decay: int
    """0: none; 1 + position in RECENT_RANKS"""
    signal: str
    over: str
    count: float
    prior: str | None = None


SIGNALS: Final = ("present", "stated", "value", "liked", "residual", "liked_residual", "log_count")
USER_RATIOS: Final = (
    UserRatio("mean_value", 0, "value", "stated", _USER_COUNT, "prior_value"),
    UserRatio("mean_residual", 0, "residual", "stated", _USER_COUNT),
    UserRatio("liked_rate", 0, "liked", "stated", _USER_COUNT, "prior_liked_rate"),
    UserRatio("mean_liked_residual", 0, "liked_residual", "stated", _USER_COUNT),
    UserRatio("mean_popularity", 0, "log_count", "present", _POPULARITY_COUNT),
    *(
        UserRatio(f"recent_{signal}_{scale:g}", decay, signal, "stated", _RECENT_COUNT)
        for signal in ("residual", "liked_residual")
        for decay, scale in enumerate(RECENT_RANKS, 1)
    ),
)
SPREAD_COUNT: Final = _USER_COUNT
USER_NAMES: Final = ("log_count", *(one.name for one in USER_RATIOS), "residual_spread")


def decays(n_slots: int) -> Array:
    """Return the weight of each slot under each decay: [1 + len(RECENT_RANKS), n_slots].

    >>> decays(2).astype(float).round(3).tolist()
    [[1.0, 1.0], [1.0, 0.819], [1.0, 0.951]]
    """
    rank = np.arange(n_slots)
    rows = [np.ones(n_slots), *(np.exp(-rank / scale) for scale in RECENT_RANKS)]
    return np.stack(rows).astype(np.float32)


def signals(inputs: HistoryInputs) -> Array:
    """Return what is summed over the history: [G, H, len(SIGNALS)].

    Residuals are value and liked minus the item's own mean, 0 where not stated.
    """
    residual = inputs.stated * (inputs.value - inputs.mean_value)
    liked_residual = inputs.stated * (inputs.liked - inputs.liked_rate)
    columns = [
        inputs.present,
        inputs.stated,
        inputs.value,
        inputs.liked,
        residual,
        liked_residual,
        # An empty slot has item row 0, whose count is 0.
        inputs.popularity[:, :, 0],
    ]
    return np.stack(columns, axis=2)


def user_features(inputs: HistoryInputs) -> Array:
    """What the history says of the user, whatever the candidate: [G, len(USER_NAMES)]."""
    signal = signals(inputs)
    total = np.matmul(decays(signal.shape[1]), signal)
    at = {name: position for position, name in enumerate(SIGNALS)}
    columns = {"log_count": np.log1p(total[:, 0, at["present"]])}
    for ratio in USER_RATIOS:
        numerator = total[:, ratio.decay, at[ratio.signal]]
        if ratio.prior is not None:
            numerator = numerator + getattr(inputs, ratio.prior) * np.float32(ratio.count)
        denominator = total[:, ratio.decay, at[ratio.over]] + np.float32(ratio.count)
        columns[ratio.name] = numerator / denominator
    mean_residual = columns["mean_residual"][:, None]
    centred = inputs.stated * (signal[:, :, at["residual"]] - mean_residual)
    squares = (centred * centred).sum(axis=1) + inputs.prior_spread * np.float32(SPREAD_COUNT)
    count = total[:, 0, at["stated"]] + np.float32(SPREAD_COUNT)
    columns["residual_spread"] = np.sqrt(squares / count)
    return np.stack([columns[name] for name in USER_NAMES], axis=1).astype(np.float32)
