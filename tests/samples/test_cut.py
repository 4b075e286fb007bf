import dataclasses

import numpy as np
import pytest

from edgerec.config import TrainSettings
from edgerec.fitting import fit_tables
from edgerec.progress import Silent
from edgerec.recsys import Sample
from edgerec.samples.cut import cut_blocks, interactions_before_cuts, samples_to_tell
from edgerec.samples.intake import take_in
from edgerec.training.fit import held_out_users
from tests.trained import SETTINGS

N_USERS, N_ITEMS, N_TAKEN = 12, 30, 20


class Shop:
    """User u takes items u, u + 1, … (modulo N_ITEMS), one a second; nothing of what is odd is
    liked. Each row has a sampled negative, which is no interaction."""

    def __init__(self, change=lambda user, time, item: item):
        self._change = change

    def get_user_feature(self, user_id):
        return []

    def get_item_feature(self, item_id):
        return []

    def sample_generator(self):
        for user in range(1, N_USERS + 1):
            for time in range(N_TAKEN):
                item = self._change(user, time, 1 + (user + time) % N_ITEMS)
                yield Sample(user, item, float(item % 2 == 0), time, 4.0 if item % 2 == 0 else 2.0)
                yield Sample(user, 1 + (user + time + 9) % N_ITEMS, 0.0, time, None)


def settings(**changes):
    plain = {**vars(SETTINGS), "n_neighbours": 5, "objective": "top", **changes}
    return TrainSettings(**plain)


def made(folder, rec_sys, settings):
    folder.mkdir(exist_ok=True)
    intake = take_in(rec_sys, folder, settings.chunk_rows, Silent())
    tables = fit_tables(rec_sys, intake, settings, folder, Silent()).tables
    # Embeddings are out of half of the users, and know what others did after their cuts.
    tables = dataclasses.replace(tables, embedding=np.zeros((1, N_ITEMS + 1, 2), np.float32))
    fits = np.zeros(N_USERS + 1, np.int64)
    return intake, tables, list(cut_blocks(intake, tables, fits, settings))


def test_the_last_share_of_each_user_stands_behind_his_cut(tmp_path):
    intake, _, _ = made(tmp_path, Shop(), settings(cut_share=0.15))
    before = np.concatenate(list(interactions_before_cuts(intake, settings(cut_share=0.15))))
    assert np.bincount(before["user"])[1:].tolist() == [N_TAKEN - 3] * N_USERS
    assert before["timestamp"].max() == N_TAKEN - 4
    assert not np.isnan(before["value"]).any()


def test_what_he_liked_after_the_cut_is_told_from_his_other_candidates(tmp_path):
    _, tables, blocks = made(tmp_path, Shop(), settings(n_candidates=N_ITEMS))
    user = np.concatenate([block.user for block in blocks])
    label = np.concatenate([block.label for block in blocks])
    features = np.concatenate([block.features for block in blocks])
    for one in range(1, N_USERS + 1):
        after = [1 + (one + time) % N_ITEMS for time in range(N_TAKEN - 3, N_TAKEN)]
        n_wanted = sum(item % 2 == 0 for item in after)
        # What he had before is no candidate; all else of the catalogue is.
        n_candidates = N_ITEMS - (N_TAKEN - 3) if n_wanted else 0
        assert (user == one).sum() == n_candidates
        assert label[user == one].sum() == n_wanted
    assert features.shape[1] == len(tables.names())
    assert not features[:, tables.names().index("had")].any()


def test_what_he_liked_after_the_cut_weighs_what_that_interaction_does(tmp_path):
    class Weighted(Shop):
        def sample_generator(self):
            for one in super().sample_generator():
                yield one._replace(weight=100.0 * one.user_id + one.item_id)

    _, _, blocks = made(tmp_path, Weighted(), settings(n_candidates=N_ITEMS))
    user = np.concatenate([block.user for block in blocks])
    label = np.concatenate([block.label for block in blocks])
    weight = np.concatenate([block.weight for block in blocks])
    assert weight.dtype == np.float32
    assert (weight[label == 0] == 1).all()
    for one in range(1, N_USERS + 1):
        after = [1 + (one + time) % N_ITEMS for time in range(N_TAKEN - 3, N_TAKEN)]
        expected = sorted(100 * one + item for item in after if item % 2 == 0)
        assert sorted(weight[(user == one) & (label == 1)].tolist()) == expected


def test_neither_history_nor_tables_see_what_came_after_the_cut(tmp_path):
    def other(user, time, item):
        return item if time < N_TAKEN - 3 else 1 + (item + 1) % N_ITEMS

    _, first, blocks = made(tmp_path / "a", Shop(), settings())
    _, second, changed = made(tmp_path / "b", Shop(other), settings())
    np.testing.assert_array_equal(first.neighbours.rows[0], second.neighbours.rows[0])
    np.testing.assert_array_equal(first.neighbours.weights[0], second.neighbours.weights[0])
    np.testing.assert_array_equal(first.statistics.log_count[0], second.statistics.log_count[0])
    assert (first.neighbours.weights[1] != second.neighbours.weights[1]).any()
    # The same candidates with the same columns: labels alone differ.
    pairs = [
        {one: block.features[block.user == one] for block in made_ for one in block.user.tolist()}
        for made_ in (blocks, changed)
    ]
    both = set(pairs[0]) & set(pairs[1])
    assert both
    for one in both:
        np.testing.assert_array_equal(pairs[0][one], pairs[1][one])


def test_where_people_take_the_same_again_what_they_had_is_a_candidate(tmp_path):
    def again(user, time, item):
        return item if time < N_TAKEN - 3 else 1 + (user + time - 6) % N_ITEMS

    _, tables, blocks = made(tmp_path, Shop(again), settings(n_candidates=4))
    had = np.concatenate([block.features for block in blocks])[:, tables.names().index("had")]
    label = np.concatenate([block.label for block in blocks])
    assert (label[had > 0] == 1).any()
    assert not label[had == 0].any()


def test_of_very_many_users_a_random_part_is_asked(tmp_path, monkeypatch):
    monkeypatch.setattr("edgerec.samples.cut._MOST_ROWS", 40)
    _, _, blocks = made(tmp_path, Shop(), settings(n_candidates=10))
    assert 1 <= len(np.unique(np.concatenate([block.user for block in blocks]))) <= 4


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_the_counts_before_the_cut_are_those_of_as_many_rows_as_there_are_in_all(tmp_path, share):
    _, tables, _ = made(tmp_path, Shop(), settings(cut_share=share))
    before, whole = np.expm1(tables.statistics.log_count).sum(axis=1)
    assert before == pytest.approx(whole, rel=0.02)


@pytest.mark.parametrize(("n_users", "n_held_out"), [(100, 10), (10_000, 274)])
def test_users_are_held_out_until_what_they_took_tells_epochs_apart(
    n_users: int, n_held_out: int
) -> None:
    # 4 096 samples: of a hundred interactions fifteen are asked for, and not a hundred.
    worth = samples_to_tell(np.r_[0, np.full(n_users, 100)], TrainSettings())
    held_out = held_out_users(worth, 0.1, np.random.default_rng(0))
    assert held_out.sum() == n_held_out


def test_users_of_few_interactions_are_held_out_until_their_candidates_fill_memory() -> None:
    settings = TrainSettings(n_candidates=3200)
    worth = samples_to_tell(np.r_[0, np.full(10_000, 2)], settings)
    held_out = held_out_users(worth, 0.1, np.random.default_rng(0))
    assert held_out.sum() == 41
