import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from edgerec.config import TasteSettings
from edgerec.features.statistics import fit_statistics, folds
from edgerec.features.taste.fit import fit_taste
from edgerec.features.taste.tables import TasteTables, taste_from_arrays, taste_to_arrays
from edgerec.progress import Silent
from edgerec.samples.spool import RECORD

N_USERS, N_ITEMS, N_FOLDS, N_EACH = 60, 40, 3, 20
SETTINGS = TasteSettings(n_latent=2, n_rounds=4)
FOLD_OF_USER = folds(N_USERS, N_FOLDS, 0)
IS_EVEN = np.arange(N_ITEMS + 1) % 2 == 0
Change = Callable[[NDArray[np.void]], None]


def some_samples(*, noise: float = 0.3, seed: int = 0) -> NDArray[np.void]:
    """Even users value even items one more than odd ones, odd users the reverse."""
    random = np.random.default_rng(seed)
    samples = np.zeros(N_USERS * N_EACH, RECORD)
    samples["user"] = np.repeat(np.arange(1, N_USERS + 1), N_EACH)
    for user in range(N_USERS):
        own = slice(user * N_EACH, (user + 1) * N_EACH)
        samples["item"][own] = 1 + random.permutation(N_ITEMS - 1)[:N_EACH]  # never the last item
    agrees = samples["user"] % 2 == samples["item"] % 2
    samples["value"] = 3 + np.where(agrees, 0.5, -0.5) + noise * random.normal(size=len(samples))
    samples["label"] = samples["value"] > 3
    return samples


def fit(
    samples: NDArray[np.void],
    features: NDArray[np.float32] | None = None,
    *,
    n_rows: int = 10**6,
    n_latent: int = 2,
    progress: Silent | None = None,
) -> TasteTables:
    if features is None:
        features = np.zeros((N_ITEMS + 1, 0), np.float32)
    users_at_once = max(1, n_rows // N_EACH)

    def blocks() -> Iterator[NDArray[np.void]]:
        for first in range(1, N_USERS + 1, users_at_once):
            last = first + users_at_once
            yield samples[(samples["user"] >= first) & (samples["user"] < last)]

    statistics = fit_statistics(blocks, N_ITEMS, FOLD_OF_USER, N_FOLDS)
    settings = dataclasses.replace(SETTINGS, n_latent=n_latent)
    return fit_taste(blocks, features, statistics, FOLD_OF_USER, settings, 0, progress or Silent())


def test_what_users_share_is_found_in_the_latent_directions():
    tables = fit(some_samples())
    assert tables.signals == ("value", "liked")
    assert tables.latent.shape == (N_FOLDS + 1, 2, N_ITEMS + 1, 2)
    for signal in (0, 1):
        latent = tables.latent[-1, signal, 1:-1]
        main = latent[:, np.argmax(latent.var(axis=0))]
        even, odd = main[IS_EVEN[1:-1]], main[~IS_EVEN[1:-1]]
        assert min(even.min(), odd.min()) < 0 < max(even.max(), odd.max())
        assert even.max() < odd.min() or odd.max() < even.min()
    # Of a variance of .25 + .09, tastes explain the first part.
    assert tables.noise[-1, 0] == pytest.approx(0.09, rel=0.2)


def test_what_items_declare_is_a_direction_too():
    features = IS_EVEN[:, None].astype(np.float32)
    tables = fit(some_samples(), features, n_latent=0)
    assert tables.content.shape == (N_ITEMS + 1, 1)
    known = tables.parts["content"].start
    covariance = tables.root[-1, 0] @ tables.root[-1, 0].T
    # Half a star each way; the squared popularity, which means nothing here, varies far less.
    assert covariance[known, known] > 0.1
    assert covariance[known, known] > 5 * covariance[known + 2, known + 2]


def test_an_item_that_few_know_is_uncertain_and_an_unknown_one_is_at_the_prior():
    samples = some_samples()
    rare = np.flatnonzero(samples["item"] == 7)[1:]
    samples = np.delete(samples, rare)
    tables = fit(samples)
    variance = tables.latent_variance[-1, 0]
    assert (variance[7] > variance[8]).all()
    for unknown in (0, N_ITEMS):
        np.testing.assert_allclose(tables.latent[-1, 0, unknown], 0, atol=1e-7)
        np.testing.assert_allclose(variance[unknown], 1, rtol=1e-5)


@pytest.mark.parametrize("fold", range(N_FOLDS))
def test_a_fit_knows_nothing_of_its_fold(fold: int) -> None:
    samples = some_samples()
    before = fit(samples)
    own = FOLD_OF_USER[samples["user"]] == fold
    samples["value"][own] = 9 - samples["value"][own]
    samples["label"][own] = 1 - samples["label"][own]
    after = fit(samples)
    for name, array in taste_to_arrays(before).items():
        if name != "content":
            np.testing.assert_array_equal(array[fold], taste_to_arrays(after)[name][fold])
    assert not np.allclose(before.latent[-1], after.latent[-1])


def test_the_size_of_the_blocks_changes_nothing():
    samples = some_samples()
    whole, parts = fit(samples), fit(samples, n_rows=7 * N_EACH)
    for name, array in taste_to_arrays(whole).items():
        np.testing.assert_allclose(array, taste_to_arrays(parts)[name], rtol=1e-3, atol=1e-4)


def test_the_same_seed_gives_the_same_bytes():
    for name, array in taste_to_arrays(fit(some_samples())).items():
        assert array.tobytes() == taste_to_arrays(fit(some_samples()))[name].tobytes()


def only_taken(samples: NDArray[np.void]) -> None:
    samples["value"] = np.where(samples["label"] == 1, 1, np.nan)


def no_values(samples: NDArray[np.void]) -> None:
    samples["value"] = np.nan


def one_label_in_a_fold(samples: NDArray[np.void]) -> None:
    samples["label"] = FOLD_OF_USER[samples["user"]] == 0


def one_user(samples: NDArray[np.void]) -> None:
    samples["user"] = 1


@pytest.mark.parametrize(
    ("change", "signals"),
    [
        (only_taken, ("liked",)),
        (no_values, ("liked",)),
        (one_label_in_a_fold, ("value", "liked")),
        (one_user, ("value", "liked")),
    ],
)
def test_data_that_say_little_are_no_error(change: Change, signals: tuple[str, ...]) -> None:
    samples = some_samples()
    change(samples)
    tables = fit(samples)
    assert tables.signals == signals
    for array in taste_to_arrays(tables).values():
        assert np.isfinite(array).all()
    assert (tables.noise > 0).all()


def test_it_reports_every_round_of_every_fit():
    class Recorder(Silent):
        def __init__(self) -> None:
            self.seen: list[tuple[int, int | None]] = []

        def advance(self, n_done: int, n_total: int | None, note: str = "") -> None:
            self.seen.append((n_done, n_total))

    recorder = Recorder()
    fit(some_samples(), progress=recorder)
    n_steps = (N_FOLDS + 1) * 2 * SETTINGS.n_rounds
    assert recorder.seen == [(number, n_steps) for number in range(1, n_steps + 1)]


def test_ctrl_c_is_heard_between_rounds():
    class Impatient(Silent):
        def advance(self, n_done: int, n_total: int | None, note: str = "") -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(some_samples(), progress=Impatient())


def test_the_last_fit_alone_goes_into_the_file():
    tables = fit(some_samples())
    full = taste_from_arrays(taste_to_arrays(tables.full()))
    assert full.mean.shape == (1, 2)
    np.testing.assert_array_equal(full.latent[0], tables.latent[-1])
    np.testing.assert_array_equal(full.content, tables.content)
