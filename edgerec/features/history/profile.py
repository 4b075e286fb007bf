"""What kinds of items a history holds, and how the user rated each kind: by declared feature.

Where the other features ask about one candidate, these describe the user, so that the network can
tell apart those who live on one kind of item from those who take all.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.features.history.inputs import Array, HistoryInputs
from edgerec.features.history.user import USER_NAMES

RESIDUAL_COUNT: Final = 3.0
"""how many interactions the prior of a kind's mean residual is worth"""
SHARE_COUNT: Final = 1.0
_LARGEST: Final = 3.0
_SMALLEST: Final = 1e-3
"""an item that is less of every kind is of none: what is left of means is rounding"""


def texts_beside_kinds(n_declared: int, n_text: int, most: int) -> bool:
    """Return whether there are texts that kinds do not tell of: the basis does, columns do not.

    >>> [texts_beside_kinds(n_declared, n_text=16, most=24) for n_declared in (0, 1, 24, 25)]
    [False, True, True, False]
    """
    return n_text > 0 and not _of_basis(n_declared, most)


def kinds_of_items(
    features: Array,
    basis: Array,
    most: int,
    fitted: NDArray[np.bool_] | None = None,
    *,
    nothing: Array | None = None,
    texts: Array | None = None,
) -> Array:
    """Return how much each item is of each kind: float32 [n_items + 1, C], C <= `most`.

    A flag (0 and another value) is a kind, and an item of several is less of each; another column
    counts standardised, and is a kind at both of its ends. Where more than `most` columns are
    declared, or none, `basis` [n_items + 1, …] stands for them. Row 0 and constant columns are 0.
    Means, spreads and what is constant are those of the `fitted` items [n_items + 1], of all by
    default. An item of which nothing is declared is of no kind: it has the features `nothing`
    [F], or is average in all. Of its text, where it has `texts` [n_items + 1, …], a basis tells.

    >>> kinds_of_items(np.float32([[0.5], [0], [1]]), np.zeros((3, 0)), 8).tolist()
    [[0.0], [0.0], [1.0]]
    """
    own = features[1:].astype(np.float64)
    if not len(own):
        return np.zeros((len(features), 0), np.float32)
    known = own if fitted is None else own[fitted[1:]]
    spread = known.std(axis=0)
    varies = spread > 1e-9 * np.maximum(np.abs(known).max(axis=0, initial=0), 1)
    is_stated = np.ones(len(own), bool)
    if nothing is not None and features.shape[1]:
        is_stated = (own != nothing.astype(np.float64))[:, varies].any(axis=1)
    if _of_basis(features.shape[1], most):
        kinds = basis[1:].astype(np.float64)
        if texts is not None and texts.shape[1]:
            is_stated |= texts[1:].any(axis=1)
    else:
        own, known, spread = own[:, varies], known[:, varies], spread[varies]
        is_flag = np.array([_is_flag(column) for column in known.T], bool)
        flags = own != 0
        several = np.sqrt(np.maximum(flags[:, is_flag].sum(axis=1, keepdims=True), 1))
        standard = np.clip((own - known.mean(axis=0)) / spread, -_LARGEST, _LARGEST)
        kinds = np.where(is_flag, flags / several, standard)
    is_stated &= np.abs(kinds).max(axis=1, initial=0) > _SMALLEST
    kinds = np.where(is_stated[:, None], kinds, 0)
    table = np.zeros((len(features), kinds.shape[1]), np.float32)
    table[1:] = kinds
    return table


def _of_basis(n_declared: int, most: int) -> bool:
    return n_declared > most or not n_declared


def _is_flag(column: NDArray[np.float64]) -> bool:
    values = np.unique(column)
    return len(values) <= 2 and 0 in values


def profile_names(n_kinds: int) -> list[str]:
    """Return the names of the columns of `profile`."""
    parts = ("kind_residual", "kind_share")
    return [f"{part}_{number}" for part in parts for number in range(n_kinds)]


def profile(inputs: HistoryInputs, user: Array) -> Array:
    """Return the mean residual of each kind, and the share of each kind: [G, 2 C].

    `user` is what `user_features` returned for the same requests.
    """
    mean_residual = user[:, USER_NAMES.index("mean_residual"), None]
    centred = inputs.stated * (inputs.value - inputs.mean_value - mean_residual)
    signals = np.stack([centred, inputs.present], axis=1)
    total = np.matmul(signals, inputs.kinds)
    weight = np.matmul(inputs.stated[:, None], np.abs(inputs.kinds))[:, 0]
    residual = total[:, 0] / (weight + np.float32(RESIDUAL_COUNT))
    n_present = inputs.present.sum(axis=1, keepdims=True)
    share = total[:, 1] / (n_present + np.float32(SHARE_COUNT))
    return np.concatenate([residual, share], axis=1).astype(np.float32)
