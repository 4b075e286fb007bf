"""Leaks are told from honest strength, both ways, over many draws."""

import numpy as np
import pytest

from edgerec.declared.auto.leaks import Halves, category_leak, future_leak, label_leak

Numbers = np.ndarray


def drawn(seed: int, n_things: int = 300, n_each: float = 8.0) -> tuple[Numbers, Halves, Numbers]:
    """Quality of each thing, what happened to it in two halves, and its popularity."""
    random = np.random.default_rng(seed)
    quality = random.normal(0, 1, n_things)
    popularity = random.lognormal(0, 1, n_things)
    count = random.poisson(np.stack([popularity, popularity]) * n_each / 2)
    total, liked = np.zeros(count.shape), np.zeros(count.shape)
    for half, thing in np.ndindex(*count.shape):
        values = 3 + quality[thing] + random.normal(0, 1.5, count[half, thing])
        total[half, thing] = values.sum()
        liked[half, thing] = (values > 3).sum()
    n = count.astype(float)
    return quality, Halves(liked, n, n, total), popularity


def mean(total: Numbers, count: Numbers) -> Numbers:
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n_each", [2.0, 8.0, 60.0])
def test_what_is_computed_of_the_labels_leaks(seed: int, n_each: float) -> None:
    _, halves, _ = drawn(seed, n_each=n_each)
    count = halves.n_interactions.sum(axis=0)
    average = mean(halves.total.sum(axis=0), count)
    assert "knows the mean value" in str(label_leak(average, halves))
    assert label_leak(np.round(average, 1) * -20, halves) is not None
    assert "knows the share of liked" in str(
        label_leak(mean(halves.n_liked.sum(axis=0), halves.n_samples.sum(axis=0)), halves)
    )
    assert "knows the count" in str(label_leak(count, halves))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n_each", [2.0, 8.0, 60.0])
@pytest.mark.parametrize("noise", [0.0, 0.3, 1.0, 10.0])
def test_an_honest_column_does_not_however_strong(seed: int, n_each: float, noise: float) -> None:
    quality, halves, popularity = drawn(seed, n_each=n_each)
    random = np.random.default_rng(seed)
    scattered = quality + noise * random.normal(0, 1, len(quality))
    assert label_leak(scattered, halves) is None
    assert label_leak(np.exp(-3 * scattered), halves) is None
    assert label_leak(np.round(scattered), halves) is None
    sold_elsewhere = random.poisson(popularity * 20).astype(float)
    assert label_leak(sold_elsewhere, halves) is None


def test_a_copy_of_the_label_of_things_that_are_met_once_is_too_good() -> None:
    random = np.random.default_rng(0)
    label = random.integers(0, 2, 400).astype(float)
    once = np.stack([np.zeros(400), np.ones(400)])
    halves = Halves(once * label, once, once, once * label)
    assert "alone reaches an AUC of 1.000, where what others did reaches 0.500" in str(
        label_leak(label, halves)
    )


def test_a_category_per_kind_of_label_is_too_good_and_a_genre_is_not() -> None:
    random = np.random.default_rng(0)
    quality = random.integers(0, 2, 400)
    n = np.full((2, 400), 3.0)
    liked = random.binomial(3, 0.3 + 0.4 * quality, (2, 400)).astype(float)
    halves = Halves(liked, n, n, liked)
    genres = ["hit" if one else "flop" for one in quality]
    assert category_leak(genres, halves) is None
    pure = Halves(n * quality * [[1], [1]], n, n, n * quality)
    assert category_leak(genres, pure) is None  # what others liked says as much


def test_a_date_after_its_own_interactions_and_a_column_that_began_late() -> None:
    nothing = np.zeros(200, bool)
    new = np.arange(200) >= 120
    assert "later than 40% of its own interactions" in str(future_leak(40, 100, ~nothing, new))
    assert future_leak(4, 100, ~nothing, new) is None
    assert "filled for 100% of what appears after the cut and for 0% before" in str(
        future_leak(0, 0, new, new)
    )
    assert future_leak(0, 0, np.arange(200) % 2 == 0, new) is None
    assert future_leak(0, 0, new, nothing) is None
