from collections.abc import Iterator

import numpy as np
from scipy import sparse

from edgerec.features.subspace import singular_vectors


def test_it_is_the_truncated_svd_of_the_whole_matrix():
    random = np.random.default_rng(0)
    matrix = random.normal(size=(60, 12)) * np.geomspace(1, 0.01, 12)
    first, second = sparse.csr_matrix(matrix[:25]), sparse.csr_matrix(matrix[25:])

    def parts() -> Iterator[sparse.csr_matrix]:
        yield from (first, second)

    vectors, values = singular_vectors(parts, 12, 4, 6, np.random.default_rng(1))
    _, expected_values, expected = np.linalg.svd(matrix, full_matrices=False)
    np.testing.assert_allclose(values, expected_values[:4], rtol=1e-6)
    np.testing.assert_allclose(np.abs((vectors * expected[:4].T).sum(axis=0)), 1, rtol=1e-6)
    assert (vectors.sum(axis=0) >= 0).all()


def test_where_there_are_fewer_columns_the_rest_is_zero():
    matrix = sparse.csr_matrix(np.diag([2.0, 1.0]))
    vectors, values = singular_vectors(lambda: iter([matrix]), 2, 5, 3, np.random.default_rng(0))
    np.testing.assert_allclose(values, [2, 1, 0, 0, 0], atol=1e-12)
    assert not vectors[:, 2:].any()


def test_no_rows_and_no_vectors_are_no_error():
    vectors, values = singular_vectors(lambda: iter([]), 4, 2, 3, np.random.default_rng(0))
    assert not values.any()
    assert np.isfinite(vectors).all()
    vectors, values = singular_vectors(lambda: iter([]), 4, 0, 3, np.random.default_rng(0))
    assert vectors.shape == (4, 0)
