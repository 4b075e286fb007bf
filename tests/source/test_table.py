import datetime
import uuid
from datetime import UTC
from typing import Any

import pytest
from sqlalchemy import Column, ForeignKeyConstraint, MetaData, Table, types

from edgerec.errors import SourceError
from edgerec.source import ForeignKey, describe_table, open_engine, read_columns, resume
from edgerec.source.kinds import Column as KnownColumn
from edgerec.source.resume import Reading, read_rows
from tests.source.battery import TEXTS, mysql_uuid
from tests.source.conftest import Database

ID = "0b4ea9ee-8f4e-4c5a-9d1f-00000000abcd"

# name, kind, and for each database: type and literal; then the value
CELLS: list[tuple[str, str, dict[str, tuple[str, str]], object]] = [
    (
        "i",
        "integer",
        {
            "sqlite": ("INTEGER", "9007199254740993"),
            "mariadb": ("BIGINT UNSIGNED", "9007199254740993"),
            "postgresql": ("BIGINT", "9007199254740993"),
        },
        2**53 + 1,
    ),
    (
        "n",
        "number",
        {
            "sqlite": ("DECIMAL(10, 2)", "5"),
            "mariadb": ("DECIMAL(10, 2)", "5"),
            "postgresql": ("NUMERIC(10, 2)", "5"),
        },
        5.0,
    ),
    (
        "r",
        "number",
        {
            "sqlite": ("DOUBLE", "0.1"),
            "mariadb": ("DOUBLE", "0.1"),
            "postgresql": ("DOUBLE PRECISION", "0.1"),
        },
        0.1,
    ),
    (
        "t",
        "text",
        {
            "sqlite": ("TEXT", "'é 😀 '"),
            "mariadb": ("LONGTEXT", "'é 😀 '"),
            "postgresql": ("TEXT", "'é 😀 '"),
        },
        "é 😀 ",
    ),
    (
        "b",
        "boolean",
        {
            "sqlite": ("BOOLEAN", "1"),
            "mariadb": ("BOOLEAN", "TRUE"),
            "postgresql": ("BOOLEAN", "TRUE"),
        },
        True,
    ),
    (
        "d",
        "date",
        {
            "sqlite": ("DATE", "'2010-12-01'"),
            "mariadb": ("DATE", "'2010-12-01'"),
            "postgresql": ("DATE", "'2010-12-01'"),
        },
        datetime.date(2010, 12, 1),
    ),
    (
        "dt",
        "datetime",
        {
            "sqlite": ("DATETIME", "'2010-12-01T08:26:00.5'"),
            "mariadb": ("DATETIME(3)", "'2010-12-01 08:26:00.5'"),
            "postgresql": ("TIMESTAMP", "'2010-12-01 08:26:00.5'"),
        },
        datetime.datetime(2010, 12, 1, 8, 26, 0, 500000, UTC),
    ),
    (
        "z",
        "datetime",
        {
            "sqlite": ("TIMESTAMP", "'2010-12-01 10:26:00+02:00'"),
            "mariadb": ("TIMESTAMP", "CONVERT_TZ('2010-12-01 08:26:00', '+00:00', '+05:30')"),
            "postgresql": ("TIMESTAMPTZ", "'2010-12-01 10:26:00+02:00'"),
        },
        datetime.datetime(2010, 12, 1, 8, 26, tzinfo=UTC),
    ),
    (
        "j",
        "json",
        {
            "sqlite": ("JSON", """'{"a": [1, 2.5, null, true, "é"]}'"""),
            "mariadb": ("JSON", """'{"a": [1, 2.5, null, true, "é"]}'"""),
            "postgresql": ("JSONB", """'{"a": [1, 2.5, null, true, "é"]}'"""),
        },
        {"a": [1, 2.5, None, True, "é"]},
    ),
    (
        "a",
        "json",
        {
            "sqlite": ("JSON", "'[[1], [2]]'"),
            "mariadb": ("JSON", "'[[1], [2]]'"),
            "postgresql": ("INT[][]", "'{{1},{2}}'"),
        },
        [[1], [2]],
    ),
    (
        "da",
        "json",
        {
            "sqlite": ("JSON", "'[0.5]'"),
            "mariadb": ("JSON", "'[0.5]'"),
            "postgresql": ("NUMERIC(4, 2)[]", "'{0.5}'"),
        },
        [0.5],
    ),
]
NAMES = [name for name, _, _, _ in CELLS]


def make(database: Database) -> None:
    declared = ", ".join(f"{name} {each[database.backend][0]} NULL" for name, _, each, _ in CELLS)
    literals = ", ".join(each[database.backend][1] for _, _, each, _ in CELLS)
    database.run(
        f"CREATE TABLE t ({declared})".replace(":", r":"),
        f"INSERT INTO t VALUES ({literals})",
        f"INSERT INTO t ({NAMES[0]}) VALUES (1)",
    )


