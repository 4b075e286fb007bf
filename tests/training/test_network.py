import warnings

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier

from edgerec.config import NetworkSettings
from edgerec.training.network import (
    Weights,
    fit_rows,
    for_rows,
    new_network,
    optimiser_state,
    restore_optimiser,
    score,
    scoring_network,
    set_learning_rate,
    set_weights,
    weights_of,
)
from tests.toy import assert_same_arrays

Array = NDArray[np.float32]
WIDTH = 3
SETTINGS = NetworkSettings(hidden_layer_sizes=(4, 2), batch_size=16, learning_rate=1e-2)
MEAN, INVERSE_SPREAD = np.float32([1, 2, 3]), np.float32([1, 0.5, 2])


def some_rows(seed: int = 0, n: int = 64) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    features = random.normal(size=(n, WIDTH)).astype(np.float32)
    return features, (features.sum(axis=1) > 0).astype(np.float32)


def steps(network: MLPClassifier, numbers: range) -> None:
    for number in numbers:
        set_learning_rate(network, 1e-2, number / 10)
        fit_rows(network, *some_rows(number), batch_size=16)


def all_weights(network: MLPClassifier) -> list[Array]:
    return [*network.coefs_, *network.intercepts_]


def test_a_weight_is_as_good_as_so_many_copies() -> None:
    settings = NetworkSettings(hidden_layer_sizes=(4,), alpha=0.0, batch_size=64)
    features, label = some_rows(n=20)
    times = 1 + np.arange(20) % 3
    weighed, copied = new_network(settings, WIDTH, 0), new_network(settings, WIDTH, 0)
    for _ in range(5):
        fit_rows(weighed, features, label, 64, (times / times.mean()).astype(np.float32))
        fit_rows(copied, features.repeat(times, axis=0), label.repeat(times), 64)
    for one, other in zip(all_weights(weighed), all_weights(copied), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_new_network_holds_what_scikit_learn_draws():
    plain = MLPClassifier((4, 2), random_state=3)
    plain._validate_params()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain.set_params(learning_rate_init=1e-30, batch_size=2)
        plain.partial_fit(np.zeros((2, WIDTH), np.float32), [0, 1], classes=[0, 1])
    assert_same_arrays(all_weights(new_network(SETTINGS, WIDTH, 3)), all_weights(plain))
    assert (new_network(SETTINGS, WIDTH, 4).coefs_[0] != plain.coefs_[0]).all()


def test_a_new_network_has_made_no_step():
    state = optimiser_state(new_network(SETTINGS, WIDTH, 0))
    assert state["step"] == 0
    assert not any(array.any() for name, array in state.items() if "moment" in name)


def test_float32_stays_float32():
    network = new_network(SETTINGS, WIDTH, 0)
    steps(network, range(2))
    arrays = [*all_weights(network), *network._optimizer.ms, *network._optimizer.vs]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}
    features, _ = some_rows()
    weights = weights_of(network, MEAN, INVERSE_SPREAD)
    assert score(network, weights, features).dtype == np.float32


def test_the_rate_falls_in_a_line_to_a_twentieth():
    network = new_network(SETTINGS, WIDTH, 0)
    rates = []
    for share in (0.0, 0.5, 1.0):
        set_learning_rate(network, 2.0, share)
        rates.append(network._optimizer.learning_rate_init)
    assert rates == pytest.approx([2.0, 1.05, 0.1])


def test_a_higher_rate_makes_a_larger_step():
    moved = []
    for rate in (1e-4, 1e-2):
        network = new_network(SETTINGS, WIDTH, 0)
        before = network.coefs_[0].copy()
        set_learning_rate(network, rate, 0.0)
        fit_rows(network, *some_rows(), batch_size=64)
        moved.append(np.abs(network.coefs_[0] - before).max())
    assert moved[1] == pytest.approx(100 * moved[0], rel=0.01)


def test_a_restored_network_goes_on_as_if_nothing_had_happened():
    whole, first = new_network(SETTINGS, WIDTH, 0), new_network(SETTINGS, WIDTH, 0)
    steps(whole, range(6))
    steps(first, range(3))
    state = {name: array.copy() for name, array in optimiser_state(first).items()}
    weights = weights_of(first, MEAN, INVERSE_SPREAD)
    steps(first, range(3, 4))  # must not reach into what was kept
    second = new_network(SETTINGS, WIDTH, 0)
    set_weights(second, weights)
    restore_optimiser(second, state)
    steps(second, range(3, 6))
    assert_same_arrays(all_weights(second), all_weights(whole))


@pytest.mark.parametrize("n", [1, 5, 15])
def test_fewer_rows_than_a_batch_are_no_cause_for_a_warning(n: int) -> None:
    network = new_network(SETTINGS, WIDTH, 0)
    fit_rows(network, *some_rows(n=n), batch_size=16)
    fit_rows(network, *some_rows(n=64), batch_size=16)
    assert optimiser_state(network)["step"] == 1 + 4


def test_ctrl_c_inside_a_step_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    network = new_network(SETTINGS, WIDTH, 0)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(network, "_backprop", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fit_rows(network, *some_rows(), batch_size=16)


def test_scores_are_the_probabilities_of_label_1_for_raw_features():
    network = new_network(SETTINGS, WIDTH, 0)
    steps(network, range(3))
    weights = weights_of(network, MEAN, INVERSE_SPREAD)
    features, _ = some_rows()
    layer = np.clip((features - MEAN) * INVERSE_SPREAD, -4, 4)
    for coefficients, intercepts in zip(
        weights.coefficients[:-1], weights.intercepts[:-1], strict=True
    ):
        layer = np.maximum(layer @ coefficients + intercepts, 0)
    logit = (layer @ weights.coefficients[-1] + weights.intercepts[-1])[:, 0]
    found = score(network, weights, features)
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-logit)), rtol=1e-5)
    assert found.shape == (64,)


def test_nothing_to_score_is_fine():
    network = new_network(SETTINGS, WIDTH, 0)
    weights = weights_of(network, MEAN, INVERSE_SPREAD)
    assert score(network, weights, np.zeros((0, WIDTH), np.float32)).shape == (0,)


def test_a_scoring_network_is_made_of_weights_alone():
    network = new_network(SETTINGS, WIDTH, 0)
    steps(network, range(3))
    weights = weights_of(network, MEAN, INVERSE_SPREAD)
    features, _ = some_rows()
    twin = scoring_network(weights)
    np.testing.assert_array_equal(score(twin, weights, features), score(network, weights, features))


def test_weights_are_a_copy():
    network = new_network(SETTINGS, WIDTH, 0)
    weights: Weights = weights_of(network, MEAN, INVERSE_SPREAD)
    kept = weights.coefficients[0].copy()
    steps(network, range(1))
    np.testing.assert_array_equal(weights.coefficients[0], kept)


def test_the_penalty_is_worth_the_same_samples_however_many_there_are() -> None:
    settings = NetworkSettings(alpha=0.3)
    assert for_rows(settings, 1_000) == for_rows(settings, 150_000) == settings
    assert for_rows(settings, 600_000).alpha == pytest.approx(0.075)
    assert for_rows(settings, 0) == settings
