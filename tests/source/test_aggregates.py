import math
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
import sqlalchemy
from sklearn.preprocessing import StandardScaler
from sqlalchemy import Column, MetaData, Table, types

from edgerec.columns import ColumnStatistics, StatisticsNeeded
from edgerec.errors import SourceError
from edgerec.source import (
    GroupStatistics,
    column_statistics,
    grouped_statistics,
    quantiles,
    top_values,
)
from tests.source.battery import TEXTS
from tests.source.conftest import BACKENDS, Database

Numbers = list[Any]
EVERYTHING = StatisticsNeeded(moments=True, n_distinct=True)


def everything(*columns: str) -> dict[str, StatisticsNeeded]:
    return dict.fromkeys(columns, EVERYTHING)


def table(database: Database, **columns: tuple[Any, Numbers]) -> None:
    made = Table("t", MetaData(), *(Column(name, kind) for name, (kind, _) in columns.items()))
    cells = zip(*(column for _, column in columns.values()), strict=True)
    database.make(made, [dict(zip(columns, row, strict=True)) for row in cells])


def random_columns() -> dict[str, tuple[Any, Numbers]]:
    random = np.random.default_rng(0)
    n = 4000
    decimal = types.Numeric(10, 2, asdecimal=False)
    stars = (random.integers(1, 11, n) / 2).tolist()
    stars[7] = stars[8] = None
    return {
        "stars": (types.Double(), stars),
        "small": (types.Integer(), random.integers(-5, 6, n).tolist()),
        "when": (types.BigInteger(), random.integers(8e8, 1.6e9, n).tolist()),
        "huge": (types.BigInteger(), random.integers(-(2**61), 2**60, n).tolist()),
        "whole": (types.BigInteger(), random.integers(-(2**63), 2**63 - 1, n).tolist()),
        "far": (types.Double(), (1e9 + random.normal(0, 1e-3, n)).tolist()),
        "near": (types.Double(), (0.3 + random.normal(0, 1e-9, n)).tolist()),
        "outlier": (types.Double(), [*(1e9 + random.normal(0, 1, n - 1)).tolist(), 0.0]),
        "skew": (types.Double(), random.lognormal(0, 3, n).tolist()),
        "price": (decimal, (random.integers(1, 9999, n) / 100).tolist()),
        "flag": (types.Boolean(), (random.random(n) < 0.3).tolist()),
        "same": (types.Double(), [0.1] * n),
        "none": (types.Double(), [None] * n),
    }


def test_numbers_equal_those_of_scikit_learn(database: Database) -> None:
    columns = random_columns()
    table(database, **columns)
    found = column_statistics(database.engine, "t", everything(*columns))
    assert list(found) == list(columns)
    for name, (_, cells) in columns.items():
        one, known = found[name], [cell for cell in cells if cell is not None]
        assert (one.n_rows, one.n_null) == (len(cells), len(cells) - len(known)), name
        assert one.n_distinct == len(set(known)), name
        if not known:
            assert one == ColumnStatistics(len(cells), len(cells), None, None, None, None, 0)
            continue
        assert (one.minimum, one.maximum) == (min(known), max(known)), name
        exact = np.array(known, dtype=np.longdouble)
        scaler = StandardScaler().fit(np.array(known, dtype=np.float64)[:, None])
        assert one.mean == pytest.approx(float(exact.mean()), rel=1e-12), name
        assert one.mean == pytest.approx(scaler.mean_[0], rel=1e-6), name
        assert one.standard_deviation == pytest.approx(float(exact.std()), rel=1e-6, abs=1e-15)
        # Its own sums lose digits on numbers far from zero, which numpy's long doubles keep.
        if name != "same":
            assert one.standard_deviation == pytest.approx(np.sqrt(scaler.var_[0]), rel=1e-6)
    assert found["same"].standard_deviation == 0
    assert found["flag"].minimum == 0 and type(found["flag"].maximum) is int
    assert type(found["small"].minimum) is int and type(found["stars"].minimum) is float


def test_what_is_exact_in_binary_is_the_same_everywhere(new_database: Any) -> None:
    columns = random_columns()
    exact = {name: columns[name] for name in ("stars", "small", "when", "huge", "whole", "flag")}
    alike = []
    for backend in BACKENDS:
        database = new_database(backend)
        table(database, **exact)
        alike.append(
            (
                column_statistics(database.engine, "t", everything(*exact)),
                [quantiles(database.engine, "t", name, [0, 0.1, 1 / 3, 1]) for name in exact],
                list(grouped_statistics(database.engine, "t", "small", "stars")),
                list(grouped_statistics(database.engine, "t", "stars", "when")),
                top_values(database.engine, "t", "stars", 4),
            )
        )
    assert alike[0] == alike[1] == alike[2]


