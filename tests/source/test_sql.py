import sqlite3
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgerec.errors import SourceError
from edgerec.source import (
    Engine,
    InteractionColumns,
    find_columns,
    open_engine,
    read_interactions,
)
from tests.source.battery import rows_of

COLUMNS = InteractionColumns("user", "item", "value", "ts")


def database(
    folder: Path | str, rows: Iterable[Sequence[object]], types: str = "user, item, value, ts"
) -> Engine:
    file = Path(folder) / "rows.db"
    file.unlink(missing_ok=True)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"CREATE TABLE t ({types})")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
        connection.commit()
    return open_engine(f"sqlite:///{file}")


ROWS = [(2, 7, 4.0, 30), (1, 9, 3.0, 20), (1, 8, 2.5, 20), (2, 5, 1.0, 10), (1, 5, 5.0, 40)]


def test_time_comes_first(tmp_path: Path) -> None:
    read = rows_of(read_interactions(database(tmp_path, ROWS), "t", COLUMNS))
    assert read == [ROWS[3], ROWS[2], ROWS[1], ROWS[0], ROWS[4]]


def test_the_user_comes_first(tmp_path: Path) -> None:
    read = rows_of(read_interactions(database(tmp_path, ROWS), "t", COLUMNS, order="user"))
    assert read == [ROWS[2], ROWS[1], ROWS[4], ROWS[3], ROWS[0]]


def test_types_and_lengths_of_chunks(tmp_path: Path) -> None:
    chunks = list(read_interactions(database(tmp_path, ROWS), "t", COLUMNS, chunk_rows=2))
    assert [len(chunk) for chunk in chunks] == [2, 2, 1]
    first = chunks[0]
    assert [str(array.dtype) for array in (first.user_ids, first.item_ids)] == ["int64"] * 2
    assert [str(array.dtype) for array in (first.values, first.timestamps)] == ["float64", "int64"]


def test_an_empty_table_gives_no_chunk(tmp_path: Path) -> None:
    assert list(read_interactions(database(tmp_path, []), "t", COLUMNS)) == []


@settings(max_examples=25, deadline=None)
@given(
    n_rows=st.integers(0, 5000),
    chunk_rows=st.integers(1, 6000),
    order=st.sampled_from(["time", "user"]),
    random_state=st.integers(0, 9),
)
def test_every_row_comes_once_and_in_order(
    n_rows: int, chunk_rows: int, order: str, random_state: int
) -> None:
    random = np.random.default_rng(random_state)
    rows = [
        (int(user), int(item), item / 2, int(second))
        for user, item, second in random.integers(-50, 50, (n_rows, 3))
    ]
    key = (3, 0, 1) if order == "time" else (0, 3, 1)
    with tempfile.TemporaryDirectory() as folder:
        engine = database(folder, rows)
        chunks = list(
            read_interactions(engine, "t", COLUMNS, chunk_rows=chunk_rows, order=order)  # type: ignore[arg-type]
        )
    assert rows_of(chunks) == sorted(rows, key=lambda row: [row[n] for n in key])
    assert all(len(chunk) == chunk_rows for chunk in chunks[:-1])


def test_a_reader_that_stops_early_closes_its_connection(tmp_path: Path) -> None:
    engine = database(tmp_path, ROWS)
    chunks = read_interactions(engine, "t", COLUMNS, chunk_rows=1)
    next(chunks)
    chunks.close()  # type: ignore[attr-defined]
    with closing(sqlite3.connect(tmp_path / "rows.db", timeout=0)) as connection:
        connection.execute("DROP TABLE t")


def test_text_ids_are_strings(tmp_path: Path) -> None:
    engine = database(tmp_path, [("ann", "85123A", 1, 5), ("bob", "é", 2, 6)])
    (chunk,) = read_interactions(engine, "t", COLUMNS)
    assert chunk.user_ids.dtype == chunk.item_ids.dtype == object
    assert chunk.user_ids.tolist() == ["ann", "bob"]
    assert chunk.item_ids.tolist() == ["85123A", "é"]


def test_whole_numbers_in_a_real_column_are_integers(tmp_path: Path) -> None:
    engine = database(tmp_path, [(17, 3, 1, 5)], "user REAL, item NUMERIC, value, ts")
    (chunk,) = read_interactions(engine, "t", COLUMNS)
    assert chunk.user_ids.dtype == np.int64
    assert chunk.user_ids.tolist() == [17]


def test_the_largest_ids_are_exact(tmp_path: Path) -> None:
    engine = database(tmp_path, [(2**63 - 1, 2**53 + 1, 1, 5)])
    assert rows_of(read_interactions(engine, "t", COLUMNS)) == [(2**63 - 1, 2**53 + 1, 1.0, 5)]


def test_a_null_value_is_nan(tmp_path: Path) -> None:
    engine = database(tmp_path, [(1, 1, None, 5), (1, 2, 3, 6), (1, 3, "4.5", 7)])
    (chunk,) = read_interactions(engine, "t", COLUMNS)
    np.testing.assert_array_equal(chunk.values, [np.nan, 3.0, 4.5])


