import math
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from edgerec.columns import ColumnStatistics
from edgerec.features.tabular.dates import Age, DateParts
from edgerec.features.tabular.transform import Transform
from tests.features.tabular.examples import column, sentence

LEAP = datetime(2020, 2, 29, 12, 30, tzinfo=UTC)
ALL = ("year", "month", "day", "weekday", "day_of_year", "hour")


@parametrize_with_checks([DateParts(), DateParts(cyclical=True), Age(reference="2020-01-01")])
def test_is_a_transformer_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (LEAP, [2020, 2, 29, 5, 60, 12]),
        (LEAP.replace(tzinfo=None), [2020, 2, 29, 5, 60, 12]),
        (LEAP.astimezone(timezone(timedelta(hours=-14))), [2020, 2, 29, 5, 60, 12]),
        ("2020-02-29 12:30:00+00:00", [2020, 2, 29, 5, 60, 12]),
        (LEAP.timestamp(), [2020, 2, 29, 5, 60, 12]),
        (date(2019, 12, 30), [2019, 12, 30, 0, 364, 0]),
        (None, [2020, 1, 1, 2, 1, 0]),
        ("soon", [2020, 1, 1, 2, 1, 0]),
    ],
    ids=str,
)
def test_parts_of_dates(value: object, expected: list[int]) -> None:
    parts = DateParts(ALL)
    assert column(parts, [date(2020, 1, 1), None], [value]) == [expected]
    assert parts.get_feature_names_out(["t"]).tolist() == [f"t_{part}" for part in ALL]


def test_parts_on_a_circle() -> None:
    parts = DateParts(("year", "month", "hour"), cyclical=True, add_indicator=True)
    rows = column(parts, [2020], [date(2021, 4, 1), datetime(2021, 1, 1, 12), None])
    assert rows == [
        [2021, 1, 0, 0, 1, 0],
        [2021, 0, 1, 0, -1, 0],
        [1970, 0, 0, 0, 0, 1],
    ]
    assert parts.get_feature_names_out(["t"]).tolist() == [
        *("t_year", "t_month_sin", "t_month_cos", "t_hour_sin", "t_hour_cos", "t_missing"),
    ]


def test_age_at_the_reference() -> None:
    for reference in ("2024-03-01", date(2024, 3, 1), datetime(2024, 3, 1, tzinfo=UTC)):
        age = Age(reference=reference)
        fitted = [date(2024, 2, 29), date(2024, 2, 27), None]
        assert column(age, fitted, [date(2024, 3, 2), "2023-03-01", None]) == [-1, 366, 2]
    years = Age(reference="2024-03-01", unit="years", fill_value=7, add_indicator=True)
    assert column(years, [], ["2014-03-01", None]) == [[10.0016, 0], [7, 1]]
    hours = Age(reference="2024-03-01", unit="hours")
    assert column(hours, [], ["2024-02-29T22:30:00", None]) == [1.5, 0]


def test_age_from_statistics_in_unix_seconds() -> None:
    rows: list[Any] = [date(2020, 1, 1), None, date(2021, 1, 1)]
    fitted = Age(reference="2024-03-01").fit_columns([[rows]])
    days = [datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (2020, 2021)]
    statistics = ColumnStatistics(3, 1, min(days), max(days), sum(days) / 2, 1.0)
    given = Age.from_statistics([statistics], reference="2024-03-01")
    assert given.to_state() == fitted.to_state()
    assert math.isclose(fitted.fill_[0], 1338, abs_tol=0.6)


@pytest.mark.parametrize("fitted", [[], [None], ["?"]], ids=str)
def test_without_dates_missing_is_0(fitted: list[Any]) -> None:
    assert column(DateParts(("year", "month")), fitted, [None]) == [[0, 0]]
    assert column(Age(reference="2024-03-01"), fitted, [None]) == [0]


def test_a_single_row_and_a_constant_column() -> None:
    for fitted in (["2024-02-29"], ["2024-02-29", "2024-02-29"]):
        assert column(DateParts(("year",)), fitted, [None, "2025-01-01"]) == [2024, 2025]
        assert column(Age(reference="2024-03-01"), fitted, [None, "2024-02-28"]) == [1, 2]


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        (
            DateParts(("year", "minute")),
            (
                "Option parts of feature kind 'date_parts' must be some of year, month, day, "
                "weekday, day_of_year, hour, but is ('year', 'minute'). Its default is ('year', "
                "'month', 'weekday', 'hour')."
            ),
        ),
        (
            Age(),
            (
                "Option reference of feature kind 'age' must be a date or a time, such as "
                "2024-01-31, but is None. It must be given."
            ),
        ),
        (
            Age(reference="now"),
            (
                "Option reference of feature kind 'age' must be a date or a time, such as "
                "2024-01-31, but is 'now'. It must be given."
            ),
        ),
    ],
)
def test_a_wrong_option_is_named(transform: Transform, expected: str) -> None:
    assert sentence(transform) == expected
