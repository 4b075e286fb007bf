import numpy as np
import pytest
from numpy.typing import NDArray

from edgerec.features.taste import moments as moments_module
from edgerec.features.taste.columns import tastes
from edgerec.features.taste.lookup import taste_inputs
from edgerec.features.taste.moments import MomentTastes, stretches
from edgerec.features.taste.tables import Array, TasteTables
from edgerec.samples.history import history_positions
from tests.features.taste.some import random_tables

N_ITEMS = 30
N_USERS = 4


def samples(n: int, seed: int = 0) -> tuple[NDArray[np.int64], ...]:
    """Return users, items, moments (several share one) and values (some are not stated)."""
    random = np.random.default_rng(seed)
    user = np.sort(random.integers(1, N_USERS + 1, n))
    time = random.integers(0, n // 4, n)
    order = np.lexsort((time, user))
    value = np.where(random.random(n) < 0.1, np.nan, random.uniform(1, 5, n)).astype(np.float32)
    return user, random.integers(1, N_ITEMS + 1, n), time[order], value


def at_moments(
    tables: TasteTables,
    n_history: int,
    user: NDArray[np.int64],
    item: NDArray[np.int64],
    time: NDArray[np.int64],
    value: Array,
) -> tuple[Array, Array]:
    """Return the tastes at every sample: of stretches, and of each sample by itself."""
    positions = history_positions(user, item, time, ~np.isnan(value), n_history)
    stated = (~np.isnan(value)).astype(np.float32)
    value = np.nan_to_num(value)
    signals = {"value": value, "liked": (value > 3).astype(np.float32)}
    known = {"value": stated, "liked": stated}
    fit_of_user = np.arange(N_USERS + 1) % 2
    moments = MomentTastes(tables, item, known, signals, positions)
    came = [moments.of(one, int(fit_of_user[user[one.first]])) for one in stretches(user, time)]
    there = (positions >= 0).astype(np.float32)
    inputs = taste_inputs(
        tables,
        fit_of_user[user],
        np.where(positions >= 0, item[positions], 0),
        {name: there * one[positions] for name, one in known.items()},
        {name: there * one[positions] for name, one in signals.items()},
    )
    return np.concatenate(came), tastes(inputs)


@pytest.mark.parametrize("n_signals", [1, 2])
@pytest.mark.parametrize("n_latent", [0, 2])
@pytest.mark.parametrize("n_history", [1, 5, 100])
def test_tastes_at_moments_are_those_of_each_sample_by_itself(
    n_history: int, n_latent: int, n_signals: int
) -> None:
    tables = random_tables(n_fits=2, n_signals=n_signals, n_items=N_ITEMS, n_latent=n_latent)
    came, expected = at_moments(tables, n_history, *samples(500))
    assert came.shape == expected.shape
    assert came.dtype == np.float32
    np.testing.assert_allclose(came, expected, rtol=1e-4, atol=1e-5)


def test_histories_without_repeats_give_the_same_as_well():
    tables = random_tables(n_fits=2, n_items=600)
    user, _, time, value = samples(500, seed=1)
    item = 1 + np.random.default_rng(2).permutation(500)
    came, expected = at_moments(tables, 50, user, item, time, value)
    np.testing.assert_allclose(came, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n_kept", [1, 7, 8, 63, 100, 271])
def test_what_comes_later_does_not_change_one_bit(n_kept: int) -> None:
    tables = random_tables(n_fits=2, n_items=N_ITEMS)
    _, item, _, value = samples(300)
    user, time = np.ones(300, np.int64), np.arange(300)
    whole, _ = at_moments(tables, 40, user, item, time, value)
    # One sample more, whose own item and value are in no history yet.
    first = slice(0, n_kept + 1)
    part, _ = at_moments(tables, 40, user[first], item[first], time[first], value[first])
    np.testing.assert_array_equal(part, whole[first])
    item[n_kept:], value[n_kept:] = 1 + item[n_kept:] % N_ITEMS, 5 - value[n_kept:]
    other, _ = at_moments(tables, 40, user, item, time, value)
    np.testing.assert_array_equal(other[first], whole[first])


def test_stretches_hold_every_sample_once_and_no_two_users():
    user, _, time, _ = samples(1000)
    found = list(stretches(user, time))
    assert [one.first for one in found] == [0, *(one.end for one in found[:-1])]
    assert found[-1].end == len(user)
    for one in found:
        assert len(set(user[one.first : one.end])) == 1
        assert one.starts[0] == one.first
        assert one.starts[-1] < one.first + one.span
        assert one.span <= moments_module._LONGEST


def test_a_user_of_one_moment_is_one_stretch():
    (one,) = stretches(np.ones(5000, np.int64), np.zeros(5000, np.int64))
    assert (one.first, one.end, one.starts.tolist()) == (0, 5000, [0])
