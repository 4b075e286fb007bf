import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgerec.features.neighbours import columns
from edgerec.features.neighbours.columns import (
    column_names,
    neighbour_features,
    slot_weights,
    weightings,
)
from edgerec.features.neighbours.tables import Neighbours, stacked

N_ITEMS = 6


def some_neighbours(random, names=("liked", "taken"), n_fits=2):
    rows = random.integers(0, N_ITEMS + 1, (n_fits, N_ITEMS + 1, len(names), 3)).astype(np.int32)
    # A neighbour stands once among those of an item.
    rows = np.where(np.diff(np.sort(rows), axis=-1, prepend=-1) > 0, np.sort(rows), 0)
    weights = np.where(rows > 0, random.random(rows.shape), 0).astype(np.float32)
    return Neighbours(names, rows.astype(np.int32), weights)


def some_histories(random, n_requests):
    history = np.zeros((n_requests, 5), np.int64)
    for request in history:
        n_there = random.integers(0, 6)
        request[:n_there] = random.permutation(np.arange(1, N_ITEMS + 1))[:n_there]
    liked = (random.random(history.shape) < 0.5) & (history > 0)
    return history, liked.astype(np.float32)


@given(st.integers(0, 1000), st.sampled_from([("liked", "taken", "next"), ("taken", "next")]))
@settings(max_examples=30, deadline=None)
def test_columns_are_a_loop_over_the_history(seed, names):
    random = np.random.default_rng(seed)
    table = some_neighbours(random, names)
    history, liked = some_histories(random, 4)
    candidates, fit = random.integers(0, N_ITEMS + 1, (4, 3)), random.integers(0, 2, 4)
    found = neighbour_features(table, history, liked, candidates, fit)
    chosen = weightings(table)
    assert found.shape == (4, 3, len(column_names(table)))
    for request in range(4):
        for place, candidate in enumerate(candidates[request].tolist()):
            sums = np.zeros((len(names), len(chosen)))
            own = np.zeros(len(chosen))
            for slot in np.flatnonzero(history[request]):
                counts = slot_weights(5, chosen)[slot] * [
                    liked[request, slot] if one.liked else 1 for one in chosen
                ]
                same = table.rows[fit[request], candidate] == history[request, slot]
                weight = (table.weights[fit[request], candidate] * same).sum(axis=1)
                sums += weight[:, None] * counts
                own += counts * (candidate == history[request, slot])
            expected = np.r_[sums.ravel(), own[:2]]
            np.testing.assert_allclose(found[request, place], expected, atol=1e-6)


def test_many_requests_are_answered_in_parts(monkeypatch):
    random = np.random.default_rng(0)
    table = some_neighbours(random)
    history, liked = some_histories(random, 9)
    candidates, fit = random.integers(0, N_ITEMS + 1, (9, 2)), np.zeros(9, np.int64)
    at_once = neighbour_features(table, history, liked, candidates, fit)
    monkeypatch.setattr(columns, "_CELLS", 20)
    np.testing.assert_array_equal(
        neighbour_features(table, history, liked, candidates, fit), at_once
    )


def test_a_transposed_table_scores_all_candidates_at_once():
    random = np.random.default_rng(3)
    table = stacked([some_neighbours(random, n_fits=1), some_neighbours(random, n_fits=1)])
    history = np.array([[2, 5, 1]])
    candidates = np.arange(N_ITEMS + 1)[None]
    found = neighbour_features(table, history, np.ones((1, 3)), candidates, np.array([1]))
    for number, matrix in enumerate(table.transposed(1)):
        even = found[0, :, number * len(weightings(table))]
        np.testing.assert_allclose(np.ones(3) @ matrix[history[0]], even, rtol=1e-6)
