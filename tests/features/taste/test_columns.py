import numpy as np
import pytest
from numpy.typing import NDArray

from edgerec.features.taste.columns import COLUMNS, column_names, part_mask, taste_columns, tastes
from edgerec.features.taste.lookup import candidate_inputs, taste_inputs
from edgerec.features.taste.tables import Array, TasteTables
from tests.features.taste.some import random_tables

N_FITS = 3
FIT = np.array([2, 0, 1, 2])
HISTORY = np.array([[4, 9, 2, 7], [3, 0, 0, 0], [0, 0, 0, 0], [8, 1, 5, 0]])
STATED = np.float32([[1, 1, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 0]])
CANDIDATES = np.array([[1, 0], [4, 4], [30, 2], [6, 8]])


def signals(seed: int = 1) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    value = random.uniform(1, 5, HISTORY.shape).astype(np.float32) * STATED
    return {"value": value, "liked": (value > 3).astype(np.float32)}


def columns(
    tables: TasteTables,
    history: NDArray[np.int64] = HISTORY,
    stated: Array = STATED,
    given: dict[str, Array] | None = None,
) -> dict[str, Array]:
    known = {"value": stated, "liked": stated}
    taste = tastes(taste_inputs(tables, FIT, history, known, given or signals()))
    candidates = candidate_inputs(tables, FIT, CANDIDATES)
    result = taste_columns(taste, candidates, part_mask(tables))
    return dict(zip(column_names(tables), np.moveaxis(result, 2, 0), strict=True))


def slow_taste(
    tables: TasteTables, request: int, signal: int, factors: list[float]
) -> NDArray[np.float64]:
    """The posterior mean in plain loops over one history, newest first."""
    fit, name = FIT[request], tables.signals[signal]
    root = tables.root[fit, signal].astype(np.float64)
    precision = np.linalg.inv(root @ root.T)
    size, n_latent = len(root), tables.latent.shape[-1]
    target = np.zeros(size)
    for slot, item in enumerate(HISTORY[request]):
        if not STATED[request, slot]:
            continue
        direction = slow_direction(tables, fit, signal, item)
        uncertain = tables.latent_variance[fit, signal, item]
        noise = tables.noise[fit, signal] + tables.intercept_variance[fit, signal, item]
        rest = signals()[name][request, slot] - tables.mean[fit, signal]
        rest -= tables.intercept[fit, signal, item]
        weight = factors[slot] / noise
        precision += weight * np.outer(direction, direction)
        precision += weight * np.diag(np.r_[np.zeros(size - n_latent), uncertain])
        target += weight * rest * direction
    return np.linalg.solve(precision, target)


def slow_direction(tables: TasteTables, fit: int, signal: int, item: int) -> NDArray[np.float64]:
    return np.r_[
        1, tables.content[item], tables.popularity[fit, item], tables.latent[fit, signal, item]
    ].astype(np.float64)


@pytest.mark.parametrize("n_latent", [0, 2])
@pytest.mark.parametrize("n_content", [0, 3])
@pytest.mark.parametrize("n_signals", [1, 2])
def test_columns_are_those_of_a_ridge_regression_in_plain_loops(
    n_signals: int, n_content: int, n_latent: int
) -> None:
    tables = random_tables(
        n_fits=N_FITS, n_signals=n_signals, n_content=n_content, n_latent=n_latent
    )
    came = columns(tables)
    assert len(came) == n_signals * len(COLUMNS)
    for request, fit in enumerate(FIT):
        for signal, name in enumerate(tables.signals):
            taste = slow_taste(tables, request, signal, [1, 1, 1, 1])
            recent = slow_taste(tables, request, signal, [1, 25 / 26, 25 / 27, 25 / 28])
            for position, item in enumerate(CANDIDATES[request]):
                direction = slow_direction(tables, fit, signal, item)
                level = tables.mean[fit, signal] + tables.intercept[fit, signal, item]
                expected = {
                    "expected": level + direction @ taste,
                    "recently_expected": level + direction @ recent,
                    "of_item": level,
                    "spread_of_item": np.sqrt(tables.intercept_variance[fit, signal, item]),
                }
                for part, own in tables.parts.items():
                    expected[part] = direction[own] @ taste[own]
                for column, number in expected.items():
                    assert came[f"taste_{name}_{column}"][request, position] == pytest.approx(
                        number, rel=1e-4, abs=1e-4
                    ), column


def test_a_new_user_stands_at_the_prior():
    tables = random_tables(n_fits=N_FITS)
    came = columns(tables)
    for signal in tables.signals:
        for part in tables.parts:
            assert came[f"taste_{signal}_{part}"][2].tolist() == [0, 0]
        of_item = came[f"taste_{signal}_of_item"][2]
        np.testing.assert_array_equal(came[f"taste_{signal}_expected"][2], of_item)


def test_what_is_not_stated_says_nothing():
    tables = random_tables(n_fits=N_FITS)
    history = np.where(STATED == 1, HISTORY, 0)
    for name, column in columns(tables).items():
        np.testing.assert_array_equal(column, columns(tables, history)[name])


def test_tastes_follow_what_is_stated():
    tables = random_tables(n_fits=N_FITS)
    high = {name: np.full_like(STATED, 5) for name in tables.signals}
    low = {name: np.full_like(STATED, 1) for name in tables.signals}
    above, below = columns(tables, given=high), columns(tables, given=low)
    # The history's own item, asked about again: request 1 knows nothing but item 3.
    known = {"value": STATED, "liked": STATED}
    for given, other in ((high, above), (low, below)):
        assert other["taste_value_expected"].shape == CANDIDATES.shape
        taste = tastes(taste_inputs(tables, FIT, HISTORY, known, given))
        newest = candidate_inputs(tables, FIT, HISTORY[:, :1])
        expected = taste_columns(taste, newest, part_mask(tables))[1, 0, 0]
        level = tables.level[FIT[1], 0, 3]
        assert abs(given["value"][0, 0] - expected) < abs(given["value"][0, 0] - level)


def test_names_tell_signals_and_columns():
    assert column_names(random_tables(n_signals=1)) == [f"taste_liked_{one}" for one in COLUMNS]
    assert column_names(random_tables())[0] == "taste_value_expected"