def test_without_a_value_column_values_are_nan(tmp_path: Path) -> None:
    engine = database(tmp_path, ROWS)
    columns = InteractionColumns("user", "item", None, "ts")
    (chunk,) = read_interactions(engine, "t", columns)
    assert np.isnan(chunk.values).all() and len(chunk.values) == 5


def test_weights_come_with_their_rows_and_null_is_1(tmp_path: Path) -> None:
    rows = [(1, 5, 2.0, 10), (1, 5, None, 10), (1, 5, 0.5, 10), (1, 4, 7.0, 9)]
    columns = InteractionColumns("user", "item", None, "ts", weight="value")
    chunks = list(read_interactions(database(tmp_path, rows), "t", columns, chunk_rows=3))
    weighed = [row for chunk in chunks for row in chunk.weighed_rows()]
    assert [row[4] for row in weighed] == [7.0, 1.0, 0.5, 2.0]
    assert all(np.isnan(row[2]) for row in weighed)


@pytest.mark.parametrize("weight", ["value", "ts", "user"])
def test_the_weight_may_be_another_column_too(weight: str, tmp_path: Path) -> None:
    columns = InteractionColumns("user", "item", "value", "ts", weight=weight)
    (chunk,) = read_interactions(database(tmp_path, ROWS), "t", columns)
    expected = [ROWS[at] for at in (3, 2, 1, 0, 4)]
    assert list(chunk.rows()) == expected
    at = ("user", "item", "value", "ts").index(weight)
    assert chunk.weights is not None
    assert chunk.weights.tolist() == [row[at] for row in expected]
    (plain,) = read_interactions(database(tmp_path, ROWS), "t", COLUMNS)
    assert plain.weights is None
    assert {row[4] for row in plain.weighed_rows()} == {1.0}


def test_a_weight_that_is_no_number_is_named_with_its_row(tmp_path: Path) -> None:
    columns = InteractionColumns("user", "item", None, "ts", weight="value")
    with pytest.raises(SourceError) as caught:
        list(read_interactions(database(tmp_path, [(1, 5, "much", 10)]), "t", columns))
    assert str(caught.value) == (
        'table "t", row with user = 1, item = 5, ts = 10: column "value" is \'much\' (str), '
        "expected a number or NULL. Correct or delete the row, read a view that converts the "
        "column, or name another column in label.weight of edgerec.toml"
    )


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        (964982703, 964982703),
        (964982703.9, 964982703),
        (-0.5, -1),
        ("964982703", 964982703),
        ("964982703.9", 964982703),
        ("-7", -7),
        ("2000-07-30", 964915200),
        ("20000730", 964915200),
        ("2000-07-30 18:45:03", 964982703),
        ("2000-07-30T18:45:03.999999", 964982703),
        ("2000-07-30T18:45:03Z", 964982703),
        ("2000-07-30 20:45:03+02:00", 964982703),
        ("1969-12-31 23:59:59.5", -1),
    ],
)
def test_times_become_unix_seconds(tmp_path: Path, cell: object, seconds: int) -> None:
    (chunk,) = read_interactions(database(tmp_path, [(1, 1, 1, cell)]), "t", COLUMNS)
    assert chunk.timestamps.tolist() == [seconds]


def test_a_datetime_column_is_read(tmp_path: Path) -> None:
    when = datetime(2011, 12, 9, 12, 50, tzinfo=UTC)
    engine = database(
        tmp_path, [(1, 1, 1, str(when.replace(tzinfo=None)))], "user, item, value, ts DATETIME"
    )
    (chunk,) = read_interactions(engine, "t", COLUMNS)
    assert chunk.timestamps.tolist() == [int(when.timestamp())]


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (
            (None, 3, 1, 77),
            (
                'table "t", row with user = NULL, item = 3, ts = 77: column "user" is NULL, '
                "expected a whole number within 64 bits, or text. Correct or delete the row, "
                "leave such rows out by a condition (--where 'user != \"\"', of numbers != -1, or "
                "[[interactions.where]] in edgerec.toml), read "
                "a view, such as CREATE VIEW t_clean AS SELECT * FROM t WHERE user IS NOT NULL, or "
                "name another column with --user-column (user_id in edgerec.toml)"
            ),
        ),
        ((1, None, 1, 77), 'row with user = 1, item = NULL, ts = 77: column "item" is NULL'),
        ((1, 3, 1, None), 'row with user = 1, item = 3, ts = NULL: column "ts" is NULL'),
        ((1, 3, 1, "soon"), "column \"ts\" is 'soon' (str), expected Unix seconds, ISO 8601 text"),
        ((1, 3, 1, ""), "column \"ts\" is '' (str)"),
        ((1, 3, 1, float("inf")), 'column "ts" is inf (float)'),
        ((1, 3, "good", 7), "column \"value\" is 'good' (str), expected a number or NULL"),
        ((1.5, 3, 1, 7), 'column "user" is 1.5 (float), expected a whole number'),
        ((1, b"x", 1, 7), "column \"item\" is b'x' (bytes)"),
        (
            (1, b"x", 1, 7),
            (
                "Read a view, such as CREATE VIEW t_clean AS SELECT hex(item) AS item, … FROM t, "
                "or name another column with --item-column (item_id in edgerec.toml)"
            ),
        ),
        ((1, 3, 1, "soon"), "Correct or delete the row, read a view that converts the column, or"),
        (("ann", 3, 1, 7), "column \"user\" is 'ann' (str), expected a whole number, as in the"),
    ],
)
def test_an_unreadable_cell_is_named(
    tmp_path: Path, row: tuple[object, ...], sentence: str
) -> None:
    engine = database(tmp_path, [(5, 5, 1, 5), row])
    with pytest.raises(SourceError) as raised:
        list(read_interactions(engine, "t", COLUMNS))
    assert sentence in str(raised.value)