def test_every_kind_is_described_alike(database: Database) -> None:
    make(database)
    described = describe_table(database.engine, "t")
    assert [(each.name, each.kind) for each in described.columns] == [
        (name, kind) for name, kind, _, _ in CELLS
    ]
    assert not any(each.primary_key for each in described.columns)
    assert all(each.nullable for each in described.columns)


def test_an_account_that_may_only_select_sees_the_same(database: Database) -> None:
    make(database)
    reader = open_engine(database.reader_url())
    assert describe_table(reader, "t") == describe_table(database.engine, "t")


def test_every_kind_is_read_alike(database: Database) -> None:
    make(database)
    chunks = list(read_columns(database.engine, "t", NAMES, order_by="i", chunk_rows=1))
    assert chunks[0] == {name: [1 if name == "i" else None] for name in NAMES}
    assert chunks[1] == {name: [value] for name, _, _, value in CELLS}
    for name, _, _, value in CELLS:
        assert type(chunks[1][name][0]) is type(value)
    assert len(chunks) == 2


def test_uuids_are_text(database: Database) -> None:
    native = {"sqlite": types.CHAR(36), "mariadb": mysql_uuid(), "postgresql": types.Uuid()}
    made = Table("t", MetaData(), Column("u", native[database.backend]))
    cell: Any = uuid.UUID(ID) if database.backend == "postgresql" else ID
    database.make(made, [{"u": cell}])
    (column,) = describe_table(database.engine, "t").columns
    assert column.kind == ("text" if database.backend == "sqlite" else "uuid")
    assert list(read_columns(database.engine, "t", ["u"], order_by="u")) == [{"u": [ID]}]


def test_keys_are_described(database: Database) -> None:
    metadata = MetaData()
    items = Table(
        "items",
        metadata,
        Column("a", types.Integer, primary_key=True, autoincrement=False),
        Column("b", types.Integer, primary_key=True, autoincrement=False),
    )
    ratings = Table(
        "ratings",
        metadata,
        Column("id", types.Integer, primary_key=True),
        Column("x", types.Integer, nullable=False),
        Column("y", types.Integer),
        ForeignKeyConstraint(["x", "y"], ["items.a", "items.b"]),
    )
    database.make(items)
    database.make(ratings)
    described = describe_table(database.engine, "ratings")
    assert [(each.primary_key, each.nullable) for each in described.columns] == [
        (True, False),
        (False, False),
        (False, True),
    ]
    assert described.foreign_keys == (ForeignKey(("x", "y"), "items", ("a", "b")),)
    assert [each.primary_key for each in describe_table(database.engine, "items").columns] == [
        True,
        True,
    ]


def test_a_view_is_described(database: Database) -> None:
    make(database)
    database.run("CREATE VIEW v AS SELECT i, t, j FROM t")
    described = describe_table(database.engine, "v")
    assert [each.name for each in described.columns] == ["i", "t", "j"]
    assert described.foreign_keys == ()


def test_rows_are_sorted_alike(database: Database) -> None:
    made = Table("t", MetaData(), Column("x", types.String(40)), Column("y", types.Integer))
    rows: list[dict[str, object]] = [{"x": text, "y": n} for text in TEXTS for n in (3, 1, 2)]
    rows += [{"x": None, "y": 5}, {"x": None, "y": None}]
    database.make(made, rows[::-1])
    (chunk,) = read_columns(database.engine, "t", ["y", "x"], order_by="x")
    assert chunk["x"] == [None, None, *(text for text in TEXTS for _ in range(3))]
    assert chunk["y"] == [None, 5, *([1, 2, 3] * len(TEXTS))]
    (chunk,) = read_columns(database.engine, "t", ["y"], order_by="x")
    assert list(chunk) == ["y"]
    (chunk,) = read_columns(database.engine, "t", ["x", "y"], order_by=None)
    assert len(chunk["x"]) == len(rows)


@pytest.mark.parametrize("chunk_rows", [1, 7, 1024, 1500, 9999])
def test_chunks_have_the_rows_asked_for(database: Database, chunk_rows: int) -> None:
    made = Table("t", MetaData(), Column("x", types.Integer))
    database.make(made, [{"x": n % 50 or None} for n in range(3001)])
    chunks = list(read_columns(database.engine, "t", ["x"], order_by="x", chunk_rows=chunk_rows))
    assert all(len(chunk["x"]) == chunk_rows for chunk in chunks[:-1])
    read = [cell for chunk in chunks for cell in chunk["x"]]
    assert read == sorted((n % 50 or None for n in range(3001)), key=lambda n: n or 0)


