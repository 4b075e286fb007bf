import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgerec.samples.negatives import NegativeSampler


@given(st.sets(st.integers(0, 9)), st.integers(0, 30))
def test_nothing_of_the_users_own_is_drawn(own: set[int], n_negatives: int) -> None:
    sampler = NegativeSampler(np.arange(1, 11), 0.75, 0)
    drawn = sampler.draw(np.array(sorted(own), np.int64), n_negatives)
    assert len(drawn) <= n_negatives
    assert not own & set(drawn.tolist())


@pytest.mark.parametrize(("exponent", "share"), [(0.0, 1 / 2), (0.75, 8 / 9), (1.0, 16 / 17)])
def test_items_are_drawn_by_their_count_to_the_exponent(exponent: float, share: float) -> None:
    counts = np.array([16, 1, 0])
    drawn = NegativeSampler(counts, exponent, 0).draw(np.zeros(0, np.int64), 9000)
    assert abs((drawn == 0).mean() - share) < 0.02
    assert not (drawn == 2).any()


def test_the_seed_decides() -> None:
    draws = [NegativeSampler(np.ones(50), 0.0, seed).draw(np.array([3]), 20) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0] != draws[2]).any()
