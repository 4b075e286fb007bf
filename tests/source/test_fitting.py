"""Rules fitted to what a database computes are those fitted to its rows, to the bit."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np
import pytest
import sqlalchemy
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sqlalchemy import Column, MetaData, Table, types
from sqlalchemy.dialects import mysql

from edgerec.declared import features
from edgerec.declared.features import DeclaredFeatures, feature_rules
from edgerec.declared.schema import Feature, Things
from edgerec.declared.statistics import table_statistics
from edgerec.features.tabular import TRANSFORMS, fit_block
from edgerec.source import read_columns
from tests.source.battery import TEXTS
from tests.source.conftest import BACKENDS, Database

N_ROWS = 700
OPTIONS: dict[str, dict[str, Any]] = {
    "clip": {"quantile_range": (10, 90)},
    "extract": {"pattern": r"(\d+)"},
    "age": {"reference": "2024-01-01"},
    "one_hot": {"max_categories": 4},
    "multi_hot": {"min_frequency": 2},
}
NUMBERS = ("price", "stars", "weight", "single", "count", "flag", "same", "none", "empty_but_one")
OF_NUMBERS = ("identity", "min_max", "standard", "max_abs", "robust", "log", "clip", "k_bins")
VALUES = (*NUMBERS, "title", "day", "moment")


def rows() -> list[dict[str, Any]]:
    random = np.random.default_rng(5)

    def some(cell: Any) -> Any:
        return None if random.random() < 0.1 else cell

    return [
        {
            "id": f"{number}{TEXTS[number % len(TEXTS)]}",
            "price": some(int(random.integers(1, 99_999)) / 100),
            "stars": some(int(random.integers(1, 11)) / 2),
            "weight": some(float(random.lognormal(0, 3))),
            "single": some(float(np.float32(random.normal()))),
            "count": some(int(random.integers(-(2**40), 2**40))),
            "flag": some(bool(random.random() < 0.3)),
            "same": 0.1,
            "none": None,
            "empty_but_one": 7.3 if number == 9 else None,
            "title": some(f"{TEXTS[int(random.integers(0, 20))]}|Red {int(random.integers(0, 9))}"),
            "day": some(datetime.fromordinal(730_000 + int(random.integers(0, 5000))).date()),
            "moment": some(datetime.fromtimestamp(1e9 + random.random() * 1e8)),
        }
        for number in range(N_ROWS)
    ]


def fill(database: Database, cells: list[dict[str, Any]]) -> None:
    exact = mysql.DATETIME(fsp=6) if database.backend == "mariadb" else types.DateTime()
    made = Table(
        "things",
        MetaData(),
        Column("id", types.String(40)),
        Column("price", types.Numeric(10, 2, asdecimal=False)),
        *(Column(name, types.Double) for name in ("stars", "weight")),
        Column("single", types.REAL if database.backend != "mariadb" else mysql.FLOAT),
        Column("count", types.BigInteger),
        Column("flag", types.Boolean),
        *(Column(name, types.Double) for name in ("same", "none", "empty_but_one")),
        Column("title", types.String(60)),
        Column("day", types.Date),
        Column("moment", exact),
    )
    database.make(made, cells)


def things(*rules: tuple[str, str], options: dict[str, dict[str, Any]] = OPTIONS) -> Things:
    return Things(
        table="things",
        id="id",
        features=[
            Feature(column=column, kind=kind, **options.get(kind, {})) for column, kind in rules
        ],
    )


EVERYTHING = things(
    *((column, kind) for column in NUMBERS for kind in (*OF_NUMBERS, "quantile")),
    *((column, kind) for column in VALUES for kind in ("one_hot", "ordinal")),
    *((column, kind) for column in ("day", "moment") for kind in ("age", "date_parts")),
    *(("title", kind) for kind in ("multi_hot", "count", "tf_idf", "extract", "hashing")),
)


def all_rows(database: Database, declared: Things) -> dict[str, list[object]]:
    columns = sorted({feature.column for feature in declared.features})
    (chunk,) = read_columns(
        database.engine, "things", ["id", *columns], order_by="id", chunk_rows=10**6
    )
    return chunk


def test_statistics_fit_to_the_bit_as_rows_do_on_every_database(new_database: Any) -> None:
    rules = feature_rules("items", EVERYTHING)
    states = {}
    for backend in BACKENDS:
        database = new_database(backend)
        fill(database, rows())
        table = all_rows(database, EVERYTHING)
        statistics = table_statistics(database.engine, EVERYTHING, rules)
        assert set(statistics) == set(table) - {"id"}
        fitted = fit_block(rules, statistics=statistics)
        states[backend] = json.dumps(fitted.to_state())
        from_rows = fit_block(rules, [table])
        for rule, ours, theirs in zip(rules, fitted.transforms, from_rows.transforms, strict=True):
            assert json.dumps(ours.to_state()) == json.dumps(theirs.to_state()), rule
    assert states["mariadb"] == states["sqlite"]
    assert states["postgresql"] == states["sqlite"]


SCALERS: dict[str, Any] = {
    "min_max": MinMaxScaler(),
    "standard": StandardScaler(),
    "max_abs": MaxAbsScaler(),
    "robust": RobustScaler(),
    "quantile": QuantileTransformer(n_quantiles=50),
    "k_bins": KBinsDiscretizer(5, encode="onehot-dense", quantile_method="linear"),
}


def test_statistics_fit_as_scikit_learn_does(database: Database) -> None:
    fill(database, rows())
    columns = ("price", "stars", "weight", "count", "flag")
    pairs = [(column, kind) for column in columns for kind in SCALERS if column != "flag"]
    pairs += [("flag", "standard"), ("flag", "min_max")]
    declared = things(*pairs, options={"quantile": {"n_quantiles": 50}})
    rules = feature_rules("items", declared)
    block = fit_block(rules, statistics=table_statistics(database.engine, declared, rules))
    table = all_rows(database, declared)
    for rule, transform in zip(rules, block.transforms, strict=True):
        there = [one for one in table[rule.columns[0]] if one is not None]
        cells = np.array(there, np.float64)[:, None]
        expected = SCALERS[rule.kind].fit(cells).transform(cells)
        given = transform.transform_columns([there])
        np.testing.assert_allclose(given, expected, rtol=1e-6, atol=1e-6, err_msg=rule.name)


@pytest.mark.parametrize(("column", "most"), [("title", 9), ("day", None), ("stars", 4)])
def test_categories_are_those_of_scikit_learn(
    database: Database, column: str, most: int | None
) -> None:
    fill(database, rows())
    options: dict[str, dict[str, Any]] = {
        "one_hot": {} if most is None else {"max_categories": most}
    }
    declared = things((column, "one_hot"), (column, "ordinal"), options=options)
    rules = feature_rules("items", declared)
    block = fit_block(rules, statistics=table_statistics(database.engine, declared, rules))
    cells = [one for one in all_rows(database, declared)[column] if one is not None]
    asked = np.array(cells, object)[:, None]
    one_hot = OneHotEncoder(sparse_output=False, max_categories=most).fit_transform(asked)
    numbers = OrdinalEncoder().fit_transform(asked)
    given = block.transform({column: cells})
    np.testing.assert_array_equal(given, np.concatenate([one_hot, numbers], axis=1))


def test_one_select_serves_all_rules_of_all_columns(database: Database) -> None:
    fill(database, rows())
    exact = [(column, kind) for column in ("stars", "flag", "none") for kind in OF_NUMBERS]
    declared = things(*exact, ("title", "one_hot"), ("title", "ordinal"))
    rules = feature_rules("items", declared)
    asked: list[str] = []

    def note(*arguments: Any) -> None:
        if "FROM things" in arguments[2].replace('"', "").replace("`", ""):
            asked.append(arguments[2])

    sqlalchemy.event.listen(database.engine, "before_cursor_execute", note)
    table_statistics(database.engine, declared, rules)
    # The ids are counted; then all moments, all quantiles, and the values of the one column.
    assert [sum(word in each for each in asked) for word in ("first_pass", "row_number")] == [1, 1]
    assert len(asked) == 4


def test_rows_are_read_to_fit_only_where_they_must_be(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database, rows())
    n_read = 0

    def counted(*arguments: Any, **options: Any) -> Iterator[Any]:
        nonlocal n_read
        n_read += 1
        return read_columns(*arguments, **options)

    monkeypatch.setattr(features, "read_columns", counted)
    declared = things(("price", "standard"), ("title", "multi_hot"), ("day", "age"))
    whole = DeclaredFeatures(database.engine, "items", declared).features
    assert n_read == 1
    database.run("INSERT INTO things SELECT * FROM things WHERE stars = 3")
    again = DeclaredFeatures(database.engine, "items", declared).features
    assert n_read == 3  # of several rows of one id the first alone counts
    np.testing.assert_array_equal(again, whole)


def test_what_sql_would_say_otherwise_is_left_to_the_rows(new_database: Any) -> None:
    database = new_database("sqlite")
    database.run(
        "CREATE TABLE things (id INTEGER, a REAL, b INTEGER, c REAL, d TEXT, e INTEGER, f BLOB)",
        "INSERT INTO things VALUES (1, 'good', 9007199254740993, 1e39, '2020-01-02', 5, 7)",
        "INSERT INTO things VALUES (2, 2.5, 1, 2, '2020-01-02', 6, 8)",
    )
    declared = things(*((column, "standard") for column in "abce"), ("d", "age"), ("f", "one_hot"))
    rules = feature_rules("items", declared)
    assert list(table_statistics(database.engine, declared, rules)) == ["e"]
    found = DeclaredFeatures(database.engine, "items", declared)
    expected = fit_block(rules, [all_rows(database, declared)])
    np.testing.assert_array_equal(
        found.of([1, 2]), expected.transform(all_rows(database, declared))
    )


def test_every_kind_that_statistics_can_fit_is_tried_here() -> None:
    assert {feature.kind for feature in EVERYTHING.features} >= {
        kind.name for kind in TRANSFORMS.values() if kind.fitted_from in ("aggregates", "values")
    }


def test_nan_and_infinity_are_missing_in_statistics_and_in_rows(new_database: Any) -> None:
    for backend, cells in (("postgresql", ("'NaN'", "'Infinity'")), ("sqlite", ("9e999", "NULL"))):
        database = new_database(backend)
        database.run(
            "CREATE TABLE things (id INTEGER, x DOUBLE PRECISION)",
            f"INSERT INTO things VALUES (1, 2.5), (2, {cells[0]}), (3, {cells[1]}), (4, 0.1)",
        )
        declared = things(("x", "standard"), ("x", "robust"), ("x", "one_hot"), ("x", "ordinal"))
        rules = feature_rules("items", declared)
        statistics = table_statistics(database.engine, declared, rules)
        assert statistics["x"].n_null == 2
        expected = fit_block(rules, [all_rows(database, declared)]).to_state()
        assert fit_block(rules, statistics=statistics).to_state() == expected
