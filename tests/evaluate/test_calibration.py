import numpy as np
import pytest

from edgerec.errors import EvaluationError
from edgerec.evaluate.calibration import calibration


def test_bins_of_equal_counts_against_a_loop():
    random = np.random.default_rng(0)
    score = random.random(103)
    label = (random.random(103) < score**2).astype(float)
    found = calibration(label, score, 10)
    assert len(found.bins) == 10
    assert {one.n_samples for one in found.bins} == {10, 11}
    order = np.argsort(score)
    at, error = 0, 0.0
    for one in found.bins:
        members = order[at : at + one.n_samples]
        at += one.n_samples
        assert one.mean_score == pytest.approx(np.mean(score[members]))
        assert one.observed_rate == pytest.approx(np.mean(label[members]))
        error += abs(np.mean(score[members]) - np.mean(label[members])) * len(members)
    assert at == 103
    assert found.expected_error == pytest.approx(error / 103)


def test_scores_that_are_the_true_rates_have_a_small_error_and_half_of_them_a_large_one():
    random = np.random.default_rng(1)
    score = random.random(20_000)
    label = (random.random(20_000) < score).astype(float)
    assert calibration(label, score).expected_error < 0.015
    assert calibration(label, score / 2).expected_error == pytest.approx(0.25, abs=0.02)


def test_equal_scores_stay_together_whatever_the_order_of_the_rows():
    score = np.array([0.5] * 9 + [0.9])
    label = np.array([1.0] * 5 + [0.0] * 5)
    found = calibration(label, score, 5)
    assert [one.n_samples for one in found.bins] == [9, 1]
    assert calibration(label[::-1], score[::-1], 5) == found


def test_no_row_is_a_sentence():
    with pytest.raises(EvaluationError, match=r"no row to calibrate on. Check the test table."):
        calibration(np.zeros(0), np.zeros(0))
