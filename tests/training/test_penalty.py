import numpy as np

from edgerec.training.penalty import penalised, popularity_odds


def test_the_penalty_is_taken_off_the_logit():
    random = np.random.default_rng(0)
    scores, counts = random.random(50).astype(np.float32), random.integers(0, 500, 50)
    log_count = np.log1p(counts).astype(np.float32)
    found = penalised(scores, popularity_odds(log_count, 0.3))
    logit = np.log(scores / (1 - scores)) - 0.3 * log_count
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-logit)), atol=1e-6)
    assert found.dtype == np.float32


def test_certainty_stays_certain():
    odds = popularity_odds(np.float32([9, 9]), 0.5)
    np.testing.assert_array_equal(penalised(np.float32([0, 1]), odds), [0, 1])
