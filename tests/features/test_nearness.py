import numpy as np

from edgerec.features.history import of_candidates, of_slots, scales


def test_products_are_minus_the_squared_distances():
    random = np.random.default_rng(0)
    candidates, slots = random.normal(size=(2, 5, 3)).astype(np.float32)
    expected = -((candidates[:, None] - slots[None]) ** 2).sum(axis=2)
    found = of_candidates(candidates) @ of_slots(slots).T
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_flags_and_constants_are_no_scales_and_an_odd_value_is_cut():
    numbers = np.r_[np.zeros(40), 1000.0, 1.0]
    features = np.zeros((43, 3), np.float32)
    features[1:, 0] = np.arange(42) % 2
    features[1:, 1] = 7
    features[1:, 2] = numbers
    found = scales(features)
    assert found.shape == (43, 1)
    assert found[0] == 0
    assert found[41] == 3


def test_many_numbers_are_an_embedding_and_no_scales():
    features = np.random.default_rng(0).normal(size=(20, 9)).astype(np.float32)
    assert scales(features).shape == (20, 0)
    assert scales(features[:, :8]).shape == (20, 8)


def test_no_items_are_no_error():
    assert scales(np.zeros((1, 0), np.float32)).shape == (1, 0)
    assert of_slots(np.zeros((4, 0), np.float32)).tolist() == [[1, 0]] * 4
