"""What a history says of each candidate: how the user rated what resembles it."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from edgerec.features.history.inputs import Array, HistoryInputs
from edgerec.features.history.user import SIGNALS, USER_NAMES, signals

Space = Literal["embedding", "content", "audience", "popularity", "scale"]


@dataclass(frozen=True)
class Kernel:
    """Residuals weighted by exp(sharpness * likeness), shrunk towards 0 by `count`."""

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
    Kernel(
        "popularity",
        1.0,
        (("as_popular_residual", "centred"), ("as_popular_liked_residual", "centred_liked")),
        3.0,
    ),
    Kernel(
        "scale",
        4.0,
        (("on_scale_residual", "centred"), ("on_scale_liked_residual", "centred_liked")),
        3.0,
    ),
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
    "log_item_age",
)


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
    likeness = {
        "embedding": _products(inputs.candidate_embedding, inputs.embedding),
        "audience": _products(inputs.candidate_audience, inputs.audience),
        "content": _products(inputs.candidate_content, inputs.content),
        # Minus the squared distance, and no cosine; the kernels ask for likeness, whatever it is.
        "popularity": _products(inputs.candidate_popularity, inputs.popularity),
        "scale": _products(inputs.candidate_scale, inputs.scale),
    }
    columns = [
        inputs.candidate_mean_value + mean_residual,
        inputs.candidate_liked_rate + mean_liked,
    ]
    kernel_weights: dict[tuple[Space, float], Array] = {}
    for kernel in KERNELS:
        gentler = kernel_weights.get((kernel.space, kernel.sharpness / 2))
        if gentler is None:
            kernel_weight = np.exp(np.float32(kernel.sharpness) * likeness[kernel.space])
        else:
            # A square is several times cheaper than an exponential.
            kernel_weight = gentler * gentler
        kernel_weights[kernel.space, kernel.sharpness] = kernel_weight
        total = np.matmul(kernel_weight, centred)
        denominator = total[:, :, CENTRED.index("stated")] + np.float32(kernel.count)
        columns += [total[:, :, CENTRED.index(name)] / denominator for _, name in kernel.columns]
    for mean in COSINE_MEANS:
        weight = weights[:, :, WEIGHTS.index(mean.weight), None]
        total = np.matmul(likeness[mean.space], weight)[:, :, 0]
        columns.append(total / (weight.sum(axis=1) + np.float32(mean.count)))
    # An empty slot has a cosine of 0, and so does a history that is like nothing.
    columns += [np.maximum(likeness[space].max(axis=2), 0) for space in MAX_COSINES]
    columns.append(np.log1p(inputs.candidate_age))
    return np.stack(columns, axis=2).astype(np.float32)


def _products(candidate: Array, history: Array) -> Array:
    result: Array = np.matmul(candidate, history.transpose(0, 2, 1))
    return result
