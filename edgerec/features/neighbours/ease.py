"""EASE: the ridge regression of each item on all others, in closed form.

Steck 2019, "Embarrassingly shallow autoencoders for sparse data": B = -P / diag(P) with
P = (X'X + ridge I)^-1, where X [users, items] says who took what. By Woodbury's identity
P = (I - X'KX) / ridge with K = (XX' + ridge I)^-1, which is the smaller matrix where users are
fewer than items.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack
from scipy.sparse import csr_matrix

Array = NDArray[np.float32]
# Candidates whose weights stand in memory at a time.
_STEP: Final = 512


def ease_by_items(gram: Array, ridge: float) -> Iterator[tuple[slice, Array]]:
    """Yield the weights of some candidates, [candidates, items], from X'X, which is overwritten."""
    gram[np.diag_indices(len(gram))] += np.float32(ridge)
    inverse = _inverse(gram)
    diagonal = np.diag(inverse).copy()
    for start in range(0, len(inverse), _STEP):
        some = slice(start, min(start + _STEP, len(inverse)))
        # Column j of B predicts item j, so the candidate is the column.
        found = -inverse[some] / diagonal[some, None]
        found[np.arange(len(found)), np.arange(some.start, some.stop)] = 0
        yield some, found


def ease_by_users(taken: csr_matrix, ridge: float) -> Iterator[tuple[slice, Array]]:
    """Yield the same from X itself: memory and time go by the square and cube of the users."""
    kernel = (taken @ taken.T).toarray().astype(np.float32)
    kernel[np.diag_indices(len(kernel))] += np.float32(ridge)
    explained = (taken.T @ _inverse(kernel)).T
    own = np.asarray(taken.multiply(explained).sum(axis=0)).ravel()
    transposed = taken.T.tocsr()
    for start in range(0, taken.shape[1], _STEP):
        some = slice(start, min(start + _STEP, taken.shape[1]))
        found = (transposed @ explained[:, some]).T / (1 - own[some, None])
        found[np.arange(len(found)), np.arange(some.start, some.stop)] = 0
        yield some, found.astype(np.float32)


def _inverse(matrix: Array) -> Array:
    """Invert a symmetric positive matrix by Cholesky: half of a general inverse's time."""
    if not len(matrix):
        # Nobody took anything, as where nothing was liked: LAPACK takes no empty matrix.
        return matrix
    factor, failed = lapack.spotrf(matrix, lower=0, overwrite_a=1)
    inverse, failed_too = lapack.spotri(factor, lower=0, overwrite_c=1)
    assert not failed and not failed_too
    upper = np.triu(inverse)
    whole: Array = upper + np.triu(upper, 1).T
    return whole
