import numpy as np
from numpy.typing import NDArray

from edgerec.features.embeddings.audience import fit_audience
from edgerec.features.statistics import folds
from edgerec.progress import Silent
from edgerec.samples.spool import RECORD

N_USERS, N_ITEMS, N_FOLDS = 40, 22, 2
FOLD_OF_USER = folds(N_USERS, N_FOLDS, 0)


def some_samples() -> NDArray[np.void]:
    """Even users take even items and one other, odd users the reverse.

    Item 21 is met by nobody, 22 is taken by nobody.
    """
    random = np.random.default_rng(0)
    samples = np.zeros(N_USERS * 8, RECORD)
    samples["user"] = np.repeat(np.arange(1, N_USERS + 1), 8)
    for user in range(1, N_USERS + 1):
        own = 2 * (1 + random.permutation(10)[:7]) - user % 2
        other = 2 * random.integers(1, 11) - 1 + user % 2
        samples["item"][samples["user"] == user] = [*own[:6], other, 22]
    samples["value"] = np.where(samples["item"] == 22, np.nan, 1)
    samples["label"] = random.integers(0, 2, len(samples))
    return samples


def fit(samples: NDArray[np.void], n_dimensions: int = 3) -> NDArray[np.float32]:
    return fit_audience(
        lambda: iter([samples[:160], samples[160:]]),
        N_ITEMS,
        FOLD_OF_USER,
        N_FOLDS,
        n_dimensions,
        0,
        Silent(),
    )


def test_items_with_one_audience_are_near_each_other():
    vectors = fit(some_samples())
    assert vectors.shape == (N_FOLDS + 1, N_ITEMS + 1, 3)
    cosine = vectors[-1, 1:21] @ vectors[-1, 1:21].T
    same = np.add.outer(np.arange(20), np.arange(20)) % 2 == 0
    assert cosine[same].mean() > 0.4
    assert cosine[~same].mean() < -0.2


def test_rows_have_length_1_or_0():
    length = np.linalg.norm(fit(some_samples()), axis=2)
    np.testing.assert_allclose(length[:, 1:21], 1, rtol=1e-5)
    assert not length[:, [0, 21, 22]].any()


def test_a_fit_knows_nothing_of_its_fold_nor_of_any_label():
    samples = some_samples()
    before = fit(samples)
    samples["label"] = 1 - samples["label"]
    np.testing.assert_array_equal(fit(samples), before)
    own = FOLD_OF_USER[samples["user"]] == 1
    samples["item"][own] = samples["item"][own][::-1]
    after = fit(samples)
    np.testing.assert_array_equal(after[1], before[1])
    assert not np.allclose(after[2], before[2])


def test_more_dimensions_than_items_are_zero():
    vectors = fit(some_samples(), 40)
    assert vectors.shape == (N_FOLDS + 1, N_ITEMS + 1, 40)
    assert np.isfinite(vectors).all()
