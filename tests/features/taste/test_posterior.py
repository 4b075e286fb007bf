import numpy as np
import pytest

from edgerec.features.taste.items import Beliefs
from edgerec.features.taste.learning import Sums, learned
from edgerec.features.taste.posterior import posterior
from edgerec.features.taste.rows import UserRows

N_ITEMS, N_KNOWN, N_LATENT = 6, 2, 2


def some_beliefs(seed: int = 0) -> Beliefs:
    random = np.random.default_rng(seed)
    root = random.normal(size=(4, 4))
    return Beliefs(
        basis=np.c_[np.ones(N_ITEMS), random.normal(size=(N_ITEMS, N_KNOWN - 1))],
        latent=random.normal(size=(N_ITEMS, N_LATENT)),
        latent_variance=random.random((N_ITEMS, N_LATENT)),
        intercept=random.normal(size=N_ITEMS),
        intercept_variance=random.random(N_ITEMS),
        expected_intercept=random.normal(size=N_ITEMS),
        coefficients=np.zeros(N_KNOWN),
        coefficients_before=np.zeros(N_KNOWN),
        mean=3.0,
        noise=0.5,
        covariance=root @ root.T + np.eye(4),
    )


def some_rows(seed: int = 1) -> UserRows:
    random = np.random.default_rng(seed)
    return UserRows(
        item=random.integers(0, N_ITEMS, 9),
        signal=random.normal(3, 1, 9),
        starts=np.array([0, 4, 5, 9]),
        n_item_rows=N_ITEMS,
    )


def test_tastes_are_those_of_a_ridge_regression_in_plain_loops():
    beliefs, rows = some_beliefs(), some_rows()
    result = posterior(rows, beliefs)
    squares = 0.0
    for user in range(rows.n_users):
        precision, target = np.linalg.inv(beliefs.covariance), np.zeros(4)
        own = range(rows.starts[user], rows.starts[user + 1])
        for row in own:
            item = rows.item[row]
            direction = np.r_[beliefs.basis[item], beliefs.latent[item]]
            uncertain = np.diag(np.r_[np.zeros(N_KNOWN), beliefs.latent_variance[item]])
            weight = 1 / (beliefs.noise + beliefs.intercept_variance[item])
            rest = rows.signal[row] - beliefs.mean - beliefs.intercept[item]
            precision += weight * (np.outer(direction, direction) + uncertain)
            target += weight * rest * direction
        covariance = np.linalg.inv(precision)
        mean = covariance @ target
        # The sums over rows are of float32.
        np.testing.assert_allclose(result.mean[user], mean, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(result.covariance[user], covariance, rtol=1e-5, atol=1e-6)
        for row in own:
            item = rows.item[row]
            direction = np.r_[beliefs.basis[item], beliefs.latent[item]]
            rest = rows.signal[row] - beliefs.mean - beliefs.intercept[item]
            moment = np.outer(mean, mean) + covariance
            uncertain = np.diag(np.r_[np.zeros(N_KNOWN), beliefs.latent_variance[item]])
            squares += (rest - direction @ mean) ** 2 + direction @ covariance @ direction
            squares += np.trace(moment @ uncertain) + beliefs.intercept_variance[item]
    assert result.squared_error == pytest.approx(squares)


def test_items_are_those_of_a_regression_on_the_tastes_in_plain_loops():
    beliefs, rows = some_beliefs(), some_rows()
    tastes = posterior(rows, beliefs)
    sums = Sums.nothing(beliefs)
    sums.add(rows, tastes, beliefs)
    after = learned(sums, beliefs, beliefs)
    noise = max(tastes.squared_error / 9, 0.15 * 0.5)
    assert after.noise == pytest.approx(noise)
    moments = tastes.second_moment
    np.testing.assert_allclose(
        after.covariance, (moments.sum(axis=0) + 4 * beliefs.covariance) / (3 + 4)
    )
    for item in range(N_ITEMS):
        precision, target = np.diag([3.0, noise, noise]), np.zeros(3)
        for row in np.flatnonzero(rows.item == item):
            mean, moment = tastes.mean[rows.user[row]], moments[rows.user[row]]
            rest = rows.signal[row] - beliefs.mean - beliefs.expected_intercept[item]
            of_known = beliefs.basis[item]
            precision[0, 0] += 1
            precision[0, 1:] += mean[N_KNOWN:]
            precision[1:, 0] += mean[N_KNOWN:]
            precision[1:, 1:] += moment[N_KNOWN:, N_KNOWN:]
            target += rest * np.r_[1, mean[N_KNOWN:]]
            target[0] -= of_known @ mean[:N_KNOWN]
            target[1:] -= moment[N_KNOWN:, :N_KNOWN] @ of_known
        solution = np.linalg.solve(precision, target)
        variance = noise * np.diag(np.linalg.inv(precision))
        expected = beliefs.expected_intercept[item] + solution[0]
        assert after.intercept[item] == pytest.approx(expected)
        # What rows add to the target is of float32.
        np.testing.assert_allclose(after.latent[item], solution[1:], rtol=1e-5, atol=1e-6)
        assert after.intercept_variance[item] == pytest.approx(variance[0])
        np.testing.assert_allclose(after.latent_variance[item], variance[1:])


def test_rows_are_summed_by_item():
    rows = some_rows()
    numbers = np.arange(18.0).reshape(9, 2)
    total = rows.sum_by_item(numbers)
    for item in range(N_ITEMS):
        np.testing.assert_allclose(total[item], numbers[rows.item == item].sum(axis=0))
