"""Dynamic features: functions of a user's history before `as_of` and a candidate.

This is the reference. `edgerec.graph.history` mirrors every function here under the same
name in ONNX nodes, and the parity gate of the export proves the two equal. Change both or
neither.

Axes: G requests, H history slots (newest first), N candidates, D embedding width, A audience
width, F content width. A slot that holds nothing has `present` 0 and item row 0. All arrays are
float32.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

# Pseudo-counts: how many interactions the prior of an average is worth. The values were chosen on
# validation users of MovieLens latest-small; quality is flat around them.
_USER_COUNT: Final = 4.0
_RECENT_COUNT: Final = 2.0
RECENT_RANKS: Final = (5.0, 20.0)
"""a weight exp(-rank / scale) per scale, rank 0 being the newest"""

Space = Literal["embedding", "content", "audience"]


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


@dataclass(frozen=True)
class Kernel:
    """Residuals weighted by exp(sharpness * cosine), shrunk towards 0 by `count`."""

    space: Space
    sharpness: float
    columns: tuple[tuple[str, str], ...]
    """(name of the feature, signal that is averaged)"""
    count: float


@dataclass(frozen=True)
class CosineMean:
    """Total of cosine * weight / (total of the weight + count)."""

    name: str
    space: Space
    weight: str
    count: float


SIGNALS: Final = ("present", "stated", "value", "liked", "residual", "liked_residual")
USER_RATIOS: Final = (
    UserRatio("mean_value", 0, "value", "stated", _USER_COUNT, "prior_value"),
    UserRatio("mean_residual", 0, "residual", "stated", _USER_COUNT),
    UserRatio("liked_rate", 0, "liked", "stated", _USER_COUNT, "prior_liked_rate"),
    UserRatio("mean_liked_residual", 0, "liked_residual", "stated", _USER_COUNT),
    *(
        UserRatio(f"recent_{signal}_{scale:g}", decay, signal, "stated", _RECENT_COUNT)
        for signal in ("residual", "liked_residual")
        for decay, scale in enumerate(RECENT_RANKS, 1)
    ),
)
SPREAD_COUNT: Final = _USER_COUNT
USER_NAMES: Final = ("log_count", *(one.name for one in USER_RATIOS), "residual_spread")

CENTRED: Final = ("stated", "centred", "centred_liked")
KERNELS: Final = (
    Kernel(
        "embedding",
        4.0,
        (("similar_residual_4", "centred"), ("similar_liked_residual_4", "centred_liked")),
        10.0,
    ),
    Kernel(
        "embedding",
        8.0,
        (("similar_residual_8", "centred"), ("similar_liked_residual_8", "centred_liked")),
        20.0,
    ),
    Kernel(
        "audience",
        4.0,
        (("audience_residual_4", "centred"), ("audience_liked_residual_4", "centred_liked")),
        10.0,
    ),
    Kernel(
        "audience",
        8.0,
        (("audience_residual_8", "centred"), ("audience_liked_residual_8", "centred_liked")),
        20.0,
    ),
    Kernel("content", 4.0, (("content_residual_4", "centred"),), 20.0),
    Kernel("content", 8.0, (("content_residual_8", "centred"),), 20.0),
)
WEIGHTS: Final = ("present", "liked", "disliked")
COSINE_MEANS: Final = (
    CosineMean("mean_cosine", "embedding", "present", 1.0),
    CosineMean("mean_cosine_liked", "embedding", "liked", 2.0),
    CosineMean("mean_cosine_disliked", "embedding", "disliked", 2.0),
    CosineMean("mean_audience_cosine", "audience", "present", 1.0),
    CosineMean("mean_audience_cosine_liked", "audience", "liked", 2.0),
    CosineMean("mean_audience_cosine_disliked", "audience", "disliked", 2.0),
    CosineMean("mean_content_cosine", "content", "present", 1.0),
)
MAX_COSINES: Final[tuple[Space, ...]] = ("embedding", "audience")
CANDIDATE_NAMES: Final = (
    "expected_value",
    "expected_liked",
    *(name for kernel in KERNELS for name, _ in kernel.columns),
    *(one.name for one in COSINE_MEANS),
    "max_cosine",
    "max_audience_cosine",
)
NAMES: Final = USER_NAMES + CANDIDATE_NAMES


@dataclass(frozen=True)
class HistoryInputs:
    """What the dynamic features read, looked up from the item table.

    `stated` is 1 where a slot is present and its value is known; `value` is 0 elsewhere.
    `liked` is the label that the value stands for, 0 where not stated.
    """

    present: Array
    """[G, H]"""
    stated: Array
    """[G, H]"""
    value: Array
    """[G, H]"""
    liked: Array
    """[G, H]"""
    mean_value: Array
    """[G, H]: the items' mean values"""
    liked_rate: Array
    """[G, H]: the items' shares of label 1"""
    embedding: Array
    """[G, H, D]: unit rows, zero where the item has none"""
    audience: Array
    """[G, H, A]: unit rows, by who interacts with the items; zero where nobody did"""
    content: Array
    """[G, H, F]: unit rows of the items' declared features"""
    candidate_mean_value: Array
    """[G, N]"""
    candidate_liked_rate: Array
    """[G, N]"""
    candidate_embedding: Array
    """[G, N, D]"""
    candidate_audience: Array
    """[G, N, A]"""
    candidate_content: Array
    """[G, N, F]"""
    prior_value: Array
    """[G]: mean value of the training interactions"""
    prior_liked_rate: Array
    """[G]: share of label 1 in the training samples"""
    prior_spread: Array
    """[G]: variance of the training residuals"""


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


