import numpy as np
import pytest

from edgerec.features.neighbours import cosine
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
    taken = np.bincount(data["item"][~np.isnan(data["value"])], minlength=N_ITEMS + 1)
    most = np.argsort(-taken, kind="stable")[:4]
    # Ridge weighs them as if there were no others.
    among = np.where(np.isin(data["item"], most), data["value"], np.float32(np.nan))
    alone = data.copy()
    alone["value"] = among
    expected = ease(alone, np.arange(1, N_USERS + 1), module._RIDGE, only_liked=False)
    np.testing.assert_allclose(
        dense(some, 3, "taken")[most], np.maximum(expected, 0)[most], atol=2e-6
    )


@pytest.mark.parametrize("n_blocks", [1, 4])
@pytest.mark.parametrize("most_pairs", [1, 100, 10**9])
def test_items_beyond_those_that_ridge_weighs_have_cosines_on_its_scale(
    folds, n_blocks, most_pairs, monkeypatch
):
    monkeypatch.setattr(module, "_MOST_ITEMS", 5)
    monkeypatch.setattr(cosine, "_MOST_PAIRS", most_pairs)
    data = records()
    parts = [
        data[np.isin(data["user"], part)]
        for part in np.array_split(np.arange(1, N_USERS + 1), n_blocks)
    ]
    found = fitted(parts, folds, N_ITEMS)
    seen = data[~np.isnan(data["value"])]
    count = np.bincount(seen["item"], minlength=N_ITEMS + 1)
    most = np.argsort(-count[1:], kind="stable")[:5] + 1
    rare = np.setdiff1d(np.arange(1, N_ITEMS + 1), most)
    for name in ("liked", "taken"):
        own = seen[(seen["label"] == 1) | (name == "taken")]
        taken = np.zeros((N_USERS + 1, N_ITEMS + 1))
        taken[own["user"], own["item"]] = 1
        root = np.sqrt(count + 5)
        cosines = taken.T @ taken / np.outer(root, root)
        np.fill_diagonal(cosines, 0)
        weights = dense(found, 3, name)
        # The scale makes the items that both know weigh as much in all.
        scale = weights[most].sum() / cosines[np.ix_(most, most)].sum()
        np.testing.assert_allclose(weights[rare], scale * cosines[rare], rtol=1e-4, atol=1e-7)


def test_what_comes_next_is_the_same_whether_or_not_ridge_weighs_the_item(folds, monkeypatch):
    data = records()
    whole = dense(fitted([data], folds, N_ITEMS), 3, "next")
    monkeypatch.setattr(module, "_MOST_ITEMS", 3)
    some = dense(
        fitted([data[: len(data) // 2], data[len(data) // 2 :]], folds, N_ITEMS), 3, "next"
    )
    count = np.bincount(data["item"][~np.isnan(data["value"])], minlength=N_ITEMS + 1)
    rare = np.argsort(-count[1:], kind="stable")[3:] + 1
    np.testing.assert_allclose(some[rare], whole[rare], rtol=1e-5)


def test_an_item_that_nobody_took_has_no_neighbours_and_is_none(folds, monkeypatch):
    monkeypatch.setattr(module, "_MOST_ITEMS", 5)
    data = records()
    data = data[data["item"] != 7]
    found = fitted([data], folds, N_ITEMS)
    assert not found.rows[:, 7].any()
    assert not found.weights[:, 7].any()
    assert not (found.rows == 7).any()
