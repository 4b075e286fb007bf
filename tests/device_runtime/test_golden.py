"""Golden answers whose lists stand alone: no scores of candidates beside them."""

import numpy as np
import pytest

from device_runtime.golden import difference

FEEDS = {"item_ids": np.zeros(0, np.int64), "exclude": np.array([7])}
ALONE = {
    "scores": np.zeros(0, np.float32),
    "known": np.zeros(0, np.bool_),
    "top_positions": np.array([40, 2]),
    "top_ids": np.array([90, 5]),
    "top_scores": np.array([0.75, 0.5], np.float32),
}


def test_a_list_that_stands_alone_is_compared_by_its_own_scores():
    assert difference(FEEDS, ALONE, ALONE, -(2**63)) is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"top_scores": np.array([0.75, 0.25], np.float32)}, "top_scores[1]: expected 0.5"),
        ({"top_scores": np.array([np.nan, 0.5], np.float32)}, "top_scores[0]: expected 0.75"),
        ({"top_positions": np.array([40, 40])}, "the same position stands in it twice"),
        ({"top_positions": np.array([-1, 2])}, "a position is outside the candidates"),
        ({"top_ids": np.array([90, 6])}, "top_ids[1]: 6 is not the id at position 2"),
        ({"top_ids": np.array([90, 7])}, "an excluded item stands in it"),
        ({"scores": np.zeros(2, np.float32)}, "scores: expected length 0, got 2"),
    ],
)
def test_what_differs_is_said(changes, sentence):
    message = difference(FEEDS, ALONE, {**ALONE, **changes}, -(2**63))
    assert message is not None
    assert sentence in message
