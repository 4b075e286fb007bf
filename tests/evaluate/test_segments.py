import numpy as np
import pytest

from edgerec.evaluate.segments import history_segments, popularity_segments, segment_qualities


def test_rows_by_the_length_of_the_history():
    parts = dict(history_segments(np.array([0, 1, 9, 10, 49, 50, 400])))
    assert {name: np.flatnonzero(at).tolist() for name, at in parts.items()} == {
        "cold: no history": [0],
        "short: 1 to 9": [1, 2],
        "medium: 10 to 49": [3, 4],
        "long: 50 or more": [5, 6],
    }


def test_popular_items_hold_half_of_the_interactions_and_the_tail_the_last_fifth():
    counts = np.array([50, 20, 10, 10, 5, 5])
    known = np.array([True] * 6 + [False])
    log_counts = np.log1p(np.r_[counts, 0]).astype(np.float32)
    parts = popularity_segments(log_counts, known, np.log1p(counts))
    assert {name: np.flatnonzero(at).tolist() for name, at in parts} == {
        "popular": [0],
        "middle": [1, 2, 3],
        "tail": [4, 5],
        "not in training": [6],
    }


def test_a_segment_has_its_own_quality_and_an_empty_one_has_none():
    label = np.array([1.0, 0.0, 1.0, 0.0, 1.0])
    score = np.array([0.9, 0.1, 0.2, 0.7, 0.6])
    user = np.array([1, 1, 2, 2, 3])
    parts = [
        ("right", np.array([True, True, False, False, False])),
        ("wrong", np.array([False, False, True, True, False])),
        ("one label", np.array([False, False, False, False, True])),
        ("empty", np.zeros(5, bool)),
    ]
    right, wrong, one_label, empty = segment_qualities(parts, label, score, user)
    assert right.quality.auc.mean == 1.0
    assert wrong.quality.auc.mean == 0.0
    assert (wrong.n_samples, wrong.n_users) == (2, 1)
    assert wrong.mean_score == pytest.approx(0.45)
    assert one_label.quality is None and one_label.observed_rate == 1.0
    assert empty.quality is None and np.isnan(empty.mean_score) and empty.n_users == 0


def test_gauc_of_few_users_with_both_labels_is_not_shown():
    user = np.repeat(np.arange(30), 2)
    label = np.tile([1.0, 0.0], 30)
    label[18:] = 1.0
    score = np.linspace(0, 1, 60)
    (few,) = segment_qualities([("all", np.ones(60, bool))], label, score, user)
    assert few.quality is not None and few.quality.gauc is None
    label[18:20] = [1.0, 0.0]
    (enough,) = segment_qualities([("all", np.ones(60, bool))], label, score, user)
    assert enough.quality is not None and enough.quality.gauc is not None
