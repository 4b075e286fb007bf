from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from edgerec.features.tabular.extract import Extract
from edgerec.features.tabular.transform import Transform
from tests.features.tabular.examples import column, sentence

YEAR = r"\((\d{4})\)\s*$"
SIZE = r"(?P<amount>[\d.]+)\s*(?P<unit>kg|g)"


@parametrize_with_checks([Extract(r"(\d)"), Extract(r"(\d)", output="category")])
def test_is_a_transformer_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


def test_a_number_in_a_text() -> None:
    titles = ["Heat (1995)", "2001 (1968) ", "Solaris", None]
    assert column(Extract(YEAR), titles, titles) == [1995, 1968, 1981.5, 1981.5]
    filled = Extract(YEAR, fill_value=0, add_indicator=True)
    assert column(filled, titles, titles[1:3]) == [[1968, 0], [0, 1]]
    assert filled.get_feature_names_out(["title"]).tolist() == ["title", "title_missing"]
    assert column(Extract(SIZE, group="amount"), [], ["1.5 kg", "1.2.3 g", "2g"]) == [1.5, 0, 2]


def test_a_category_in_a_text() -> None:
    sizes = ["1 kg", "500 g", "20 g", "big", None]
    unit = Extract(SIZE, group="unit", output="category")
    assert column(unit, sizes, sizes) == [[0, 1], [1, 0], [1, 0], [0, 0], [0, 0]]
    assert unit.get_feature_names_out(["size"]).tolist() == ["size_g", "size_kg"]
    rare = Extract(SIZE, group=2, output="category", min_frequency=2, add_indicator=True)
    assert column(rare, sizes, sizes) == [[0, 1, 0], [1, 0, 0], [1, 0, 0], [0, 0, 1], [0, 0, 1]]
    whole = Extract("B|D", group=0, output="category")
    assert column(whole, ["B1", "xD"], ["D", "C", "E"]) == [[0, 1], [0, 0], [0, 0]]


@pytest.mark.parametrize("fitted", [[], [None], ["none"]], ids=str)
def test_without_a_match(fitted: list[Any]) -> None:
    assert column(Extract(YEAR), fitted, ["A (1990)", None]) == [1990, 0]
    assert column(Extract(YEAR, output="category"), fitted, ["A (1990)"]) == [[]]


def test_a_single_row_and_a_constant_column() -> None:
    for fitted in (["A (1990)"], ["A (1990)", "B (1990)"]):
        assert column(Extract(YEAR), fitted, ["C (1991)", None]) == [1991, 1990]
        assert column(Extract(YEAR, output="category"), fitted, ["C (1991)", "(1990)"]) == [0, 1]


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        (
            Extract(),
            (
                "Option pattern of feature kind 'extract' must be a regular expression, but is "
                "None. It must be given."
            ),
        ),
        (
            Extract(r"\d+"),
            (
                "Option group of feature kind 'extract' must be one of the 0 groups of '\\\\d+', "
                "but is 1. Put what is wanted in parentheses, or take group 0."
            ),
        ),
        (
            Extract(YEAR, output="text"),
            (
                "Option output of feature kind 'extract' must be one of 'number', 'category', but "
                "is 'text'. Its default is 'number'."
            ),
        ),
    ],
)
def test_a_wrong_option_is_named(transform: Transform, expected: str) -> None:
    assert sentence(transform) == expected
