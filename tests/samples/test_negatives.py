import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgerec.samples.negatives import NegativeSampler


@given(st.sets(st.integers(0, 9)), st.integers(0, 30))
def test_nothing_of_the_users_own_is_drawn(own: set[int], n_negatives: int) -> None:
    sampler = NegativeSampler(np.arange(1, 11), 0)
    drawn = sampler.draw(np.array(sorted(own), np.int64), n_negatives)
    assert len(drawn) <= n_negatives
    assert not own & set(drawn.tolist())


def test_popular_items_are_drawn_by_their_count_to_the_power_of_three_quarters() -> None:
    drawn = NegativeSampler(np.array([16, 1]), 0).draw(np.zeros(0, np.int64), 9000)
    assert abs((drawn == 0).mean() - 8 / 9) < 0.02


def test_the_seed_decides() -> None:
    draws = [NegativeSampler(np.ones(50), seed).draw(np.array([3]), 20) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0] != draws[2]).any()
