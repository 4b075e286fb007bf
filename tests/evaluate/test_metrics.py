import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss, roc_auc_score

from edgerec.areas import area_under_curve, grouped_auc
from edgerec.errors import EvaluationError
from edgerec.evaluate.metrics import compute_metrics

ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(0, 5)), min_size=1, max_size=60
)


def columns(rows):
    user, label, score = (np.array(column) for column in zip(*rows, strict=True))
    return label.astype(float), score / 5, user


@given(ROWS)
@settings(max_examples=100, deadline=None)
def test_gauc_is_the_weighted_mean_of_scikit_learns_auc(rows):
    label, score, user = columns(rows)
    total = weight = 0.0
    skipped = 0
    for own in (user == one for one in np.unique(user)):
        if len(np.unique(label[own])) < 2:
            skipped += 1
            continue
        total += own.sum() * roc_auc_score(label[own], score[own])
        weight += own.sum()
    gauc, n_users, n_skipped = grouped_auc(label, score, user)
    assert (n_users, n_skipped) == (len(np.unique(user)), skipped)
    np.testing.assert_allclose(gauc, total / weight if weight else np.nan)


def test_auc_and_log_loss_are_scikit_learns():
    random = np.random.default_rng(0)
    label = random.integers(0, 2, 200).astype(float)
    score = random.random(200)
    metrics = compute_metrics(label, score, np.arange(200) % 7)
    assert metrics.auc == pytest.approx(roc_auc_score(label, score))
    assert area_under_curve(label, score) == pytest.approx(metrics.auc)
    assert metrics.log_loss == pytest.approx(log_loss(label, score))
    assert (metrics.n_samples, metrics.n_users) == (200, 7)
    rate, said = calibration_curve(label, score, n_bins=10, strategy="quantile")
    assert metrics.calibration_error == pytest.approx(np.abs(rate - said).mean())


def test_equal_scores_count_half_a_pair_and_do_not_depend_on_the_order_of_rows():
    label = np.array([1.0, 0.0, 1.0, 0.0])
    score = np.array([0.5, 0.5, 0.5, 0.1])
    # Four pairs: two are right, two are ties of a half each.
    assert compute_metrics(label, score, np.zeros(4, int)).auc == 0.75
    assert grouped_auc(label, score, np.zeros(4, int))[0] == 0.75
    assert grouped_auc(label[::-1], score[::-1], np.zeros(4, int))[0] == 0.75


def test_one_class_is_a_sentence():
    with pytest.raises(EvaluationError, match="All 3 rows have the label 1; AUC needs both"):
        compute_metrics(np.ones(3), np.ones(3), np.arange(3))


def test_no_row_is_a_sentence():
    with pytest.raises(EvaluationError, match="There is no row to evaluate on"):
        compute_metrics(np.zeros(0), np.zeros(0), np.zeros(0, int))
