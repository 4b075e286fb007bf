from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from edgerec.errors import SampleError
from edgerec.features import tables as tables_module
from edgerec.features.tables import content_directions, item_table, user_table
from edgerec.ids import id_array
from edgerec.recsys import Id
from tests.toy import Listed

IDS = id_array([10, 20, 30], "int64")
UNEQUAL = "but for the first item there were 2. Return the same number for each item."


class WithFeatures(Listed):
    """Offers the features that it is given, for users and items alike."""

    def __init__(self, feature: Callable[[Id], Any]) -> None:
        super().__init__([])
        self.feature = feature

    def get_user_feature(self, user_id: Id) -> Any:
        return self.feature(user_id)

    def get_item_feature(self, item_id: Id) -> Any:
        return self.feature(item_id)


class InBatches(WithFeatures):
    """Offers features many rows at a time, and refuses to be asked one by one."""

    def __init__(self, batch: Callable[[Sequence[Id]], Any]) -> None:
        super().__init__(lambda id_: pytest.fail("asked for one"))
        self.batch = batch

    def get_user_features(self, user_ids: Sequence[Id]) -> Any:
        return self.batch(user_ids)

    def get_item_features(self, item_ids: Sequence[Id]) -> Any:
        return self.batch(item_ids)


def sentence(rec_sys: WithFeatures) -> str:
    with pytest.raises(SampleError) as caught:
        item_table(rec_sys, IDS)
    return str(caught.value)


def except_for_20(odd: Any) -> WithFeatures:
    return WithFeatures(lambda id_: odd if id_ == 20 else [1.0, 2.0])


def test_row_0_is_the_mean_of_the_others():
    table = item_table(WithFeatures(lambda id_: [float(id_), 1.0]), IDS)
    assert table.dtype == np.float32
    assert table.tolist() == [[20, 1], [10, 1], [20, 1], [30, 1]]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 4])
def test_each_id_is_asked_for_once_in_order(
    batch_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables_module, "_BATCH", batch_size)
    asked: list[Id] = []

    def batch(ids: Sequence[Id]) -> list[list[float]]:
        asked.extend(ids)
        assert len(ids) <= batch_size
        return [[float(id_)] for id_ in ids]

    for make in (user_table, item_table):
        asked.clear()
        assert make(InBatches(batch), IDS).tolist() == [[20], [10], [20], [30]]
        assert asked == [10, 20, 30]


def test_ids_come_back_as_python_gave_them():
    kinds: set[type] = set()

    def feature(id_: Id) -> list[float]:
        kinds.add(type(id_))
        return []

    item_table(WithFeatures(feature), IDS)
    assert kinds == {int}
    user_table(WithFeatures(feature), id_array(["a"], "string"))
    assert kinds == {int, str}


def test_a_batch_may_be_an_array():
    table = item_table(InBatches(lambda ids: np.ones((len(ids), 2), np.int8)), IDS)
    assert table.tolist() == [[1, 1]] * 4


def test_width_0_is_fine():
    assert item_table(WithFeatures(lambda id_: []), IDS).shape == (4, 0)


@pytest.mark.parametrize(("odd", "length"), [([1.0], 1), ([1.0, 2.0, 3.0], 3), ([], 0)])
def test_features_of_unequal_width(odd: list[float], length: int) -> None:
    assert sentence(except_for_20(odd)) == (
        f"get_item_feature(20) returned {length} numbers, {UNEQUAL}"
    )


def test_features_of_unequal_width_in_another_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables_module, "_BATCH", 1)
    assert sentence(except_for_20([])) == f"get_item_feature(20) returned 0 numbers, {UNEQUAL}"


def test_user_features_of_unequal_width():
    rec_sys = WithFeatures(lambda id_: [1.0] * len(str(id_)))
    with pytest.raises(SampleError) as caught:
        user_table(rec_sys, id_array(["a", "bc"], "string"))
    assert str(caught.value) == (
        "get_user_feature('bc') returned 2 numbers, but for the first user there were 1. "
        "Return the same number for each user."
    )


@pytest.mark.parametrize(
    ("odd", "shown"),
    [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf"), (1e39, "1e+39"), (None, "nan")],
)
def test_features_that_are_not_finite(odd: Any, shown: str) -> None:
    assert sentence(except_for_20([0.0, odd])) == (
        f"get_item_feature(20) returned {shown} as feature 1; each must be a finite float32. "
        "Replace missing values, for example by the column's mean."
    )


@pytest.mark.parametrize("odd", [["Comedy", 1.0], ["1", "2"], [[1.0], 2.0], [[1.0], [2.0]]])
def test_features_that_are_no_numbers(odd: Any) -> None:
    assert sentence(except_for_20(odd)) == (
        f"get_item_feature(20) returned {odd!r}, which are not all numbers. "
        "Encode categories as numbers, for example one column per category."
    )


@pytest.mark.parametrize("odd", [None, 3.0, "ab", b"ab", {1.0: 2.0, 3.0: 4.0}, {1.0, 2.0}])
@pytest.mark.parametrize("position", [10, 20])
def test_features_that_are_no_list(odd: Any, position: int) -> None:
    rec_sys = WithFeatures(lambda id_: odd if id_ == position else [1.0, 2.0])
    assert sentence(rec_sys) == (
        f"get_item_feature({position}) returned {odd!r}; expected a list of numbers. "
        "Return a list, [] where there are no features."
    )


def test_a_batch_names_its_method_and_the_item():
    rows: dict[Id, Any] = {10: [1.0], 20: None, 30: [1.0]}
    assert sentence(InBatches(lambda ids: [rows[id_] for id_ in ids])).startswith(
        "get_item_features returned for item 20 None; expected a list of numbers."
    )
    rows[20] = [np.nan]
    assert sentence(InBatches(lambda ids: [rows[id_] for id_ in ids])).startswith(
        "get_item_features returned for item 20 nan as feature 0; each must be"
    )


@pytest.mark.parametrize("odd", [None, 3.0, "abc", {10: [1.0], 20: [1.0], 30: [1.0]}])
def test_a_batch_that_is_no_list_of_lists(odd: Any) -> None:
    assert sentence(InBatches(lambda ids: odd)) == (
        f"get_item_features returned {odd!r}; expected one list of numbers per id. "
        "Return a list of lists, in the order of the ids."
    )


@pytest.mark.parametrize("n_rows", [0, 2, 4])
def test_a_batch_with_another_number_of_rows(n_rows: int) -> None:
    assert sentence(InBatches(lambda ids: [[1.0]] * n_rows)) == (
        f"get_item_features was asked for 3 ids and returned {n_rows} rows; "
        "it must return one row per id, in the order of the ids."
    )


def test_content_directions_are_standardised_unit_rows():
    features = np.random.default_rng(0).normal(5, [3, 1e-2], (7, 2)).astype(np.float32)
    directions = content_directions(features)
    assert directions.dtype == np.float32
    assert directions[0].tolist() == [0, 0]
    standard = (features[1:] - features[1:].mean(0)) / features[1:].std(0)
    expected = standard / np.linalg.norm(standard, axis=1, keepdims=True)
    np.testing.assert_allclose(directions[1:], expected, rtol=1e-3, atol=1e-3)


def test_constant_columns_have_no_direction():
    assert not content_directions(np.full((4, 2), 7, np.float32)).any()
    assert content_directions(np.zeros((1, 3), np.float32)).shape == (1, 3)
    assert content_directions(np.zeros((4, 0), np.float32)).shape == (4, 0)
