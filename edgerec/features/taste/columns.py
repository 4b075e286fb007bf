"""What a history says of a user's taste, and the taste of each candidate, in NumPy.

The posterior of a taste given a history is a ridge regression, with the learned prior as its
penalty:

    A = 1 + Σ weight_j rootᵀ (phi_j phi_jᵀ + the uncertainty of phi_j) root
    taste = root A⁻¹ Σ weight_j rootᵀ phi_j (signal_j - level of item j)

over the history's items j, where root rootᵀ is the prior's covariance. A new user starts at the
prior and sharpens with every event.
`edgerec.graph.taste` builds the same in ONNX; the parity gate of the export proves the two
equal. Change both or neither.

Axes: G requests, S signals, W weightings, H history slots (newest first), N candidates,
D directions, L latent ones. All arrays are float32.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.features.taste.tables import TasteTables

Array = NDArray[np.float32]
RECENT_RANK: Final = 25.0
"""in the second weighting, an event counts 1 / (1 + rank / RECENT_RANK); 0 is the newest"""
N_WEIGHTINGS: Final = 2
COLUMNS: Final = (
    "expected",
    "recently_expected",
    "bias",
    "content",
    "popularity",
    "latent",
    "of_item",
    "spread_of_item",
)
"""per signal: expected by the whole history, and by a recency-weighted one; the parts of the
first; what is expected of the item whoever asks, and how uncertain that is"""
# Requests solved at a time: their arrays stay in the processor's cache.
_AT_ONCE: Final = 128


@dataclass(frozen=True)
class TasteInputs:
    """What tastes are solved from, looked up in the tables of each request's fit."""

    scaled: Array
    """[G, S, H, D]: phi · root of the history's items"""
    rest: Array
    """[G, S, H]: signal - level of the item; 0 where nothing is stated"""
    weight: Array
    """[G, S, H]: what a slot says of the taste; 0 where it states nothing"""
    latent_variance: Array
    """[G, S, H, L]"""
    root: Array
    """[G, S, D, D]: lower Cholesky factor of the prior covariance"""


@dataclass(frozen=True)
class CandidateInputs:
    """What the columns read of candidates, looked up in the tables of each request's fit."""

    directions: Array
    """[G, S, N, D]"""
    level: Array
    """[G, S, N]: what is expected of the item whoever asks"""
    spread: Array
    """[G, S, N]: standard deviation of the intercept"""


def column_names(tables: TasteTables) -> list[str]:
    """Return the name of each column of `taste_columns`."""
    return [f"taste_{signal}_{column}" for signal in tables.signals for column in COLUMNS]


def recency(n_slots: int) -> Array:
    """Return the factor of each slot in each weighting: [W, n_slots].

    >>> recency(26)[:, [0, 25]].tolist()
    [[1.0, 1.0], [1.0, 0.5]]
    """
    rank = np.arange(n_slots)
    return np.stack([np.ones(n_slots), 1 / (1 + rank / RECENT_RANK)]).astype(np.float32)


def part_mask(tables: TasteTables) -> Array:
    """Return which directions make up each column: [D, len(COLUMNS)], 0 or 1."""
    parts = tables.parts
    mask = np.zeros((tables.root.shape[-1], len(COLUMNS)), np.float32)
    mask[:, :N_WEIGHTINGS] = 1
    for name, part in parts.items():
        mask[part, COLUMNS.index(name)] = 1
    return mask


def tastes(inputs: TasteInputs) -> Array:
    """Return the posterior mean of each taste: [G, S, W, D]."""
    n_latent = inputs.latent_variance.shape[3]
    size = inputs.scaled.shape[3]
    factors = recency(inputs.weight.shape[2])
    parts = []
    for start in range(0, len(inputs.weight), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        scaled, root = inputs.scaled[some], inputs.root[some, :, None]
        weight = inputs.weight[some, :, None] * factors
        weighted = scaled[:, :, None].swapaxes(3, 4) * weight[:, :, :, None]
        # In one product: the system's matrix and its right side.
        other = np.concatenate([scaled, inputs.rest[some, ..., None]], axis=3)
        total = np.matmul(weighted, other[:, :, None])
        uncertain = np.matmul(weight[:, :, :, None], inputs.latent_variance[some, :, None])
        of_latent = root[..., size - n_latent :, :]
        system = total[..., :size] + np.matmul(of_latent.swapaxes(3, 4) * uncertain, of_latent)
        system += np.eye(size, dtype=np.float32)
        solution = np.linalg.solve(system, total[..., size:])
        parts.append(np.matmul(root, solution)[..., 0])
    return np.concatenate(parts).astype(np.float32)


def taste_columns(taste: Array, candidates: CandidateInputs, mask: Array) -> Array:
    """Return the columns of each candidate: [G, N, S * len(COLUMNS)].

    `taste` is what `tastes` returned, and `mask` what `part_mask` did.
    """
    weighting = [number if number < N_WEIGHTINGS else 0 for number in range(len(COLUMNS))]
    by_column = taste[:, :, weighting].swapaxes(2, 3) * mask
    columns = np.matmul(candidates.directions, by_column)
    columns[..., :N_WEIGHTINGS] += candidates.level[..., None]
    columns[..., COLUMNS.index("of_item")] = candidates.level
    columns[..., COLUMNS.index("spread_of_item")] = candidates.spread
    n_requests, n_signals, n_candidates, n_columns = columns.shape
    by_candidate: Array = columns.swapaxes(1, 2)
    return by_candidate.reshape(n_requests, n_candidates, n_signals * n_columns)
