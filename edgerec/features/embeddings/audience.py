"""Item vectors by who interacts with them: a truncated SVD of the interaction matrix.

Rows are scaled by the root of the user's count and columns by that of the item's (Sarwar et al.
2000, "Application of dimensionality reduction in recommender systems", with the normalisation of
spectral clustering), and the first vector, which is popularity again, is left out. What is
selected by label would give labels away, so the fits are out of fold by user, and what counts is
that something was done, not how it was liked.
"""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from edgerec.features.subspace import singular_vectors
from edgerec.progress import Progress

Array = NDArray[np.float32]
Blocks = Callable[[], Iterator[NDArray[np.void]]]
_N_PASSES: Final = 5
# Pseudo-count of an item: those of few interactions would lie far out by chance.
_ITEM_COUNT: Final = 5.0


def fit_audience(
    blocks: Blocks,
    n_items: int,
    fold_of_user: NDArray[np.int64],
    n_folds: int,
    audience_dim: int,
    random_state: int,
    progress: Progress,
) -> Array:
    """Learn a vector per item row, once without each fold of users and once from all.

    Parameters
    ----------
    blocks : callable
        Returns an iterator over record arrays of whole users, sorted by user, with the fields
        user, item and value (NaN: no interaction); called once per pass.

    Returns
    -------
    float32 [n_folds + 1, n_items + 1, audience_dim]
        Unit rows; zero where nobody interacted with an item, and in row 0.
    """
    progress.stage("audiences")
    fits = []
    for fold in range(n_folds + 1):
        fits.append(_one_fit(blocks, n_items, fold_of_user, fold, audience_dim, random_state))
        progress.advance(fold + 1, n_folds + 1)
    return np.stack(fits)


def _one_fit(
    blocks: Blocks,
    n_items: int,
    fold_of_user: NDArray[np.int64],
    fold: int,
    audience_dim: int,
    random_state: int,
) -> Array:
    n_rows = n_items + 1

    def interactions() -> Iterator[NDArray[np.void]]:
        for block in blocks():
            kept = (fold_of_user[block["user"]] != fold) & ~np.isnan(block["value"])
            if kept.any():
                yield block[kept]

    count = np.zeros(n_rows)
    for own in interactions():
        count += np.bincount(own["item"], minlength=n_rows)
    of_item = 1 / np.sqrt(count + _ITEM_COUNT)

    def parts() -> Iterator[sparse.csr_matrix]:
        for own in interactions():
            starts = np.flatnonzero(np.diff(own["user"], prepend=-1, append=-1))
            counts = np.diff(starts)
            entries = np.repeat(1 / np.sqrt(counts), counts) * of_item[own["item"]]
            yield sparse.csr_matrix((entries, own["item"], starts), (len(counts), n_rows))

    random = np.random.default_rng([random_state, 4, fold])
    vectors, values = singular_vectors(parts, n_rows, audience_dim + 1, _N_PASSES, random)
    scaled = (vectors * np.sqrt(values))[:, 1:]
    scaled[count == 0] = 0
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    return (scaled / np.where(length > 1e-12, length, 1)).astype(np.float32)
