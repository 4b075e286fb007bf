import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from edgerec.areas import grouped_auc
from edgerec.evaluate.row_quality import row_qualities


def rows(n_users=40, n_each=12, seed=0):
    random = np.random.default_rng(seed)
    user = np.repeat(np.arange(n_users), n_each)
    tendency = random.normal(0, 1, n_users)[user]
    signal = random.normal(0, 1, len(user))
    label = (tendency + signal + random.normal(0, 1, len(user)) > 0).astype(float)
    score = 1 / (1 + np.exp(-(tendency + signal).round(1)))
    return label, score, user


def test_the_estimates_are_those_of_scikit_learn_and_of_the_metrics():
    label, score, user = rows()
    found = row_qualities(label, {"model": score}, user, probabilities={"model"})["model"]
    assert found.auc.mean == pytest.approx(roc_auc_score(label, score), abs=1e-12)
    assert found.gauc.mean == pytest.approx(grouped_auc(label, score, user)[0], abs=1e-12)
    assert found.log_loss.mean == pytest.approx(log_loss(label, score), abs=1e-12)
    assert found.auc_difference is None
    for one in (found.auc, found.gauc, found.log_loss):
        assert one.low < one.mean < one.high


def test_draws_equal_copying_the_rows_of_the_drawn_users():
    label, score, user = rows(n_users=12)
    found = row_qualities(label, {"model": score}, user, random_state=4)["model"]
    random = np.random.default_rng(4)
    areas = []
    for drawn in random.multinomial(12, np.full(12, 1 / 12), 1000):
        at = np.concatenate([np.flatnonzero(user == code) for code in np.repeat(range(12), drawn)])
        areas.append(roc_auc_score(label[at], score[at]))
    assert found.auc.low == pytest.approx(np.percentile(areas, 2.5), abs=1e-12)
    assert found.auc.high == pytest.approx(np.percentile(areas, 97.5), abs=1e-12)


def test_the_interval_of_a_difference_is_narrower_than_those_of_its_parts():
    label, score, user = rows()
    noisy = score + np.random.default_rng(3).normal(0, 0.05, len(score))
    found = row_qualities(label, {"model": score, "noisy": noisy}, user)
    difference = found["noisy"].auc_difference
    assert difference.mean == pytest.approx(found["model"].auc.mean - found["noisy"].auc.mean)
    gauc = found["noisy"].gauc_difference
    assert gauc.mean == pytest.approx(found["model"].gauc.mean - found["noisy"].gauc.mean)
    assert gauc.low < gauc.mean < gauc.high
    assert found["model"].gauc_difference is None
    width = found["model"].auc.high - found["model"].auc.low
    assert difference.high - difference.low < width / 2
    assert found["noisy"].log_loss is None


def test_the_interval_covers_what_holds_for_all_users():
    everyone = roc_auc_score(*rows(4000, 12, seed=99)[:2])
    covered = 0
    for seed in range(20):
        label, score, user = rows(60, 12, seed)
        found = row_qualities(label, {"model": score}, user)["model"].auc
        covered += found.low <= everyone <= found.high
    assert covered >= 16


def test_users_of_one_label_have_no_gauc():
    label = np.array([0.0, 0.0, 1.0, 1.0])
    found = row_qualities(label, {"model": np.array([0.1, 0.3, 0.6, 0.8])}, np.array([5, 5, 9, 9]))
    assert found["model"].gauc is None
    assert found["model"].auc.mean == 1.0
