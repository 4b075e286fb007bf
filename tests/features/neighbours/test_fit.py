import numpy as np
import pytest

from edgerec.features.neighbours import fit as module
from edgerec.features.neighbours.fit import fit_neighbours
from edgerec.samples.spool import RECORD

N_USERS, N_ITEMS = 30, 12


def records(seed=0):
    random = np.random.default_rng(seed)
    rows = []
    for user in range(1, N_USERS + 1):
        for time, item in enumerate(random.integers(1, N_ITEMS + 1, 8).tolist()):
            rows.append((user, item, 1.0, 1.0, time, 1.0))
        # A sampled negative, and what was valued without being liked.
        rows.append((user, int(random.integers(1, N_ITEMS + 1)), 0.0, np.nan, 9, 1.0))
        rows.append((user, int(random.integers(1, N_ITEMS + 1)), 0.0, 1.0, 9, 1.0))
    return np.array(rows, RECORD)


def fitted(parts, folds, n_neighbours, **options):
    options = {"by_liking": True, **options}
    return fit_neighbours(lambda: iter(parts), N_ITEMS, folds, 3, n_neighbours, **options)


def ease(data, users, ridge, only_liked):
    """Regress each item on the others, one by one."""
    taken = np.zeros((N_USERS + 1, N_ITEMS + 1))
    liked = data[((data["label"] == 1) | (not only_liked)) & ~np.isnan(data["value"])]
    taken[liked["user"], liked["item"]] = 1
    taken = taken[users, 1:]
    found = np.zeros((N_ITEMS + 1, N_ITEMS + 1))
    for item in range(N_ITEMS):
        others = np.delete(np.arange(N_ITEMS), item)
        left = taken[:, others].T @ taken[:, others] + ridge * np.eye(len(others))
        found[item + 1, others + 1] = np.linalg.solve(left, taken[:, others].T @ taken[:, item])
    return found


def dense(found, fit, name):
    whole = np.zeros((N_ITEMS + 1, N_ITEMS + 1))
    table = found.names.index(name)
    for item in range(N_ITEMS + 1):
        np.add.at(whole[item], found.rows[fit, item, table], found.weights[fit, item, table])
    return whole


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
    found = fitted(parts, folds, N_ITEMS)
    for fit in range(4):
        users = np.flatnonzero((folds != fit) & (np.arange(N_USERS + 1) > 0))
        for name in ("liked", "taken"):
            expected = ease(data, users, module._RIDGE * len(users) / N_USERS, name == "liked")
            np.testing.assert_allclose(dense(found, fit, name), np.maximum(expected, 0), atol=2e-6)


def test_where_users_are_fewer_than_items_the_weights_are_the_same(folds, monkeypatch):
    data = records()
    data = data[data["user"] < 9]
    by_users = fitted([data], folds, N_ITEMS)
    users = np.arange(1, 9)
    expected = ease(data, users, module._RIDGE, only_liked=False)
    np.testing.assert_allclose(dense(by_users, 3, "taken"), np.maximum(expected, 0), atol=2e-6)


def test_what_came_soon_after_is_next(folds):
    taken = enumerate((3, 5, 7))
    moments = [(user, item, time) for time, item in taken for user in (1, 2)]
    rows = [(user, item, 1.0, 1.0, time, 1.0) for user, item, time in sorted(moments)]
    found = dense(fitted([np.array(rows, RECORD)], folds, N_ITEMS), 3, "next")
    # Two users took each, and each pair twice: exp(-gap / 10) * 2 / sqrt(7 * 7).
    np.testing.assert_allclose(found[5, 3], 2 * np.exp(-0.1) / 7, rtol=1e-6)
    np.testing.assert_allclose(found[7, 3], 2 * np.exp(-0.2) / 7, rtol=1e-6)
    assert np.count_nonzero(found) == 3
    # Another user's first row follows nobody's last.
    assert found[3].sum() == 0


def test_where_all_that_was_taken_was_liked_one_table_says_it(folds):
    assert fitted([records()], folds, 2, by_liking=False).names == ("taken", "next")


def test_a_fold_does_not_see_its_own_users(folds):
    data, other = records(0), records(1)
    own = folds[data["user"]] == 1
    other[~own] = data[~own]
    first, second = (fitted([one], folds, 5) for one in (data, other))
    np.testing.assert_array_equal(first.weights[1], second.weights[1])
    np.testing.assert_array_equal(first.rows[1], second.rows[1])
    assert (first.weights[-1] != second.weights[-1]).any()


def test_the_best_neighbours_and_the_most_taken_items_are_kept(folds, monkeypatch):
    data = records()
    whole = fitted([data], folds, N_ITEMS)
    few = fitted([data], folds, 2)
    np.testing.assert_array_equal(few.weights, whole.weights[..., :2])
    monkeypatch.setattr(module, "_MOST_ITEMS", 4)
    some = fitted([data], folds, 6)
    weighed = np.flatnonzero(some.weights[-1].any(axis=(1, 2)))
    taken = np.bincount(data["item"][~np.isnan(data["value"])], minlength=N_ITEMS + 1)
    assert set(weighed) <= set(np.argsort(-taken, kind="stable")[:4])
    assert set(np.unique(some.rows[-1])) <= {0, *weighed}
