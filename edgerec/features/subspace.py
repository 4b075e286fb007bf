"""A truncated SVD that streams: the main right singular vectors of a tall sparse matrix.

Randomised subspace iteration (Halko, Martinsson and Tropp 2011, "Finding structure with
randomness", algorithm 4.4): the matrix comes in parts, again for each pass, and memory is a few
numbers per column.
"""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Numbers = NDArray[np.float64]
Parts = Callable[[], Iterator[sparse.csr_matrix]]
# More directions than wanted are followed, so that the last ones wanted are exact too.
_N_SPARE: Final = 6


def singular_vectors(
    parts: Parts, n_columns: int, n_vectors: int, n_passes: int, random: np.random.Generator
) -> tuple[Numbers, Numbers]:
    """Return the right singular vectors of the largest singular values, largest first.

    Parameters
    ----------
    parts : callable
        Returns an iterator over sparse matrices [rows, n_columns], the matrix from top to bottom;
        called once per pass.

    Returns
    -------
    vectors : float64 [n_columns, n_vectors]
        Orthonormal; zeros where there are fewer columns than vectors. Of a vector and its
        opposite the one with the positive sum, so that it is the same on every machine.
    values : float64 [n_vectors]
        Singular values.

    >>> matrix = sparse.csr_matrix(np.diag([1.0, 3.0, 2.0]))
    >>> _, values = singular_vectors(lambda: iter([matrix]), 3, 2, 3, np.random.default_rng(0))
    >>> values.round(6).tolist()
    [3.0, 2.0]
    """
    vectors = np.zeros((n_columns, n_vectors))
    values = np.zeros(n_vectors)
    if not n_vectors:
        return vectors, values
    block = random.normal(size=(n_columns, min(n_vectors + _N_SPARE, n_columns)))
    for _ in range(n_passes):
        block = np.linalg.qr(block)[0]
        product = np.zeros_like(block)
        for part in parts():
            product += part.T @ (part @ block)
        block = product
    left, squares, _ = np.linalg.svd(block, full_matrices=False)
    n_found = min(n_vectors, left.shape[1])
    signs = np.where(left.sum(axis=0) < 0, -1, 1)
    vectors[:, :n_found] = (left * signs)[:, :n_found]
    values[:n_found] = np.sqrt(squares[:n_found])
    return vectors, values