@pytest.mark.parametrize("backend", ["mariadb", "postgresql"])
def test_a_lost_connection(
    new_database: Any, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resume, "_PAUSES", (0.0, 0.1))
    database = new_database(backend)
    made = Table("t", MetaData(), Column("x", types.Integer), Column("y", types.String(1000)))
    rows: list[dict[str, object]] = [
        {"x": None if n < 2250 else n // 9, "y": f"{n:0990}"} for n in range(15000)
    ]
    database.make(made, rows)
    read: list[object] = []
    for chunk in read_columns(database.engine, "t", ["y"], order_by="x", chunk_rows=1500):
        read += chunk["y"]
        database.kill()
    assert read == [row["y"] for row in rows]
    chunks = read_columns(database.engine, "t", ["y"], order_by=None, chunk_rows=250)
    next(chunks)
    database.kill()
    with pytest.raises(SourceError) as raised:
        list(chunks)
    assert "and reading cannot go on from there, since the rows were read in no order: run" in str(
        raised.value
    )


@pytest.mark.parametrize("backend", ["mariadb", "postgresql"])
def test_a_key_that_has_no_order_cannot_go_on(new_database: Any, backend: str) -> None:
    database = new_database(backend)
    made = Table("t", MetaData(), Column("x", types.Time), Column("y", types.String(1000)))
    clock = datetime.time(12, 30)
    database.make(made, [{"x": clock, "y": f"{n:0990}"} for n in range(15000)])
    columns = [
        KnownColumn("x", "other", types.Time(), True),
        KnownColumn("y", "text", types.VARCHAR(1000), True),
    ]
    batches = read_rows(database.engine, Reading("t", columns, columns[:1]), 250)
    next(batches)
    database.kill()
    with pytest.raises(SourceError, match='since column "x" has no order: run it again, or sort'):
        list(batches)


@pytest.mark.parametrize(
    ("declared", "literal", "sentence"),
    [
        ("BLOB", "x'00ff'", "column \"x\" (other) holds b'\\x00\\xff' (bytes), expected a number"),
        ("DATE", "'soon'", "column \"x\" (date) holds 'soon' (str), expected a date, as in 2010-"),
        ("DATETIME", "'soon'", "(datetime) holds 'soon' (str), expected a date and time, as in"),
        ("JSON", "'{'", "column \"x\" (json) holds '{' (str), expected JSON. Leave the column out"),
        ("REAL", "x'00'", "column \"x\" (number) holds b'\\x00' (bytes), expected a number. Leave"),
    ],
)
def test_a_cell_that_is_not_what_its_column_says(
    new_database: Any, declared: str, literal: str, sentence: str
) -> None:
    database = new_database("sqlite")
    database.run(f"CREATE TABLE t (x {declared})", f"INSERT INTO t VALUES ({literal})")
    with pytest.raises(SourceError) as raised:
        list(read_columns(database.engine, "t", ["x"], order_by=None))
    assert sentence in str(raised.value)
    assert str(raised.value).startswith('table "t": ')


def test_bytes_are_refused(database: Database) -> None:
    database.make(Table("t", MetaData(), Column("x", types.LargeBinary)), [{"x": b"a"}])
    with pytest.raises(SourceError, match=r"holds b'a' \(bytes\), expected a number, text"):
        list(read_columns(database.engine, "t", ["x"], order_by=None))


def test_a_column_of_json_does_not_sort(database: Database) -> None:
    make(database)
    with pytest.raises(SourceError) as raised:
        list(read_columns(database.engine, "t", ["i"], order_by="j"))
    assert 'table "t" cannot be sorted by column "j" (json): sort by one of "i", "n"' in str(
        raised.value
    )


def test_a_column_without_a_type_does_not_sort(new_database: Any) -> None:
    database = new_database("sqlite")
    database.run("CREATE TABLE t (far, name TEXT)")
    with pytest.raises(SourceError) as raised:
        list(read_columns(database.engine, "t", ["name"], order_by="far"))
    assert str(raised.value) == (
        'table "t" cannot be sorted by column "far" (other): sort by one of "name", or read a view '
        "that gives it a type, such as CREATE VIEW t_typed AS SELECT CAST(far AS INTEGER) AS far, "
        "… FROM t"
    )


def test_what_is_asked_for_must_be_there(new_database: Any) -> None:
    database = new_database("sqlite")
    make(database)
    for columns, order_by, options, sentence in (
        ([], None, {}, 'no column of table "t" was named to read'),
        (["ii"], None, {}, 'has no column "ii"; its columns are "i", "n"'),
        (["i"], "zz", {}, 'has no column "zz"'),
        (["i"], None, {"chunk_rows": 0}, "chunk_rows must be 1 or more, got 0"),
    ):
        with pytest.raises(SourceError, match=sentence):
            list(read_columns(database.engine, "t", columns, order_by=order_by, **options))  # type: ignore[arg-type]
    with pytest.raises(SourceError, match='has no table "tt"; its tables are "t"'):
        describe_table(database.engine, "tt")


def test_numbers_beyond_a_boolean_stay_numbers(new_database: Any) -> None:
    database = new_database("sqlite")
    database.run("CREATE TABLE t (x BOOLEAN)", "INSERT INTO t VALUES (0), (1), (7), (NULL)")
    (chunk,) = read_columns(database.engine, "t", ["x"], order_by="x")
    assert chunk["x"] == [None, False, True, 7]
    assert [type(cell) for cell in chunk["x"]] == [type(None), bool, bool, int]