def candidate_features(inputs: HistoryInputs, user: Array) -> Array:
    """What the history says of each candidate: [G, N, len(CANDIDATE_NAMES)].

    `user` is what `user_features` returned for the same requests.
    """
    signal = signals(inputs)
    at = {name: position for position, name in enumerate(SIGNALS)}
    mean_residual = user[:, None, USER_NAMES.index("mean_residual")]
    mean_liked = user[:, None, USER_NAMES.index("mean_liked_residual")]
    stated = inputs.stated
    centred = np.stack(
        [
            stated,
            stated * (signal[:, :, at["residual"]] - mean_residual),
            stated * (signal[:, :, at["liked_residual"]] - mean_liked),
        ],
        axis=2,
    )
    weights = np.stack([inputs.present, inputs.liked, stated - inputs.liked], axis=2)
    cosine = {
        "embedding": _cosine(inputs.candidate_embedding, inputs.embedding),
        "audience": _cosine(inputs.candidate_audience, inputs.audience),
        "content": _cosine(inputs.candidate_content, inputs.content),
    }
    columns = [
        inputs.candidate_mean_value + mean_residual,
        inputs.candidate_liked_rate + mean_liked,
    ]
    kernel_weights: dict[tuple[Space, float], Array] = {}
    for kernel in KERNELS:
        gentler = kernel_weights.get((kernel.space, kernel.sharpness / 2))
        if gentler is None:
            kernel_weight = np.exp(np.float32(kernel.sharpness) * cosine[kernel.space])
        else:
            # A square is several times cheaper than an exponential.
            kernel_weight = gentler * gentler
        kernel_weights[kernel.space, kernel.sharpness] = kernel_weight
        total = np.matmul(kernel_weight, centred)
        denominator = total[:, :, CENTRED.index("stated")] + np.float32(kernel.count)
        columns += [total[:, :, CENTRED.index(name)] / denominator for _, name in kernel.columns]
    for mean in COSINE_MEANS:
        weight = weights[:, :, WEIGHTS.index(mean.weight), None]
        total = np.matmul(cosine[mean.space], weight)[:, :, 0]
        columns.append(total / (weight.sum(axis=1) + np.float32(mean.count)))
    # An empty slot has a cosine of 0, and so does a history that is like nothing.
    columns += [np.maximum(cosine[space].max(axis=2), 0) for space in MAX_COSINES]
    return np.stack(columns, axis=2).astype(np.float32)


def _cosine(candidate: Array, history: Array) -> Array:
    result: Array = np.matmul(candidate, history.transpose(0, 2, 1))
    return result