def test_one_select_for_all_columns(database: Database) -> None:
    columns = random_columns()
    table(database, **{name: columns[name] for name in ("stars", "small", "when", "skew")})
    statements: list[str] = []

    def note(*arguments: Any) -> None:
        if "first_pass" in arguments[2]:
            statements.append(arguments[2])

    sqlalchemy.event.listen(database.engine, "before_cursor_execute", note)
    column_statistics(database.engine, "t", everything("stars", "small", "when", "skew"))
    assert len(statements) == 1


def test_text_times_and_documents(database: Database) -> None:
    database.run(
        "CREATE TABLE t (x VARCHAR(40), d DATE, j JSON)",
        *(
            f"INSERT INTO t VALUES ('{text}', '2010-12-{n + 1:02}', '[]')"
            for n, text in enumerate(TEXTS)
        ),
        "INSERT INTO t VALUES (NULL, NULL, NULL)",
    )
    found = column_statistics(database.engine, "t", everything("x", "d", "j"))
    n = len(TEXTS)
    assert found["x"] == ColumnStatistics(n + 1, 1, None, None, None, None, n)
    first, last = (datetime(2010, 12, day, tzinfo=UTC).timestamp() for day in (1, n))
    assert found["d"] == ColumnStatistics(n + 1, 1, first, last, None, None, n)
    assert found["j"] == ColumnStatistics(n + 1, 1, None, None, None, None, None)
    assert top_values(database.engine, "t", "x", 3) == [(text, 1) for text in TEXTS[:3]]
    groups = grouped_statistics(database.engine, "t", "x", None)
    assert list(groups) == [GroupStatistics(text, 1, 0) for text in TEXTS]


def test_what_costs_more_may_be_left_out(database: Database) -> None:
    table(database, x=(types.Integer(), [3, 4, 4, None]))
    (one,) = column_statistics(database.engine, "t", {"x": StatisticsNeeded()}).values()
    assert one == ColumnStatistics(4, 1, 3, 4, None, None, None)


def test_an_empty_table(database: Database) -> None:
    database.make(Table("t", MetaData(), Column("x", types.Double), Column("y", types.Integer)))
    found = column_statistics(database.engine, "t", everything("x", "y"))
    assert found["x"] == found["y"] == ColumnStatistics(0, 0, None, None, None, None, 0)
    assert quantiles(database.engine, "t", "x", [0.5, 1]) == [None, None]
    assert top_values(database.engine, "t", "x", 5) == []
    assert list(grouped_statistics(database.engine, "t", "y", "x")) == []


def test_quantiles_are_numpys_to_the_bit(database: Database) -> None:
    columns = random_columns()
    table(database, **{name: columns[name] for name in ("stars", "skew", "small", "flag")})
    probabilities = [0, 0.01, 0.25, 1 / 3, 0.5, 0.777, 0.999, 1]
    for name in ("stars", "skew", "small", "flag"):
        known = [float(cell) for cell in columns[name][1] if cell is not None]
        expected = np.quantile(known, probabilities).tolist()
        assert quantiles(database.engine, "t", name, probabilities) == expected


def test_groups_are_those_of_numpy(database: Database) -> None:
    random = np.random.default_rng(3)
    users = random.integers(0, 3000, 9000).tolist()
    stars = (random.integers(1, 11, 9000) / 2).tolist()
    stars[5] = None
    table(database, u=(types.BigInteger(), users), s=(types.Double(), stars))
    found = list(grouped_statistics(database.engine, "t", "u", "s"))
    counts = Counter(user for user, star in zip(users, stars, strict=True) if star is not None)
    assert [one.key for one in found] == sorted(set(users))
    for one in found:
        assert one.count == counts[one.key]  # type: ignore[index]
    sums = np.bincount(users, [star or 0 for star in stars], 3000)
    assert [one.total for one in found] == [sums[one.key] for one in found]  # type: ignore[index]
    whole = list(grouped_statistics(database.engine, "t", "u", None))
    assert sum(one.count for one in whole) == 9000
    commonest = Counter(users).most_common()
    best = sorted(commonest, key=lambda pair: (-pair[1], pair[0]))[:10]
    assert top_values(database.engine, "t", "u", 10) == best


