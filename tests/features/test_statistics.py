from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from edgerec.features.statistics import NEVER_SEEN, ItemStatistics, fit_statistics, folds
from edgerec.progress import Silent
from edgerec.samples.spool import RECORD

N_USERS, N_ITEMS, N_FOLDS = 7, 5, 3


def some_samples(seed: int = 0, n: int = 60) -> NDArray[np.void]:
    random = np.random.default_rng(seed)
    samples = np.zeros(n, RECORD)
    samples["user"] = np.sort(random.integers(1, N_USERS + 1, n))
    samples["item"] = random.integers(1, N_ITEMS, n)  # the last item is in no sample
    samples["label"] = random.integers(0, 2, n)
    samples["timestamp"] = random.integers(100, 200, n)
    samples["value"] = np.where(random.random(n) < 0.7, random.integers(1, 6, n), np.nan)
    return samples


FOLD_OF_USER = folds(N_USERS, N_FOLDS, 0)


def fit(samples: NDArray[np.void], n_rows: int = 1000) -> ItemStatistics:
    def blocks() -> Iterator[NDArray[np.void]]:
        for start in range(0, len(samples), n_rows):
            yield samples[start : start + n_rows]

    return fit_statistics(blocks, N_ITEMS, FOLD_OF_USER, N_FOLDS)


def slow_means(
    rows: list[tuple[int, int, float]], item_shrinkage: float
) -> tuple[float, list[float], float]:
    """Prior, mean of each item and variance of what is left, in plain loops."""
    prior = sum(signal for _, _, signal in rows) / max(len(rows), 1)
    of_item, of_user = (
        dict.fromkeys(range(N_ITEMS + 1), 0.0),
        dict.fromkeys(range(N_USERS + 1), 0.0),
    )
    rest: list[float] = []
    for _ in range(4):
        for item in of_item:
            rest = [signal - prior - of_user[u] for u, i, signal in rows if i == item]
            of_item[item] = sum(rest) / (len(rest) + item_shrinkage)
        for user in of_user:
            rest = [signal - prior - of_item[i] for u, i, signal in rows if u == user]
            of_user[user] = sum(rest) / (len(rest) + 5)
    squares = [(signal - prior - of_item[i]) ** 2 for _, i, signal in rows]
    means = [prior, *(prior + of_item[item] for item in range(1, N_ITEMS + 1))]
    return prior, means, sum(squares) / max(len(rows), 1)


@pytest.mark.parametrize("seed", range(3))
def test_every_fit_equals_a_slow_fit_without_its_fold(seed: int) -> None:
    samples = some_samples(seed)
    statistics = fit(samples)
    for fold in range(N_FOLDS + 1):
        kept = samples[FOLD_OF_USER[samples["user"]] != fold].tolist()
        valued = [(user, item, value) for user, item, _, value, *_ in kept if value == value]
        labelled = [(user, item, label) for user, item, label, *_ in kept]
        prior, means, spread = slow_means(valued, 5)
        assert statistics.prior_value[fold] == pytest.approx(prior, rel=1e-5)
        assert statistics.mean_value[fold].tolist() == pytest.approx(means, rel=1e-5)
        assert statistics.prior_spread[fold] == pytest.approx(spread, rel=1e-5)
        prior, means, _ = slow_means(labelled, 4)
        assert statistics.prior_liked_rate[fold] == pytest.approx(prior, rel=1e-5)
        assert statistics.liked_rate[fold].tolist() == pytest.approx(means, rel=1e-5)
        scale = 1.0 if fold == N_FOLDS else N_FOLDS / (N_FOLDS - 1)
        counts = [sum(i == item for _, i, _ in valued) * scale for item in range(1, N_ITEMS + 1)]
        expected = [0.0, *np.log1p(counts)]
        assert statistics.log_count[fold].tolist() == pytest.approx(expected, rel=1e-5)
        for item in range(N_ITEMS + 1):
            times = [time for _, i, _, value, time, _ in kept if i == item and value == value]
            assert statistics.first_seen[fold, item] == min(times, default=NEVER_SEEN)


@pytest.mark.parametrize("position", [0, 20, 59])
def test_a_sample_never_moves_the_statistics_that_its_user_sees(position: int) -> None:
    samples = some_samples()
    changed = samples.copy()
    changed["label"][position] = 1 - samples["label"][position]
    changed["value"][position] = 5.5
    changed["timestamp"][position] = 50
    own = FOLD_OF_USER[samples["user"][position]]
    before, after = fit(samples), fit(changed)
    for name, array in vars(before).items():
        np.testing.assert_array_equal(array[own], getattr(after, name)[own])
    assert (before.mean_value[N_FOLDS] != after.mean_value[N_FOLDS]).any()
    assert (before.liked_rate[N_FOLDS] != after.liked_rate[N_FOLDS]).any()


def test_row_0_and_items_in_no_sample_have_the_prior():
    statistics = fit(some_samples())
    for row in (0, N_ITEMS):
        np.testing.assert_array_equal(statistics.mean_value[:, row], statistics.prior_value)
        np.testing.assert_array_equal(statistics.liked_rate[:, row], statistics.prior_liked_rate)
        assert not statistics.log_count[:, row].any()
        assert (statistics.first_seen[:, row] == NEVER_SEEN).all()


def test_memory_is_that_of_a_block_and_the_result_is_the_same():
    samples = some_samples()
    whole, in_blocks = fit(samples), fit(samples, n_rows=7)
    for name, array in vars(whole).items():
        np.testing.assert_allclose(getattr(in_blocks, name), array, rtol=1e-5)


def test_every_pass_is_reported():
    class Heard(Silent):
        done: ClassVar[list[tuple[int, int | None]]] = []

        def advance(self, n_done: int, n_total: int | None, note: str = "") -> None:
            self.done.append((n_done, n_total))

    samples = some_samples()
    fit_statistics(lambda: iter([samples]), N_ITEMS, FOLD_OF_USER, N_FOLDS, Heard())
    assert Heard.done == [(number, 19) for number in range(1, 20)]


def test_without_values_there_are_still_labels():
    samples = some_samples()
    samples["value"] = np.nan
    statistics = fit(samples)
    assert not statistics.mean_value.any()
    assert not statistics.log_count.any()
    assert statistics.liked_rate.any()


def test_the_full_fit_is_the_last():
    statistics = fit(some_samples())
    assert statistics.n_folds == N_FOLDS
    full = statistics.full()
    assert full.n_folds == 0
    for name, array in vars(statistics).items():
        np.testing.assert_array_equal(getattr(full, name), array[-1:])


@pytest.mark.parametrize(("n_users", "n_folds"), [(1, 2), (7, 3), (100, 5)])
def test_folds_are_even_and_repeatable(n_users: int, n_folds: int) -> None:
    fold = folds(n_users, n_folds, 3)
    assert fold.shape == (n_users + 1,)
    assert set(fold.tolist()) <= set(range(n_folds))
    counts = np.bincount(fold[1:], minlength=n_folds)
    assert counts.max() - counts.min() <= 1
    np.testing.assert_array_equal(fold, folds(n_users, n_folds, 3))
