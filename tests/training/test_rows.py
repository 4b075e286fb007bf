import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgerec.training import rows as rows_module
from edgerec.training.rows import CLIP, TrainingRows, standardise

Array = NDArray[np.float32]
N_ROWS, WIDTH = 200, 3


def some_rows() -> tuple[Array, Array]:
    random = np.random.default_rng(0)
    features = random.normal([2000, 0, -5], [15, 1e-3, 1], (N_ROWS, WIDTH)).astype(np.float32)
    # The label numbers the rows, so that each can be found again.
    return features, np.arange(N_ROWS, dtype=np.float32)


def written(folder: Path, features: Array, label: Array, n_rows: int = N_ROWS) -> TrainingRows:
    rows = TrainingRows(folder, n_rows, features.shape[1], random_state=0)
    for start in range(0, len(label), 17):
        rows.add(features[start : start + 17], label[start : start + 17])
    rows.finish()
    return rows


def epoch(rows: TrainingRows, number: int, chunk_rows: int = 32) -> tuple[Array, Array]:
    parts = list(rows.epoch(np.random.default_rng(number), chunk_rows))
    assert all(0 < len(label) <= chunk_rows for _, label, _ in parts)
    features, label, weight = zip(*parts, strict=True)
    assert set(weight) == {None}
    return np.concatenate(features), np.concatenate(label)


@pytest.mark.parametrize("bin_bytes", [64 * 2**20, 500, 16])
def test_an_epoch_is_a_full_permutation_of_standardised_rows(
    bin_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows_module, "_BIN_BYTES", bin_bytes)
    features, label = some_rows()
    rows = written(tmp_path, features, label)
    assert len(list(tmp_path.iterdir())) == -(-N_ROWS * (WIDTH + 1) * 4 // bin_bytes)
    orders = []
    for number in range(3):
        seen, order = epoch(rows, number)
        assert seen.dtype == order.dtype == np.float32
        assert sorted(order.tolist()) == label.tolist()
        expected = standardise(features, rows.mean, rows.inverse_spread)
        np.testing.assert_array_equal(seen, expected[order.astype(int)])
        orders.append(order.tolist())
    assert orders[0] != orders[1] != orders[2]
    assert all(order != label.tolist() for order in orders)


def test_the_same_seed_gives_the_same_order(tmp_path: Path) -> None:
    rows = written(tmp_path, *some_rows())
    (first, order), (again, same) = epoch(rows, 7), epoch(rows, 7)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(order, same)


def test_neighbours_of_the_stream_are_far_apart_in_an_epoch(tmp_path: Path) -> None:
    _, order = epoch(written(tmp_path, *some_rows()), 0)
    assert np.abs(np.diff(order)).mean() > N_ROWS / 5


def test_bins_come_in_another_order_each_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows_module, "_BIN_BYTES", 500)
    rows = written(tmp_path, *some_rows())
    first = {
        frozenset(next(rows.epoch(np.random.default_rng(number), N_ROWS))[1].tolist())
        for number in range(10)
    }
    assert 1 < len(first) <= 7