TIMES = {
    "seconds": ("BIGINT", ["1291192000", "1291192001", "1291192002"]),
    "double": ("DOUBLE PRECISION", ["1291192000.5", "1291192001", "1291192002"]),
    "naive": ("DATETIME", ["2010-12-01 08:26:40", "2010-12-01 08:26:41", "2010-12-01 08:26:42"]),
    "zoned": ("TIMESTAMP", ["2010-12-01 08:26:40", "2010-12-01 08:26:41", "2010-12-01 08:26:42"]),
    "date": ("DATE", ["2010-11-30", "2010-12-02", "2010-12-03"]),
}


@pytest.mark.parametrize("kind", TIMES)
def test_groups_until_a_moment(database: Database, kind: str) -> None:
    declared, cells = TIMES[kind]
    zone = ""
    if database.backend == "postgresql" and kind in ("naive", "zoned"):
        declared = "TIMESTAMP" if kind == "naive" else "TIMESTAMPTZ"
        zone = "+00" if kind == "zoned" else ""
    database.run(
        f"CREATE TABLE t (u INTEGER, v INTEGER, ts {declared})",
        *(["SET time_zone = '+00:00'"] if database.backend == "mariadb" else []),
        *(f"INSERT INTO t VALUES (7, 1, '{cell}{zone}')" for cell in cells),
    )
    found = grouped_statistics(database.engine, "t", "u", "v", timestamp="ts", as_of=1291192001)
    assert list(found) == [GroupStatistics(7, 1, 1)]
    assert GroupStatistics(7, 1, 1).mean == 1.0
    assert GroupStatistics(7, 0, 0).mean is None


def test_groups_count_what_is_strictly_earlier_and_nothing_else(database: Database) -> None:
    random = np.random.default_rng(4)
    items, times = random.integers(0, 9, 400).tolist(), random.integers(0, 50, 400).tolist()
    stars = (random.integers(1, 11, 400) / 2).tolist()
    columns = {"i": (types.Integer(), items), "s": (types.Double(), stars)}
    table(database, **columns, ts=(types.BigInteger(), times))
    rows = list(zip(items, stars, times, strict=True))
    for as_of in (0, 1, 25, 49, 50):
        ask = {"timestamp": "ts", "as_of": as_of}
        found = grouped_statistics(database.engine, "t", "i", "s", **ask)
        past = [(item, star) for item, star, time in rows if time < as_of]
        assert [(one.key, one.count, one.mean) for one in found] == [
            (item, len(own), sum(own) / len(own))
            for item in range(9)
            if (own := [star for other, star in past if other == item])
        ]


@pytest.mark.parametrize(
    "cell", ["2010-12-01T08:26:40", "2010-12-01 10:26:40.5+02:00", "1291192000.9", "1291192000"]
)
def test_sqlites_texts_are_times_too(new_database: Any, cell: str) -> None:
    database = new_database("sqlite")
    database.run("CREATE TABLE t (u, v INTEGER, ts TEXT)")
    database.run(f"INSERT INTO t VALUES (7, 1, '{cell}')")
    for as_of, n in ((1291192000, 0), (1291192001, 1)):
        found = grouped_statistics(database.engine, "t", "v", "v", timestamp="ts", as_of=as_of)
        assert len(list(found)) == n


# Errors


@pytest.mark.parametrize(
    ("backend", "cell", "word"),
    [
        ("postgresql", "'NaN'", "NaN"),
        ("postgresql", "'Infinity'", "infinity"),
        ("sqlite", "9e999", "infinity"),
    ],
)
def test_nan_and_infinity_are_no_values_and_have_no_sum(
    new_database: Any, backend: str, cell: str, word: str
) -> None:
    database = new_database(backend)
    database.run(
        "CREATE TABLE t (u INTEGER, x DOUBLE PRECISION)",
        "INSERT INTO t VALUES (1, 2.5), (1, 4.5), (1, NULL)",
        f"INSERT INTO t VALUES (1, {cell})",
    )
    needed = StatisticsNeeded(True, (0.0, 0.5, 1.0), -1, n_distinct=True)
    for exact in (False, True):
        (one,) = column_statistics(database.engine, "t", {"x": needed}, exact=exact).values()
        shares = ((0.0, 2.5), (0.5, 3.5), (1.0, 4.5))
        values = ((2.5, 1), (4.5, 1))
        assert one == ColumnStatistics(4, 2, 2.5, 4.5, 3.5, 1.0, 2, shares, values)
    assert quantiles(database.engine, "t", "x", [0.5]) == [3.5]
    assert top_values(database.engine, "t", "x", 9) == [(2.5, 1), (4.5, 1)]
    with pytest.raises(SourceError) as raised:
        list(grouped_statistics(database.engine, "t", "u", "x"))
    assert (
        f'table "t": column "x" (number) holds {word}, of which there are no statistics'
    ) in str(raised.value)
    assert str(raised.value).endswith("store NULL where a number is not known")