def test_a_second_kind_of_id_is_noticed_far_from_the_first(tmp_path: Path) -> None:
    rows: list[tuple[object, ...]] = [(1, 1, 1, n) for n in range(1024)]
    rows += [("ann", 1, 1, 2000 + n) for n in range(1024)]
    with pytest.raises(SourceError) as raised:
        list(read_interactions(database(tmp_path, rows), "t", COLUMNS, chunk_rows=10))
    assert "column \"user\" is 'ann' (str), expected a whole number, as in the rows before" in str(
        raised.value
    )


@pytest.mark.parametrize("chunk_rows", [1, 2, 3])
@pytest.mark.parametrize("order", ["time", "user"])
def test_times_that_do_not_sort_as_times_are_refused(
    tmp_path: Path, chunk_rows: int, order: str
) -> None:
    engine = database(tmp_path, [(1, 1, 1, "998"), (1, 2, 1, "1001"), (1, 3, 1, "1002")])
    with pytest.raises(SourceError) as raised:
        list(read_interactions(engine, "t", COLUMNS, chunk_rows=chunk_rows, order=order))  # type: ignore[arg-type]
    assert "user 1 and item 1 at 998 come after 1002" in str(raised.value)
    assert "the column must sort in the order of time" in str(raised.value)


def test_names_are_quoted(tmp_path: Path) -> None:
    file = tmp_path / "names.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute('CREATE TABLE "order; DROP TABLE x" ("user id", "group", "a%b", "ts:x")')
        connection.execute('INSERT INTO "order; DROP TABLE x" VALUES (1, 2, 3, 4)')
        connection.commit()
    engine = open_engine(f"sqlite:///{file}")
    table = "order; DROP TABLE x"
    columns = find_columns(engine, table, item_id="group", value="a%b", timestamp="ts:x")
    assert rows_of(read_interactions(engine, table, columns)) == [(1, 2, 3.0, 4)]


def test_reserved_words_are_names_too(tmp_path: Path) -> None:
    file = tmp_path / "names.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute('CREATE TABLE "nothing" ("select", "index", "filter", "window")')
        connection.execute('INSERT INTO "nothing" VALUES (1, 2, 3, 4)')
        connection.commit()
    columns = InteractionColumns("select", "index", "filter", "window")
    read = read_interactions(open_engine(f"sqlite:///{file}"), "nothing", columns)
    assert rows_of(read) == [(1, 2, 3.0, 4)]


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match='has no table "absent"; its tables are "t"'):
        list(read_interactions(database(tmp_path, []), "absent", COLUMNS))


def test_a_chunk_needs_rows(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="chunk_rows must be 1 or more, got 0"):
        next(read_interactions(database(tmp_path, []), "t", COLUMNS, chunk_rows=0))


def test_milliseconds_are_refused_with_a_view_that_helps(tmp_path: Path) -> None:
    rows = [(1, 5, 1.0, 964_982_703_000), (1, 6, 1.0, 964_982_704_999)]
    engine = database(tmp_path, rows)
    with pytest.raises(SourceError) as raised:
        list(read_interactions(engine, "t", COLUMNS))
    assert str(raised.value) == (
        'table "t": column "ts" holds 964982703000 and later, which as Unix seconds is beyond the '
        "year 2200: they look like milliseconds. Make a view that divides them, such as CREATE "
        "VIEW t_in_seconds AS SELECT *, ts / 1000 AS seconds FROM t, and name its table and column"
    )
    view = "CREATE VIEW t_in_seconds AS SELECT *, ts / 1000 AS seconds FROM t"
    with closing(sqlite3.connect(tmp_path / "rows.db")) as connection:
        connection.execute(view)
    columns = InteractionColumns("user", "item", "value", "seconds")
    read = rows_of(read_interactions(engine, "t_in_seconds", columns))
    assert [row[3] for row in read] == [964_982_703, 964_982_704]
