import numpy as np
import pytest

from edgerec.features import history
from edgerec.features.history import kinds_of_items, profile, profile_names
from tests.features.test_history import N_SLOTS, WIDTH, random_inputs


def test_the_residual_and_the_share_of_each_kind_equal_a_slow_loop():
    inputs = random_inputs(2)
    user = history.user_features(inputs)
    found = profile(inputs, user)
    assert found.shape == (len(user), len(profile_names(WIDTH)))
    mean_residual = user[:, history.USER_NAMES.index("mean_residual")]
    for request in range(len(user)):
        for kind in range(WIDTH):
            own = inputs.kinds[request, :, kind].astype(float)
            total = weight = share = 0.0
            for slot in range(N_SLOTS):
                if inputs.stated[request, slot]:
                    rest = inputs.value[request, slot] - inputs.mean_value[request, slot]
                    total += own[slot] * float(rest - mean_residual[request])
                    weight += abs(own[slot])
                if inputs.present[request, slot]:
                    share += own[slot]
            n = inputs.present[request].sum()
            assert found[request, kind] == pytest.approx(total / (weight + 3), abs=1e-5)
            assert found[request, WIDTH + kind] == pytest.approx(share / (n + 1), abs=1e-5)


def test_an_empty_history_has_no_profile():
    inputs = random_inputs(0, n_present=0)
    assert not profile(inputs, history.user_features(inputs)).any()


def test_flags_are_shared_and_numbers_are_standardised():
    features = np.float32(
        [[9, 9, 9, 9], [1, 1, 10, 7], [1, 0, 20, 7], [0, 0, 30, 7], [0, 0, 20, 7]]
    )
    kinds = kinds_of_items(features, np.zeros((5, 0), np.float32), 8)
    root = np.sqrt(0.5)
    assert kinds[:, :2] == pytest.approx(np.array([[0, 0], [root, root], [1, 0], [0, 0], [0, 0]]))
    assert kinds[:, 2] == pytest.approx(np.array([0, -2 * root, 0, 2 * root, 0]))
    # The constant column is no kind.
    assert kinds.shape == (5, 3)


def test_an_item_of_which_nothing_is_declared_is_of_no_kind():
    none = np.zeros((5, 0), np.float32)
    # The mean is what a missing price counts as; rounding leaves something of it.
    features = np.float32([[0, 0], [0, 4.1], [1, 4.1], [1, 3.3], [0, np.mean([4.1, 4.1, 3.3])]])
    kinds = kinds_of_items(features, none, 8)
    assert kinds.any(axis=1).tolist() == [False, True, True, True, False]
    # A rule may make anything of a missing value.
    kinds = kinds_of_items(features, none, 8, nothing=np.float32([0, 4.1]))
    assert kinds.any(axis=1).tolist() == [False, False, True, True, False]
    # By the basis too, unless something is written of the item.
    basis = np.ones((5, 2), np.float32)
    texts = np.float32([[0], [0], [0], [0], [1]])
    nothing = np.float32([0, 4.1])
    kinds = kinds_of_items(features, basis, 1, nothing=nothing, texts=texts)
    assert kinds.any(axis=1).tolist() == [False, False, True, True, True]
    # What is the same for all tells nothing apart: a text alone makes a kind.
    same = np.ones((5, 2), np.float32)
    kinds = kinds_of_items(same, basis, 1, nothing=nothing, texts=texts)
    assert kinds.any(axis=1).tolist() == [False] * 4 + [True]


def test_of_too_many_columns_the_basis_stands_for_all():
    basis = np.float32([[5, 5], [1, 2], [3, 4]])
    kinds = kinds_of_items(np.ones((3, 9), np.float32), basis, 8)
    assert kinds.tolist() == [[0, 0], [1, 2], [3, 4]]
    assert kinds_of_items(np.ones((1, 0), np.float32), basis[:1], 8).shape == (1, 0)
