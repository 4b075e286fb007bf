import math
from typing import Any

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from edgerec.columns import ColumnStatistics
from edgerec.errors import ConfigurationError
from edgerec.features.tabular.scaling import Identity, MaxAbs, MinMax, Robust, Standard
from edgerec.features.tabular.transform import Transform
from tests.features.tabular.examples import column, sentence, some_numbers

PAIRS = [
    (MinMax(), MinMaxScaler()),
    (MinMax(feature_range=(-1, 3)), MinMaxScaler(feature_range=(-1, 3))),
    (MinMax(clip=True), MinMaxScaler(clip=True)),
    (Standard(), StandardScaler()),
    (Standard(with_mean=False), StandardScaler(with_mean=False)),
    (Standard(with_std=False), StandardScaler(with_std=False)),
    (MaxAbs(), MaxAbsScaler()),
    (Robust(), RobustScaler()),
    (Robust(quantile_range=(10.0, 80.0)), RobustScaler(quantile_range=(10.0, 80.0))),
    (Robust(with_centering=False), RobustScaler(with_centering=False)),
    (Robust(with_scaling=False), RobustScaler(with_scaling=False)),
]
KINDS: list[Transform] = [Identity(), MinMax(), Standard(), MaxAbs(), Robust()]


@parametrize_with_checks(KINDS)
def test_is_a_transformer_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=lambda one: str(one))
def test_equals_scikit_learn(ours: Transform, theirs: Any) -> None:
    table, other = some_numbers(), some_numbers() * 3 - 1
    table[:, 1] += 1e6
    ours.fit(table)
    theirs.fit(table)
    for asked in (table, other):
        np.testing.assert_allclose(ours.transform(asked), theirs.transform(asked), rtol=1e-6)
    assert ours.get_feature_names_out(["a", "b", "c"]).tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("ours", "theirs", "filled"),
    [
        (Identity(), SimpleImputer(), "mean"),
        (MinMax(), MinMaxScaler(), "mean"),
        (Standard(), StandardScaler(), "mean"),
        (MaxAbs(), MaxAbsScaler(), "mean"),
        (Robust(), RobustScaler(), "median"),
    ],
    ids=lambda one: str(one),
)
def test_missing_is_imputed_after_the_scale_is_fitted(
    ours: Transform, theirs: Any, filled: str
) -> None:
    table = some_numbers()
    table[::3, 0] = np.nan
    table[1::7, 2] = np.nan
    whole = SimpleImputer(strategy=filled).fit_transform(table)
    expected = theirs.fit(table).transform(whole)
    np.testing.assert_allclose(ours.fit(table).transform(table), expected, rtol=1e-5, atol=1e-6)


def test_the_identity_keeps_the_number() -> None:
    assert column(Identity(), [1, None, 3], [True, 2.5, None, "x"]) == [1, 2.5, 2, 2]


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        (Identity(), [2, 7, 2]),
        (MinMax(), [0, 5, 0]),
        (Standard(), [0, 5, 0]),
        (MaxAbs(), [1, 3.5, 1]),
        (Robust(), [0, 5, 0]),
    ],
    ids=lambda one: str(one),
)
@pytest.mark.parametrize("fitted", [[2], [2, 2, 2], [2, None, 2]])
def test_a_constant_column_is_divided_by_1(
    transform: Transform, expected: list[float], fitted: list[Any]
) -> None:
    assert column(transform, fitted, [2, 7, None]) == expected


@pytest.mark.parametrize("transform", KINDS, ids=str)
@pytest.mark.parametrize("fitted", [[], [None, None], [math.nan]], ids=str)
def test_a_column_without_values_is_as_if_all_were_0(transform: Transform, fitted: Any) -> None:
    assert column(transform, fitted, [3, None]) == [3, 0]
    assert column(transform, fitted, []) == []


@pytest.mark.parametrize("transform", KINDS, ids=str)
def test_the_unbounded_is_missing_and_the_large_is_cut(transform: Transform) -> None:
    given = transform.fit_columns([[[1, 3]]]).transform_columns(
        [[math.inf, -math.inf, 10**300, -1e300, None]]
    )
    assert np.isfinite(given).all()
    assert given[0] == given[1] == given[4]


def test_missing_can_be_another_number_and_be_marked() -> None:
    transform = Standard(fill_value=5, add_indicator=True)
    assert column(transform, [1, 3, None], [1, None]) == [[-1, 0], [3, 1]]
    assert transform.get_feature_names_out(["price"]).tolist() == ["price", "price_missing"]


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        (
            MinMax(feature_range=(1, 0)),
            (
                "Option feature_range of feature kind 'min_max' must be two rising numbers, but is "
                "(1, 0). Its default is (0, 1)."
            ),
        ),
        (
            Robust(quantile_range=(25, 101)),
            (
                "Option quantile_range of feature kind 'robust' must be two rising numbers from 0 "
                "to 100, but is (25, 101). Its default is (25.0, 75.0)."
            ),
        ),
        (
            Standard(with_mean=1),  # type: ignore[arg-type]
            (
                "Option with_mean of feature kind 'standard' must be true or false, but is 1. Its "
                "default is True."
            ),
        ),
        (
            Identity(fill_value="mean"),  # type: ignore[arg-type]
            (
                "Option fill_value of feature kind 'identity' must be a number or None, but is "
                "'mean'. Its default is None."
            ),
        ),
        (
            MaxAbs(add_indicator=None),  # type: ignore[arg-type]
            (
                "Option add_indicator of feature kind 'max_abs' must be true or false, but is "
                "None. Its default is False."
            ),
        ),
    ],
)
def test_a_wrong_option_is_named(transform: Transform, expected: str) -> None:
    assert sentence(transform) == expected


def test_statistics_without_what_is_needed_are_refused() -> None:
    with pytest.raises(ConfigurationError) as caught:
        MinMax.from_statistics([ColumnStatistics(3, maximum=1.0, mean=0.5)])
    assert str(caught.value) == (
        "Feature kind 'min_max' needs the minimum of its column, but the statistics hold none. "
        "Ask needs() which to compute."
    )
    with pytest.raises(ConfigurationError, match="'robust' needs the quantile"):
        Robust.from_statistics([ColumnStatistics(3)])


def test_a_deviation_that_is_a_rounding_error_of_the_database_does_not_count() -> None:
    statistics = ColumnStatistics(3, minimum=7.1, maximum=7.1, mean=7.1, standard_deviation=3.1e-8)
    transform = Standard.from_statistics([statistics])
    assert transform.transform_columns([[7.1, 8.1]]).ravel().tolist() == [0, 1]
