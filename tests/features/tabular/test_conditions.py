from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from edgerec.errors import ConfigurationError
from edgerec.features.tabular.conditions import Condition, When, holds
from edgerec.features.tabular.transform import Transform
from tests.features.tabular.examples import column, sentence


@parametrize_with_checks([When(), When("<=", 0.5, then=2, otherwise=-2)])
def test_is_a_transformer_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


NUMBERS = [1, 2.0, Decimal(3), "2", True, "many", None]
TEXTS = ["a", "b", "B", 7, None]
DATES = [date(2020, 1, 1), datetime(2020, 1, 2, 5, tzinfo=UTC), "2020-01-01T00:00:00", "?", None]


@pytest.mark.parametrize(
    ("values", "operator", "value", "expected"),
    [
        (NUMBERS, "==", 2, "0101000"),
        (NUMBERS, "!=", 2, "1010110"),
        (NUMBERS, "<", 2, "1000100"),
        (NUMBERS, "<=", 2, "1101100"),
        (NUMBERS, ">", 2, "0010000"),
        (NUMBERS, ">=", 2.0, "0111000"),
        (NUMBERS, "in", [1, 3], "1010100"),
        (NUMBERS, "==", True, "1000100"),
        (NUMBERS, "is_null", None, "0000001"),
        (TEXTS, "==", "b", "01000"),
        (TEXTS, "!=", "b", "10110"),
        (TEXTS, "<", "b", "10110"),
        (TEXTS, "in", ("a", "7"), "10010"),
        (DATES, "==", date(2020, 1, 1), "10100"),
        (DATES, "==", "2020-01-01", "10100"),
        (DATES, ">", date(2020, 1, 1), "01010"),
        (DATES, "<", "2020-01-02", "10100"),
        (DATES, "in", [date(2020, 1, 1)], "10100"),
        ([], "in", [1], ""),
        ([], "==", "a", ""),
    ],
)
def test_operators(values: list[Any], operator: Any, value: Any, expected: str) -> None:
    met = holds(values, operator, value)
    assert met.dtype == bool
    assert "".join(str(int(one)) for one in met) == expected


def test_then_or_otherwise() -> None:
    assert column(When(">=", 2, then=5, otherwise=-1), [], [1, 2, None]) == [-1, 5, -1]
    assert column(When(), [], [1, None, float("nan")]) == [0, 1, 1]
    assert column(When("in", ["a"]), ["b"], ["a", "never seen"]) == [1, 0]


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        (
            When("=", 1),  # type: ignore[arg-type]
            (
                "Option operator of feature kind 'when' must be one of '==', '!=', '<', '<=', '>', "
                "'>=', 'in', 'is_null', but is '='. Its default is 'is_null'."
            ),
        ),
        (
            When("in", "abc"),
            (
                "The value of feature kind 'when' must be a list of numbers, texts or dates, but "
                "is 'abc'."
            ),
        ),
        (
            When("<"),
            "The value of feature kind 'when' must be a number, a text or a date, but is None.",
        ),
        (
            When(value=3),
            "The value of feature kind 'when' must be None, since is_null takes none, but is 3.",
        ),
    ],
)
def test_a_wrong_option_is_named(transform: Transform, expected: str) -> None:
    assert sentence(transform) == expected


def test_a_wrong_condition_is_named() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Condition("price", "is null")  # type: ignore[arg-type]
    assert str(caught.value) == (
        "The operator of the condition on column 'price' must be one of ==, !=, <, <=, >, >=, in, "
        "is_null, but is 'is null'. Did you mean 'is_null'?"
    )