def test_text_among_the_numbers_of_sqlite_is_noticed(new_database: Any) -> None:
    database = new_database("sqlite")
    database.run(
        "CREATE TABLE t (u INTEGER, x REAL, y INTEGER)",
        "INSERT INTO t VALUES (1, 2.5, 1), (1, 'good', 1.5)",
    )
    for ask in (
        lambda engine: column_statistics(engine, "t", everything("x")),
        lambda engine: quantiles(engine, "t", "x", [0.5]),
        lambda engine: list(grouped_statistics(engine, "t", "u", "x")),
    ):
        with pytest.raises(SourceError, match="holds 1 cells that are no number, of which there"):
            ask(database.engine)
    with pytest.raises(SourceError, match="holds 1 cells that are no whole number, of which"):
        column_statistics(database.engine, "t", everything("y"))


def test_what_there_are_no_statistics_of(database: Database) -> None:
    database.run("CREATE TABLE t (x VARCHAR(40), j JSON, n INTEGER)")
    engine = database.engine
    for ask, sentence in (
        (
            lambda: column_statistics(engine, "t", everything("xx")),
            'has no column "xx"; its columns are',
        ),
        (lambda: quantiles(engine, "t", "x", [0.5]), "of kind text, of which there are no quan"),
        (lambda: quantiles(engine, "t", "n", [1.5]), "must be from 0 to 1, got 1.5"),
        (lambda: quantiles(engine, "t", "n", [math.nan]), "must be from 0 to 1, got nan"),
        (lambda: top_values(engine, "t", "j", 5), r'no groups by column "j" \(json\): name one of'),
        (lambda: list(grouped_statistics(engine, "t", "n", "x")), "of which there are no sums: na"),
        (
            lambda: list(grouped_statistics(engine, "t", "n", "n", as_of=5)),
            "^as_of is given without timestamp: name the column of times and the moment before whi",
        ),
        (
            lambda: list(grouped_statistics(engine, "t", "n", "n", timestamp="n")),
            "^timestamp is given without as_of: name",
        ),
        (
            lambda: list(grouped_statistics(engine, "t", "n", "n", timestamp="j", as_of=5)),
            "of kind json, which the database cannot compare with a moment: store times as Unix",
        ),
    ):
        with pytest.raises(SourceError, match=sentence):
            ask()


def test_a_moment_beyond_all_calendars(new_database: Any) -> None:
    database = new_database("postgresql")
    database.run("CREATE TABLE t (u INTEGER, ts TIMESTAMP)")
    with pytest.raises(SourceError, match="is beyond the year 9999 or before the year 1: expect"):
        list(grouped_statistics(database.engine, "t", "u", None, timestamp="ts", as_of=10**15))


def test_a_time_that_sqlite_cannot_read(new_database: Any) -> None:
    database = new_database("sqlite")
    database.run("CREATE TABLE t (u INTEGER, ts TEXT)", "INSERT INTO t VALUES (1, 'soon')")
    with pytest.raises(SourceError, match="holds 'soon', expected Unix seconds or ISO 8601 text"):
        list(grouped_statistics(database.engine, "t", "u", None, timestamp="ts", as_of=5))


def test_group_keys_are_values_as_columns_are_read(database: Database) -> None:
    zone = "TIMESTAMPTZ" if database.backend == "postgresql" else "DATETIME"
    database.run(
        f"CREATE TABLE t (b BOOLEAN, ts {zone})",
        "INSERT INTO t VALUES (TRUE, '2010-12-01 08:26:40')",
    )
    if database.backend == "postgresql":
        database.run("UPDATE t SET ts = '2010-12-01 08:26:40+00'")
    assert list(grouped_statistics(database.engine, "t", "b", None)) == [
        GroupStatistics(True, 1, 0)
    ]
    moment = datetime(2010, 12, 1, 8, 26, 40, tzinfo=UTC)
    assert top_values(database.engine, "t", "ts", 1) == [(moment, 1)]
