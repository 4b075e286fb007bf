import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgerec.features import neighbours
from edgerec.features.neighbours import (
    NAMES,
    Neighbours,
    fit_neighbours,
    neighbour_features,
    slot_weights,
)
from edgerec.samples.spool import RECORD

N_USERS, N_ITEMS = 30, 12


def records(seed=0):
    random = np.random.default_rng(seed)
    rows = []
    for user in range(1, N_USERS + 1):
        for time, item in enumerate(random.integers(1, N_ITEMS + 1, 8).tolist()):
            rows.append((user, item, 1.0, 1.0, time))
        # A sampled negative, and what was valued without being liked.
        rows.append((user, int(random.integers(1, N_ITEMS + 1)), 0.0, np.nan, 9))
        rows.append((user, int(random.integers(1, N_ITEMS + 1)), 0.0, 1.0, 9))
    return np.array(rows, RECORD)


def ease(data, users, ridge):
    """Regress each item on the others, one by one."""
    taken = np.zeros((N_USERS + 1, N_ITEMS + 1))
    liked = data[(data["label"] == 1) & ~np.isnan(data["value"])]
    taken[liked["user"], liked["item"]] = 1
    taken = taken[users, 1:]
    found = np.zeros((N_ITEMS + 1, N_ITEMS + 1))
    for item in range(N_ITEMS):
        others = np.delete(np.arange(N_ITEMS), item)
        left = taken[:, others].T @ taken[:, others] + ridge * np.eye(len(others))
        found[item + 1, others + 1] = np.linalg.solve(left, taken[:, others].T @ taken[:, item])
    return found


def dense(fitted, fit):
    found = np.zeros((N_ITEMS + 1, N_ITEMS + 1))
    for item in range(N_ITEMS + 1):
        np.add.at(found[item], fitted.rows[fit, item], fitted.weights[fit, item])
    return found


@pytest.fixture
def folds():
    return np.r_[0, np.arange(N_USERS) % 3]


@pytest.mark.parametrize("n_blocks", [1, 4])
def test_weights_are_the_ridge_regression_of_each_item_on_the_others(folds, n_blocks):
    data = records()
    parts = [
        data[np.isin(data["user"], part)]
        for part in np.array_split(np.arange(1, N_USERS + 1), n_blocks)
    ]
    fitted = fit_neighbours(lambda: iter(parts), N_ITEMS, folds, 3, N_ITEMS)
    for fit in range(4):
        users = np.flatnonzero((folds != fit) & (np.arange(N_USERS + 1) > 0))
        expected = ease(data, users, neighbours._RIDGE * len(users) / N_USERS)
        np.testing.assert_allclose(dense(fitted, fit), np.maximum(expected, 0), atol=2e-6)


def test_a_fold_does_not_see_its_own_users(folds):
    data, other = records(0), records(1)
    own = folds[data["user"]] == 1
    other[~own] = data[~own]
    first, second = (
        fit_neighbours(lambda one=one: iter([one]), N_ITEMS, folds, 3, 5) for one in (data, other)
    )
    np.testing.assert_array_equal(first.weights[1], second.weights[1])
    np.testing.assert_array_equal(first.rows[1], second.rows[1])
    assert (first.weights[-1] != second.weights[-1]).any()


def test_the_best_neighbours_and_the_most_taken_items_are_kept(folds, monkeypatch):
    data = records()
    whole = fit_neighbours(lambda: iter([data]), N_ITEMS, folds, 3, N_ITEMS)
    few = fit_neighbours(lambda: iter([data]), N_ITEMS, folds, 3, 2)
    np.testing.assert_array_equal(few.weights, whole.weights[:, :, :2])
    monkeypatch.setattr(neighbours, "_MOST_ITEMS", 4)
    some = fit_neighbours(lambda: iter([data]), N_ITEMS, folds, 3, 6)
    weighed = np.flatnonzero(some.weights[-1].any(axis=1))
    liked = np.bincount(data["item"][data["label"] == 1], minlength=N_ITEMS + 1)
    assert set(weighed) <= set(np.argsort(-liked, kind="stable")[:4])
    assert set(np.unique(some.rows)) <= {0, *weighed}


@given(st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_features_are_a_loop_over_the_history(seed):
    random = np.random.default_rng(seed)
    rows = random.integers(0, 7, (2, 7, 3)).astype(np.int32)
    weights = np.where(rows > 0, random.random(rows.shape), 0).astype(np.float32)
    history = np.zeros((4, 5), np.int64)
    for request in history:
        n_there = random.integers(0, 6)
        request[:n_there] = random.permutation(np.arange(1, 7))[:n_there]
    candidates = random.integers(0, 7, (4, 3))
    fit = random.integers(0, 2, 4)
    found = neighbour_features(Neighbours(rows, weights), history, candidates, fit)
    assert found.shape == (4, 3, len(NAMES))
    for request in range(4):
        for place, candidate in enumerate(candidates[request]):
            expected = np.zeros(len(NAMES))
            for slot, item in enumerate(history[request]):
                if not item:
                    continue
                counts = slot_weights(5)[:, slot]
                same = rows[fit[request], candidate] == item
                expected[:2] += counts * weights[fit[request], candidate][same].sum()
                expected[2:] += counts * (item == candidate)
            np.testing.assert_allclose(found[request, place], expected, atol=1e-6)


def test_many_requests_are_answered_in_parts(monkeypatch):
    random = np.random.default_rng(0)
    rows = random.integers(0, 7, (1, 7, 3)).astype(np.int32)
    table = Neighbours(rows, random.random(rows.shape).astype(np.float32))
    history = np.stack([random.permutation(np.arange(1, 7))[:4] for _ in range(9)])
    candidates, fit = random.integers(0, 7, (9, 2)), np.zeros(9, np.int64)
    at_once = neighbour_features(table, history, candidates, fit)
    monkeypatch.setattr(neighbours, "_CELLS", 20)
    np.testing.assert_array_equal(neighbour_features(table, history, candidates, fit), at_once)
