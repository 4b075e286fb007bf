import numpy as np
import pytest

from edgerec.errors import EvaluationError
from edgerec.evaluate.intervals import bootstrap_interval, paired_interval


def test_the_interval_is_that_of_the_normal_distribution_for_many_users():
    values = np.random.default_rng(0).normal(3.0, 2.0, 4000)
    found = bootstrap_interval(values)
    error = 1.96 * values.std() / np.sqrt(len(values))
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - error, abs=0.1 * error)
    assert found.high == pytest.approx(values.mean() + error, abs=0.1 * error)


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(1).random(50)
    assert bootstrap_interval(values, 3) == bootstrap_interval(values, 3)
    assert bootstrap_interval(values, 3) != bootstrap_interval(values, 4)


def test_resampling_in_parts_is_resampling_at_once(monkeypatch):
    values = np.random.default_rng(1).random(50)
    at_once = bootstrap_interval(values)
    monkeypatch.setattr("edgerec.evaluate.intervals._DRAWN", 700)
    assert bootstrap_interval(values) == at_once


def test_pairing_finds_a_difference_that_two_intervals_hide():
    random = np.random.default_rng(2)
    first = random.random(300)
    second = first - 0.02 + random.normal(0, 0.01, 300)
    alone = bootstrap_interval(first), bootstrap_interval(second)
    assert alone[1].high > alone[0].low
    paired = paired_interval(first, second)
    assert 0 < paired.low < 0.02 < paired.high + 0.002


def test_other_users_are_a_sentence():
    with pytest.raises(EvaluationError, match="the same users for both, but one has 3 and the"):
        paired_interval(np.ones(3), np.ones(4))


def test_no_user_is_a_sentence():
    with pytest.raises(EvaluationError, match="There is no user to resample"):
        bootstrap_interval(np.zeros(0))
