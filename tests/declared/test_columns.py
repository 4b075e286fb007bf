"""What columns are taken for, what is proposed of them, and which say nothing."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgerec.declared.auto.candidates import candidates_of
from edgerec.declared.auto.profile import ColumnProfile, profile_columns
from edgerec.declared.auto.screening import drop_by_form
from edgerec.declared.auto.things import ThingRows, read_things
from edgerec.declared.proposals import propose
from edgerec.declared.roles import ThingTable
from edgerec.source import open_engine

N = 200
RANDOM = np.random.default_rng(0)
COLUMNS: Mapping[str, tuple[str, Sequence[Any]]] = {
    "price": ("REAL", RANDOM.normal(50, 9, N).tolist()),
    "sold": ("INTEGER", RANDOM.lognormal(5, 2, N).astype(int).tolist()),
    "size": ("INTEGER", RANDOM.integers(1, 5, N).tolist()),
    "is_new": ("BOOLEAN", RANDOM.integers(0, 2, N).astype(bool).tolist()),
    "out": ("DATE", [f"20{year:02}-03-01" for year in RANDOM.integers(0, 25, N)]),
    "seen": ("TEXT", [f"2021-03-01 {hour:02}:30:00" for hour in RANDOM.integers(0, 24, N)]),
    "added": ("INTEGER", RANDOM.integers(1_500_000_000, 1_600_000_000, N).tolist()),
    "tags": ("TEXT", [f'["a{n % 3}", "b{n % 5}"]' for n in range(N)]),
    "genres": ("TEXT", [f"g{n % 4};h{n % 7}" for n in range(N)]),
    "colour": ("TEXT", [f"colour {n % 6}" for n in range(N)]),
    "maker": ("TEXT", [f"maker {n % 70}" for n in range(N)]),
    "director_id": ("INTEGER", RANDOM.integers(0, 30, N).tolist()),
    "title": ("TEXT", [f"Tale {n % 90} of {n} (19{n % 90 + 10})" for n in range(N)]),
    "barcode": ("TEXT", [f"X{n * 7919}" for n in range(N)]),
    "register": ("INTEGER", [9_000 + 3 * n for n in range(N)]),
    "drawn": ("INTEGER", RANDOM.permutation(10**6)[:N].tolist()),
    "revenue": ("INTEGER", RANDOM.lognormal(12, 2, N).astype(int).tolist()),
    "cents": ("REAL", None),
    "hue": ("TEXT", [f"h{n % 6}" for n in range(N)]),
    "same_price": ("REAL", None),
    "shop": ("TEXT", ["here"] * N),
    "unfilled": ("TEXT", [None] * N),
}
FORMS = {
    **dict.fromkeys(("price", "sold", "size", "register", "drawn", "revenue"), "number"),
    **dict.fromkeys(("out", "seen", "added"), "moment"),
    **dict.fromkeys(("tags", "genres"), "members"),
    **dict.fromkeys(("colour", "maker", "director_id"), "category"),
    "is_new": "flag",
    "title": "words",
    "barcode": "code",
    "unfilled": "other",
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("columns") / "goods.db"
    cells = {name: values for name, (_, values) in COLUMNS.items()}
    cells["cents"] = [100 * price + 7 for price in cells["price"]]
    cells["same_price"] = cells["price"]
    with closing(sqlite3.connect(path)) as connection, connection:
        kinds = ", ".join(f"{name} {kind}" for name, (kind, _) in COLUMNS.items())
        connection.execute(f"CREATE TABLE goods (id INTEGER PRIMARY KEY, {kinds})")
        rows = zip(range(N), *cells.values(), strict=True)
        marks = ", ".join("?" * (len(COLUMNS) + 1))
        connection.executemany(f"INSERT INTO goods VALUES ({marks})", rows)
    return path


@pytest.fixture(scope="module")
def profiled(database: Path) -> tuple[ThingRows, dict[str, ColumnProfile]]:
    engine = open_engine(f"sqlite:///{database}")
    rows = read_things(engine, ThingTable("goods", "id", None))
    return rows, profile_columns(engine, rows)


Profiled = tuple[ThingRows, dict[str, ColumnProfile]]


@pytest.mark.parametrize("name", FORMS)
def test_forms_are_recognised(profiled: Profiled, name: str) -> None:
    assert profiled[1][name].form == FORMS[name]


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("price", ["standard", "k_bins"]),
        ("sold", ["log", "k_bins"]),
        ("size", ["standard", "one_hot"]),
        ("is_new", ["identity"]),
        ("out", ["age", "date_parts"]),
        ("tags", ["multi_hot"]),
        ("colour", ["one_hot"]),
        ("maker", ["one_hot", "hashing"]),
        ("title", ["extract", "tf_idf", "char_ngrams"]),
        ("unfilled", []),
    ],
)
def test_kinds_follow_form_and_distribution(
    profiled: Profiled, name: str, kinds: list[str]
) -> None:
    assert [one.kind for one in candidates_of("items", profiled[1][name], 0)] == kinds


def test_hours_count_only_where_there_are_any(profiled: Profiled) -> None:
    parts = {
        name: candidates_of("items", profiled[1][name], 0)[1].proposal["parts"]
        for name in ("out", "seen")
    }
    assert parts == {
        "out": ["year", "month", "weekday"],
        "seen": ["year", "month", "weekday", "hour"],
    }


def test_what_says_nothing_is_dropped_with_its_reason(profiled: Profiled) -> None:
    assert drop_by_form(*profiled) == {
        "barcode": "an id in disguise: 200 values in 200 rows",
        "register": "an id in disguise: 200 values in 200 rows",
        "drawn": "an id in disguise: 200 values in 200 rows",
        "cents": "a multiple of price",
        "same_price": "equal to price",
        "hue": "one-to-one with colour",
        "shop": "constant",
        "unfilled": "empty",
    }


def test_a_plain_draft_proposes_one_feature_of_each_column_that_says_something(
    database: Path,
) -> None:
    engine = open_engine(f"sqlite:///{database}")
    found = propose(engine, ThingTable("goods", "id", "title"), ["added"])
    assert [(one["column"], one["kind"]) for one in found] == [
        ("price", "standard"),
        ("sold", "log"),
        ("size", "standard"),
        ("is_new", "identity"),
        ("out", "date_parts"),
        ("seen", "date_parts"),
        ("tags", "multi_hot"),
        ("genres", "multi_hot"),
        ("colour", "one_hot"),
        ("title", "extract"),
        ("revenue", "log"),
    ]


def test_rows_of_interactions_describe_an_item_where_they_agree(tmp_path: Path) -> None:
    path = tmp_path / "sales.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE sales (item TEXT, called TEXT, paid REAL)")
        rows = [(f"i{n % 20}", None if n < 20 else f"thing {n % 20}", n / 7) for n in range(N)]
        connection.executemany("INSERT INTO sales VALUES (?, ?, ?)", rows)
    engine = open_engine(f"sqlite:///{path}")
    rows_of_items = read_things(engine, ThingTable("sales", "item", None))
    assert rows_of_items.ids == sorted(f"i{n}" for n in range(20))
    assert rows_of_items.columns["called"][:2] == ["thing 0", "thing 1"]
    assert rows_of_items.agreement == {"called": 1.0, "paid": 0.0}
    dropped = drop_by_form(rows_of_items, profile_columns(engine, rows_of_items))
    assert dropped == {
        "paid": "differs between rows of one item (100%): it describes the interaction"
    }
