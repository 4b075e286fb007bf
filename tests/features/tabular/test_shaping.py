import math
from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import Normalizer
from sklearn.utils.estimator_checks import parametrize_with_checks

from edgerec.features.tabular.shaping import Clip, Log, Normalize
from edgerec.features.tabular.transform import Transform
from tests.features.tabular.examples import column, sentence, some_numbers


@parametrize_with_checks([Log(), Clip(), Normalize()])
def test_is_a_transformer_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


def test_the_logarithm_of_one_more() -> None:
    e = math.e - 1
    assert column(Log(), [0, e], [0, e, -5, e * e + 2 * e]) == [0, 1, 0, 2]
    assert column(Log(sign_safe=True), [0, e], [0, e, -e]) == [0, 1, -1]
    assert column(Log(), [0, 2 * e, None], [None]) == [1]


def test_what_lies_beyond_the_bounds_is_moved_to_them() -> None:
    assert column(Clip(minimum=-1, maximum=2), [0], [-3, 0, 1.5, 9]) == [-1, 0, 1.5, 2]
    assert column(Clip(), [0], [-3, 9]) == [-3, 9]
    assert column(Clip(maximum=2), [1, 2, None], [None]) == [1.5]
    assert column(Clip(maximum=2), [9], [None]) == [2]


def test_the_bounds_can_be_quantiles() -> None:
    table = some_numbers()
    low, high = np.percentile(table, (5, 90), axis=0)
    given = Clip(quantile_range=(5, 90)).fit(table).transform(table * 2)
    np.testing.assert_allclose(given, np.clip(table * 2, low, high), rtol=1e-6)
    assert column(Clip(quantile_range=(5, 90)), [None], [-3, 9]) == [-3, 9]


@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
def test_rows_of_length_1_equal_scikit_learn(norm: str) -> None:
    table = some_numbers()
    table[3] = 0
    expected = Normalizer(norm).fit_transform(table)
    np.testing.assert_allclose(Normalize(norm).fit_transform(table), expected, rtol=1e-6)


def test_missing_members_of_a_row_count_0() -> None:
    transform = Normalize().fit_columns([], 2)
    assert transform.transform_columns([[3, None, None], [None, -2, None]]).tolist() == [
        [1, 0],
        [0, -1],
        [0, 0],
    ]
    assert transform.transform_columns([[], []]).shape == (0, 2)


@pytest.mark.parametrize("transform", [Log(), Log(sign_safe=True), Clip()], ids=str)
@pytest.mark.parametrize("fitted", [[], [None]], ids=str)
def test_without_values_missing_is_0(transform: Transform, fitted: Any) -> None:
    assert column(transform, fitted, [None]) == [0]


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        (
            Log(sign_safe="yes"),  # type: ignore[arg-type]
            (
                "Option sign_safe of feature kind 'log' must be true or false, but is 'yes'. Its "
                "default is False."
            ),
        ),
        (
            Clip(minimum=3, maximum=3),
            "Option maximum of feature kind 'clip' must be above minimum, 3, but is 3.",
        ),
        (
            Normalize("l3"),
            (
                "Option norm of feature kind 'normalize' must be one of 'l1', 'l2', 'max', but is "
                "'l3'. Its default is 'l2'."
            ),
        ),
    ],
)
def test_a_wrong_option_is_named(transform: Transform, expected: str) -> None:
    assert sentence(transform) == expected