def test_mean_and_spread_are_those_of_the_rows(tmp_path: Path) -> None:
    features, label = some_rows()
    rows = written(tmp_path, features, label)
    exact = features.astype(np.float64)
    np.testing.assert_allclose(rows.mean, exact.mean(axis=0), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(rows.inverse_spread, 1 / exact.std(axis=0), rtol=1e-5)
    seen, _ = epoch(rows, 0)
    inside = np.abs(seen).max(axis=0) < CLIP
    np.testing.assert_allclose(seen.mean(axis=0)[inside], 0, atol=1e-4)
    np.testing.assert_allclose(seen.std(axis=0)[inside], 1, rtol=1e-3)


@pytest.mark.parametrize("constant", [0.0, 7.0, 1e30, np.float32(0.1)])
def test_a_constant_column_becomes_0(constant: float, tmp_path: Path) -> None:
    features, label = some_rows()
    features[:, 1] = constant
    rows = written(tmp_path, features, label)
    assert rows.inverse_spread[1] == 0
    assert not epoch(rows, 0)[0][:, 1].any()


def test_standardised_rows_are_cut():
    standard = standardise(np.float32([[-1e9, 0, 1e9]]), np.zeros(3, np.float32), np.float32(1))
    assert standard.dtype == np.float32
    assert standard.tolist() == [[-4, 0, 4]]


def test_empty_blocks_and_a_wrong_guess_of_the_number_do_no_harm(tmp_path: Path) -> None:
    features, label = some_rows()
    rows = TrainingRows(tmp_path, 1, WIDTH, random_state=0)
    rows.add(features[:0], label[:0])
    rows.add(features, label)
    rows.add(features[:0], label[:0])
    rows.finish()
    assert rows.n_rows == N_ROWS
    assert sorted(epoch(rows, 0)[1].tolist()) == label.tolist()


@pytest.mark.parametrize("bin_bytes", [64 * 2**20, 500])
def test_weights_stay_with_their_rows_and_have_the_mean_1(
    bin_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows_module, "_BIN_BYTES", bin_bytes)
    features, label = some_rows()
    rows = TrainingRows(tmp_path, N_ROWS, WIDTH, random_state=0)
    rows.add(features, label, 3 * label)
    rows.finish()
    (tmp_path / "other").mkdir()
    unweighted = written(tmp_path / "other", features, label)
    np.testing.assert_array_equal(rows.mean, unweighted.mean)
    for number in range(2):
        weights, order = [], []
        for _, some, weight in rows.epoch(np.random.default_rng(number), 32):
            assert weight is not None
            assert weight.dtype == np.float32
            order.append(some)
            weights.append(weight)
        expected = np.concatenate(order) / label.mean()
        # What weighs nothing keeps next to nothing, so that no batch weighs nothing.
        np.testing.assert_allclose(np.concatenate(weights), expected, rtol=1e-5, atol=2e-6)
        assert min(weight.min() for weight in weights) == np.float32(1e-6)


@pytest.mark.parametrize("largest", [1e-38, 1e38])
def test_weights_of_any_size_are_brought_about_1(largest: float, tmp_path: Path) -> None:
    features, label = some_rows()
    with TrainingRows(tmp_path, N_ROWS, WIDTH, random_state=0) as rows:
        weight = (label / N_ROWS * np.float32(largest)).astype(np.float32)
        rows.add(features, label, weight)
        rows.finish()
    for _, order, weight in rows.epoch(np.random.default_rng(0), 32):
        np.testing.assert_allclose(weight, order / label.mean(), rtol=1e-3, atol=2e-6)


@pytest.mark.parametrize("same", [0.0, 0.3, 1.0, 7.0])
def test_weights_that_are_all_the_same_are_none(same: float, tmp_path: Path) -> None:
    features, label = some_rows()
    rows = TrainingRows(tmp_path, N_ROWS, WIDTH, random_state=0)
    rows.add(features, label, np.full(N_ROWS, same, np.float32))
    rows.finish()
    _, order = epoch(rows, 5)
    np.testing.assert_array_equal(order, epoch(written(tmp_path, features, label), 5)[1])


def test_a_bin_stands_in_memory_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    n_rows, width = 40_000, 9
    bin_bytes = n_rows * (width + 1) * 4 // 4
    monkeypatch.setattr(rows_module, "_BIN_BYTES", bin_bytes)
    monkeypatch.setattr(rows_module, "_ROWS", 256)
    rows = TrainingRows(tmp_path, n_rows, width, random_state=0)
    rows.add(np.ones((n_rows, width), np.float32), np.ones(n_rows, np.float32))
    rows.finish()
    tracemalloc.start()
    for _ in rows.epoch(np.random.default_rng(0), 256):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Bins are filled at random and so not quite evenly; the order of a bin's rows adds a fifth.
    assert peak < 1.5 * bin_bytes


def test_files_are_closed_where_writing_fails(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), TrainingRows(tmp_path, 10, WIDTH, 0):
        raise KeyboardInterrupt
    # An open file would be reported as a ResourceWarning, which is an error here.


def test_a_part_that_hardly_varies_is_not_blown_up(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(1000, 4)).astype(np.float32) * np.float32([1, 1e-4, 1e-4, 0])
    with TrainingRows(tmp_path, 1000, 4, 0) as rows:
        rows.add(features, np.zeros(1000, np.float32))
        rows.finish([[0, 1, 3]])
    assert rows.inverse_spread[[0, 2]] == pytest.approx([1, 1e4], rel=0.1)
    assert rows.inverse_spread[1] == pytest.approx(10, rel=0.1)
    assert rows.inverse_spread[3] == 0
