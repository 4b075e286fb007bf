import numpy as np
import pytest

from edgerec.features.taste.basis import content_basis, popularity_basis

COUNT = np.array([0.0, 4, 1, 3, 2])


def some_features(width: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(5, width)).astype(np.float32)


def test_columns_are_standardised_over_the_interactions():
    flag = np.float32([[0.4], [1], [0], [1], [0]])
    basis = content_basis(flag, COUNT, 8)
    share = COUNT / COUNT.sum()
    assert share @ basis[:, 0] == pytest.approx(0, abs=1e-6)
    assert share @ basis[:, 0] ** 2 == pytest.approx(1, abs=1e-6)


def test_a_scale_also_gives_its_square_and_a_flag_does_not():
    flag = np.float32([[0.4], [1], [0], [1], [0]])
    scale = np.float32([[3], [1], [2], [4], [5]])
    assert content_basis(flag, COUNT, 8).shape == (5, 1)
    assert content_basis(scale, COUNT, 8).shape == (5, 2)


def test_constant_and_repeated_columns_are_no_directions():
    flag = np.float32([[0.4], [1], [0], [1], [0]])
    columns = np.concatenate([flag, np.full((5, 1), 7, np.float32), flag, 1 - flag], axis=1)
    assert content_basis(columns, COUNT, 8).shape == (5, 1)


def test_no_features_or_constant_ones_are_no_content():
    assert content_basis(np.zeros((5, 0), np.float32), COUNT, 8).shape == (5, 0)
    assert content_basis(np.full((5, 3), 0.1, np.float32), COUNT, 8).shape == (5, 0)


def test_of_many_columns_the_directions_of_largest_variance_are_kept():
    features = some_features(40)
    few, more = content_basis(features, COUNT, 2), content_basis(features, COUNT, 3)
    assert few.shape == (5, 2)
    np.testing.assert_array_equal(few, more[:, :2])
    share = COUNT / COUNT.sum()
    variance = share @ (more - share @ more) ** 2
    assert (np.diff(variance) <= 1e-6).all()


def test_one_odd_item_is_no_direction_of_its_own():
    features = some_features(1)
    features[2] = 1e6
    count = np.full(5, 1000.0)
    count[2] = 1
    assert np.abs(content_basis(features, count, 8)).max() < 10


def test_popularity_of_a_fold_has_the_scale_of_all():
    log_count = np.log1p(np.float32([[0, 4, 1, 2, 2], COUNT]))
    popularity = popularity_basis(log_count, COUNT)
    share = COUNT / COUNT.sum()
    assert share @ popularity[1, :, 0] == pytest.approx(0, abs=1e-6)
    assert share @ popularity[1, :, 0] ** 2 == pytest.approx(1, abs=1e-6)
    assert popularity[0, 1, 0] == popularity[1, 1, 0]
    assert popularity[0, 3, 0] < popularity[1, 3, 0]
    np.testing.assert_allclose(popularity[:, :, 1], 0.3 * popularity[:, :, 0] ** 2, rtol=1e-6)


def test_equal_popularity_is_no_error():
    same = np.zeros((2, 5), np.float32)
    np.testing.assert_array_equal(popularity_basis(same, COUNT), np.zeros((2, 5, 2)))


def test_an_item_that_nobody_met_is_not_hundreds_of_spreads_away():
    nearly_equal = np.log1p(np.float32([[0, 100, 101, 100, 99]]))
    count = np.array([0.0, 100, 101, 100, 99])
    popularity = popularity_basis(nearly_equal, count)[0]
    assert popularity[0].tolist() == [-5.0, 7.5]
    assert np.abs(popularity[1:, 0]).max() < 2
