import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgerec.samples.negatives import InBatchSampler, NegativeSampler


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


def test_a_corrected_draw_counts_items_as_if_they_were_drawn_alike() -> None:
    counts = np.array([8, 2, 1, 0])
    sampler = NegativeSampler(counts, 1.0, 0, corrected=True)
    drawn = sampler.draw(np.zeros(0, np.int64), 30_000)
    weighed = np.bincount(drawn, sampler.weights(drawn), minlength=4)
    assert weighed[3] == 0
    np.testing.assert_allclose(weighed[:3] / 30_000, 1 / 3, atol=0.02)


def test_a_correction_weighs_and_draws_no_other_items() -> None:
    counts, nothing = np.array([600, 2, 0, 1, 1]), np.zeros(0, np.int64)
    plain, corrected = (NegativeSampler(counts, 1.0, 0, corrected=one) for one in (False, True))
    drawn = plain.draw(nothing, 500)
    np.testing.assert_array_equal(corrected.draw(nothing, 500), drawn)
    assert (plain.weights(drawn) == 1).all()
    # Drawn evenly, one in four; and nothing weighs more than ten.
    np.testing.assert_allclose(corrected.weights(np.array([0, 1, 2, 3])), [151 / 600, 10, 0, 10])


@given(st.sets(st.integers(0, 9)), st.booleans())
def test_in_batch_gives_what_others_took(own: set[int], corrected: bool) -> None:
    batch = np.array([0, 1, 1, 2, 3, 3, 3])
    sampler = InBatchSampler(batch, np.bincount(batch, minlength=10), 0, corrected=corrected)
    drawn = set(sampler.draw(np.array(sorted(own), np.int64), 50).tolist())
    assert drawn <= {0, 1, 2, 3} - own


def test_in_batch_is_by_popularity_and_seeded_batch_by_batch() -> None:
    batch, nothing = np.array([5] + [6] * 3), np.zeros(0, np.int64)
    counts = np.bincount(batch)
    draws = [InBatchSampler(batch, counts, 0, number=n).draw(nothing, 4000) for n in (0, 0, 1)]
    assert abs((draws[0] == 6).mean() - 0.75) < 0.03
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0] != draws[2]).any()
    corrected = InBatchSampler(batch, counts, 0, corrected=True)
    drawn = corrected.draw(nothing, 8000)
    weight = corrected.weights(drawn)
    assert abs(np.average(drawn == 6, weights=weight) - 0.5) < 0.03
    assert abs(weight.mean() - 1) < 0.03
