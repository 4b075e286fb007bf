"""Dynamic features: functions of a user's history before `as_of` and a candidate.

This is the reference. `edgerec.graph.history` mirrors every function here under the same
name in ONNX nodes, and the parity gate of the export proves the two equal. Change both or
neither.

Axes: G requests, H history slots (newest first), N candidates, D embedding width, F content
width. A slot that holds nothing has `present` 0 and item row 0. All arrays are float32.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

# Pseudo-counts: how many interactions the prior of each average is worth. The values were
# chosen on validation users of MovieLens latest-small; quality is flat around them.
USER_SHRINKAGE: Final = 4.0
RECENT_SHRINKAGE: Final = 2.0
COSINE_SHRINKAGE: Final = 2.0
# (sharpness of exp(sharpness * cosine), pseudo-count) of each similarity-weighted residual.
EMBEDDING_KERNELS: Final = ((4.0, 10.0), (8.0, 20.0))
CONTENT_KERNELS: Final = ((4.0, 20.0), (8.0, 20.0))
RECENT_RANKS: Final = (5.0, 20.0)


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
    content: Array
    """[G, H, F]: unit rows of the items' declared features"""
    candidate_mean_value: Array
    """[G, N]"""
    candidate_liked_rate: Array
    """[G, N]"""
    candidate_embedding: Array
    """[G, N, D]"""
    candidate_content: Array
    """[G, N, F]"""
    prior_value: Array
    """[G]: mean value of the training interactions"""
    prior_liked_rate: Array
    """[G]: share of label 1 in the training samples"""
    prior_spread: Array
    """[G]: variance of the training residuals"""


USER_NAMES: Final = (
    "log_count",
    "mean_value",
    "mean_residual",
    "liked_rate",
    "mean_liked_residual",
    "residual_spread",
    *(f"recent_residual_{rank:g}" for rank in RECENT_RANKS),
    *(f"recent_liked_residual_{rank:g}" for rank in RECENT_RANKS),
)
CANDIDATE_NAMES: Final = (
    "expected_value",
    "expected_liked",
    *(f"similar_residual_{sharpness:g}" for sharpness, _ in EMBEDDING_KERNELS),
    *(f"similar_liked_residual_{sharpness:g}" for sharpness, _ in EMBEDDING_KERNELS),
    "mean_cosine",
    "max_cosine",
    "mean_cosine_liked",
    "mean_cosine_disliked",
    *(f"content_residual_{sharpness:g}" for sharpness, _ in CONTENT_KERNELS),
    "mean_content_cosine",
)
NAMES: Final = USER_NAMES + CANDIDATE_NAMES


def _shrunk(total: Array, count: Array, pseudo_count: float, prior: Array | None = None) -> Array:
    if prior is not None:
        total = total + prior * np.float32(pseudo_count)
    result: Array = total / (count + np.float32(pseudo_count))
    return result


def _weighted(weight: Array, residual: Array, pseudo_count: float) -> Array:
    """Means of `residual` [G, H] under `weight` [G, N, H], shrunk towards 0: [G, N]."""
    total = np.matmul(weight, residual[:, :, None])[:, :, 0]
    result: Array = total / (weight.sum(axis=2) + np.float32(pseudo_count))
    return result


def _cosine(candidate: Array, history: Array) -> Array:
    result: Array = np.matmul(candidate, history.transpose(0, 2, 1))
    return result


def residuals(inputs: HistoryInputs) -> tuple[Array, Array]:
    """Value and liked minus the item's own mean, 0 where not stated: twice [G, H]."""
    value = inputs.stated * (inputs.value - inputs.mean_value)
    liked = inputs.stated * (inputs.liked - inputs.liked_rate)
    return value, liked


def user_features(inputs: HistoryInputs) -> Array:
    """What the history says of the user, whatever the candidate: [G, len(USER_NAMES)]."""
    residual, liked_residual = residuals(inputs)
    stated = inputs.stated
    n_stated = stated.sum(axis=1)
    mean_residual = _shrunk(residual.sum(axis=1), n_stated, USER_SHRINKAGE)
    centred = stated * (residual - mean_residual[:, None])
    spread = _shrunk((centred * centred).sum(axis=1), n_stated, USER_SHRINKAGE, inputs.prior_spread)
    rank = np.arange(stated.shape[1], dtype=np.float32)
    columns = [
        np.log1p(inputs.present.sum(axis=1)),
        _shrunk(inputs.value.sum(axis=1), n_stated, USER_SHRINKAGE, inputs.prior_value),
        mean_residual,
        _shrunk(inputs.liked.sum(axis=1), n_stated, USER_SHRINKAGE, inputs.prior_liked_rate),
        _shrunk(liked_residual.sum(axis=1), n_stated, USER_SHRINKAGE),
        np.sqrt(spread),
    ]
    for signal in (residual, liked_residual):
        for scale in RECENT_RANKS:
            weight = stated * np.exp(-rank / np.float32(scale))
            columns.append((weight * signal).sum(axis=1) / (weight.sum(axis=1) + RECENT_SHRINKAGE))
    return np.stack(columns, axis=1).astype(np.float32)


def candidate_features(inputs: HistoryInputs, user: Array) -> Array:
    """What the history says of each candidate: [G, N, len(CANDIDATE_NAMES)].

    `user` is what `user_features` returned for the same requests.
    """
    residual, liked_residual = residuals(inputs)
    mean_residual = user[:, USER_NAMES.index("mean_residual")]
    mean_liked = user[:, USER_NAMES.index("mean_liked_residual")]
    centred = inputs.stated * (residual - mean_residual[:, None])
    centred_liked = inputs.stated * (liked_residual - mean_liked[:, None])
    present, stated = inputs.present[:, None, :], inputs.stated[:, None, :]
    cosine = _cosine(inputs.candidate_embedding, inputs.embedding)
    content_cosine = _cosine(inputs.candidate_content, inputs.content)
    n_present = inputs.present.sum(axis=1)[:, None]
    # A history that holds nothing must not read as one that is unlike everything.
    any_present = np.minimum(n_present, 1)
    columns = [
        inputs.candidate_mean_value + mean_residual[:, None],
        inputs.candidate_liked_rate + mean_liked[:, None],
    ]
    kernels = [(stated * np.exp(np.float32(s) * cosine), c) for s, c in EMBEDDING_KERNELS]
    columns += [_weighted(weight, centred, count) for weight, count in kernels]
    columns += [_weighted(weight, centred_liked, count) for weight, count in kernels]
    columns += [
        (present * cosine).sum(axis=2) / (n_present + 1),
        (present * cosine + present - 1).max(axis=2) * any_present,
    ]
    liked = inputs.liked
    disliked = inputs.stated - liked
    columns += [
        np.matmul(cosine, signal[:, :, None])[:, :, 0]
        / (signal.sum(axis=1)[:, None] + COSINE_SHRINKAGE)
        for signal in (liked, disliked)
    ]
    for sharpness, count in CONTENT_KERNELS:
        weight = stated * np.exp(np.float32(sharpness) * content_cosine)
        columns.append(_weighted(weight, centred, count))
    columns.append((present * content_cosine).sum(axis=2) / (n_present + 1))
    return np.stack(columns, axis=2).astype(np.float32)
