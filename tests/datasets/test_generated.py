import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from edgerec.datasets import GeneratedInteractions, make_interactions, write_generated_database
from edgerec.errors import ConfigurationError

FloatArray = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def made() -> GeneratedInteractions:
    return make_interactions()


def auc(scores: FloatArray, labels: npt.NDArray[np.bool_]) -> float:
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    n_positive = int(labels.sum())
    n_pairs = n_positive * (len(labels) - n_positive)
    return float((rank[labels].sum() - n_positive * (n_positive + 1) / 2) / n_pairs)


def test_shapes_types_and_ranges(made: GeneratedInteractions) -> None:
    for name in ("user_ids", "item_ids", "timestamps"):
        assert getattr(made, name).dtype == np.int64
        assert getattr(made, name).shape == (60_000,)
    assert set(made.values.tolist()) == {half / 2 for half in range(1, 11)}
    assert (np.diff(made.timestamps) >= 0).all()
    assert len(made.catalogue_ids) == len(made.titles) == len(made.genres) == 1000
    assert set(made.user_ids.tolist()) == set(range(1, 601))
    assert set(made.item_ids.tolist()) <= set(made.catalogue_ids.tolist())
    assert all(1 <= len(genres.split("|")) <= 3 for genres in made.genres)


def test_no_pair_occurs_twice(made: GeneratedInteractions) -> None:
    pairs = np.stack([made.user_ids, made.item_ids])
    assert np.unique(pairs, axis=1).shape == pairs.shape


@pytest.mark.parametrize("random_state", range(5))
def test_the_ids_that_the_demo_asks_for_exist(random_state: int) -> None:
    made = make_interactions(random_state=random_state)
    assert np.sum(made.user_ids == 108) >= 20
    assert {1, 2, 39} <= set(made.catalogue_ids.tolist())
    assert made.catalogue_ids.max() > len(made.catalogue_ids)


@pytest.mark.parametrize("random_state", range(3))
def test_a_model_that_knows_tastes_beats_one_that_knows_means(random_state: int) -> None:
    made = make_interactions(random_state=random_state)
    item = np.searchsorted(made.catalogue_ids, made.item_ids)
    user = made.user_ids - 1
    test = np.random.default_rng(1).random(len(user)) < 0.2
    train = ~test
    residual = made.values - made.values[train].mean()
    item_sum = np.bincount(item[train], residual[train], 1000)
    item_mean = item_sum / (np.bincount(item[train], minlength=1000) + 3)
    residual = residual - item_mean[item]
    user_sum = np.bincount(user[train], residual[train], 600)
    user_mean = user_sum / (np.bincount(user[train], minlength=600) + 3)
    liked = made.values > 3.5
    assert 0.45 < liked.mean() < 0.58
    means = auc((user_mean[user] + item_mean[item])[test], liked[test])
    best = auc(made.expected_values[test], liked[test])
    assert 0.74 < means < 0.80
    assert 0.85 < best < 0.89


def test_popularity_has_a_long_tail(made: GeneratedInteractions) -> None:
    counts = np.sort(np.bincount(np.searchsorted(made.catalogue_ids, made.item_ids)))[::-1]
    assert counts[:100].sum() > 2 * counts[-500:].sum()
    assert (counts > 0).sum() > 900


def test_what_a_user_does_is_more_to_his_taste_than_chance() -> None:
    made = make_interactions(300, 400, 9000, random_state=2)
    centred = made.expected_values - made.expected_values.mean()
    assert made.expected_values.mean() > 3.3 + 0.1
    assert centred.std() > 0.5


def test_other_sizes_and_seeds_give_other_data() -> None:
    one = make_interactions(50, 80, 1000)
    other = make_interactions(50, 80, 1000, random_state=1)
    assert len(one.values) == len(other.values) == 1000
    assert not np.array_equal(one.item_ids, other.item_ids)
    assert len(make_interactions(50, 80, 2000).values) == 2000
    assert len(make_interactions(7, 2, 7, n_taste=0).values) == 7


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        ((10, 10, 51), "n_interactions must be between 10 (one for each of n_users) and 50"),
        ((10, 10, 9), "n_interactions must be between 10"),
        ((0, 10, 5), "expected n_users of at least 1, n_items of at least 2"),
    ],
)
def test_sizes_that_do_not_fit(sizes: tuple[int, int, int], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make_interactions(*sizes)
    assert sentence in str(raised.value)


def test_the_same_seed_gives_the_same_file_in_every_process(tmp_path: Path) -> None:
    program = (
        "import sys; from edgerec.datasets import *; "
        "write_generated_database(sys.argv[1], make_interactions(60, 90, 2000))"
    )
    hashes = set()
    for hash_seed in ("1", "2"):
        file = tmp_path / f"{hash_seed}.db"
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        root = Path(__file__).parents[2]
        command = [sys.executable, "-c", program, str(file)]
        subprocess.run(command, check=True, env=environment, cwd=root)
        hashes.add(hashlib.sha256(file.read_bytes()).hexdigest())
    write_generated_database(tmp_path / "3.db", make_interactions(60, 90, 2000))
    hashes.add(hashlib.sha256((tmp_path / "3.db").read_bytes()).hexdigest())
    assert len(hashes) == 1
