import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import numpy as np
import pytest

from edgerec.features.tabular.values import LARGEST, key, moment, number, numbers, order, tokens


@pytest.mark.parametrize(
    "value",
    [None, math.nan, math.inf, np.float32("nan"), Decimal("sNaN"), Decimal("-Infinity")],
    ids=repr,
)
def test_what_is_no_value_is_missing_to_each_reader(value: object) -> None:
    assert math.isnan(number(value))
    assert key(value) is None
    assert moment(value) is None
    assert tokens(value, "|") is None


@pytest.mark.parametrize(
    ("alike", "expected"),
    [
        ((True, 1, 1.0, Decimal("1.00"), np.int64(1), np.bool_(True), np.float32(1)), 1),
        ((1.5, Decimal("1.5"), np.float64(1.5)), 1.5),
        (("a", b"a", np.str_("a")), "a"),
        ((date(2020, 1, 2), "2020-01-02"), "2020-01-02"),
        (
            (
                datetime(2020, 1, 2, 3, tzinfo=UTC),
                datetime(2020, 1, 2, 3),
                datetime(2020, 1, 2, 5, tzinfo=timezone(timedelta(hours=2))),
            ),
            "2020-01-02T03:00:00+00:00",
        ),
        (({"b": 1, "a": [None]},), '{"a": [null], "b": 1}'),
        ((Decimal("1e999999"),), "1E+999999"),
        ((16**5000,), "0x1" + "0" * 5000),
        ((UUID(int=5),), "00000000-0000-0000-0000-000000000005"),
    ],
)
def test_a_category_is_the_same_from_any_database(
    alike: tuple[object, ...], expected: object
) -> None:
    for value in alike:
        assert key(value) == expected
        assert type(key(value)) is type(expected)


def test_numbers_come_from_a_fast_and_from_a_slow_path_alike() -> None:
    values = [True, 3, 2.5, None, -(10**20), math.inf]
    fast, slow = numbers(values), numbers([*values, "no number", [1]])
    np.testing.assert_array_equal(fast, slow[:-2])
    assert np.isnan(slow[-2:]).all()
    assert numbers([1e300, -(10**300)]).tolist() == [LARGEST, -LARGEST]
    for beyond in (10**5000, Decimal("1e400"), "1e400"):
        assert np.isnan(numbers([beyond])).all()
        assert np.isnan(numbers([beyond, "no number"])).all()
    assert numbers([[1], [2]]).shape == (2,)
    assert numbers([]).shape == (0,)


def test_categories_of_any_types_have_an_order() -> None:
    assert sorted(["10", 10**39, 9, "é", "z", 2.5, 10**39 + 1], key=order) == [
        *(2.5, 9, 10**39, 10**39 + 1, "10", "z", "é"),
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (date(2020, 1, 2), datetime(2020, 1, 2, tzinfo=UTC)),
        ("2020-01-02", datetime(2020, 1, 2, tzinfo=UTC)),
        ("2020-01-02T03:04:05Z", datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (Decimal("1.5"), datetime(1970, 1, 1, 0, 0, 1, 500000, tzinfo=UTC)),
        (True, None),
        (1e300, None),
        ("yesterday", None),
        ([2020], None),
        (
            datetime.min.replace(tzinfo=timezone(timedelta(hours=2))),
            datetime.min.replace(tzinfo=UTC),
        ),
    ],
    ids=repr,
)
def test_moments(value: object, expected: datetime | None) -> None:
    assert moment(value) == expected


@pytest.mark.parametrize(
    ("value", "separator", "expected"),
    [
        ("a|b| |b", "|", ["a", "b"]),
        ("", "|", []),
        (["b", None, True, "b"], "|", ["b", 1]),
        (("x",), "|", ["x"]),
        ({"k": 0}, "|", ["k"]),
        # Named, since processes that share the tests write a set in different orders.
        pytest.param({"b", "a"}, "|", ["a", "b"], id="a set"),
        (np.array([3, 4]), "|", [3, 4]),
        ('["a|b", null]', "|", ["a|b"]),
        (" []", "|", []),
        ("[a]|b]", "|", ["[a]", "b]"]),
        ("a, b", ",", ["a", "b"]),
        (7, "|", [7]),
    ],
    ids=repr,
)
def test_members_of_lists(value: object, separator: str, expected: object) -> None:
    assert tokens(value, separator) == expected
