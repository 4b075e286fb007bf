import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edgerec.errors import SourceError
from edgerec.source import Engine, InteractionColumns, find_columns, open_engine, table_names
from edgerec.source.kinds import reflect


def database(folder: Path, *statements: str) -> Engine:
    file = folder / "columns.db"
    with closing(sqlite3.connect(file)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return open_engine(f"sqlite:///{file}")


@pytest.mark.parametrize(
    "names",
    [
        ("userId", "movieId", "rating", "timestamp"),
        ("user_id", "item_id", "value", "ts"),
        ("USER", "ITEM", "SCORE", "TIME"),
        ("uid", "productId", "weight", "created_at"),
        ("CustomerID", "StockCode", "Quantity", "InvoiceDate"),
        ("customer id", "product-id", "stars", "event_time"),
    ],
)
def test_the_usual_spellings_are_recognised(tmp_path: Path, names: tuple[str, ...]) -> None:
    listed = ", ".join(f'"{name}"' for name in reversed(names))
    engine = database(tmp_path, f"CREATE TABLE ratings (id, {listed}, comment)")
    assert find_columns(engine, "ratings") == InteractionColumns(*names)


def test_a_value_may_be_missing(tmp_path: Path) -> None:
    engine = database(tmp_path, "CREATE TABLE views (user, item, ts)")
    assert find_columns(engine, "views") == InteractionColumns("user", "item", None, "ts")


def test_a_value_that_is_not_wanted_is_not_recognised(tmp_path: Path) -> None:
    engine = database(tmp_path, "CREATE TABLE views (user, item, rating, ts)")
    found = find_columns(engine, "views", has_value=False)
    assert found == InteractionColumns("user", "item", None, "ts")


def test_the_only_column_of_times_is_the_timestamp(tmp_path: Path) -> None:
    engine = database(
        tmp_path,
        "CREATE TABLE views (user, item, seen_at TIMESTAMP, bought BOOLEAN)",
        "CREATE TABLE visits (user, item, entered DATETIME, left_at DATETIME)",
    )
    assert find_columns(engine, "views") == InteractionColumns("user", "item", "bought", "seen_at")
    with pytest.raises(SourceError, match="no column that is recognised as the timestamp"):
        find_columns(engine, "visits")


def test_a_view_will_do(tmp_path: Path) -> None:
    engine = database(
        tmp_path,
        "CREATE TABLE t (user, item, ts)",
        "CREATE VIEW v AS SELECT * FROM t",
    )
    assert table_names(engine) == ["t", "v"]
    assert find_columns(engine, "v").item_id == "item"


def test_names_given_win_and_are_not_used_twice(tmp_path: Path) -> None:
    engine = database(tmp_path, 'CREATE TABLE t ("user", "item", "time", "value", "who")')
    found = find_columns(engine, "t", user_id="WHO", value="time", timestamp="value")
    assert found == InteractionColumns("who", "item", "time", "value")


def test_an_unknown_table_lists_the_tables_and_the_nearest(tmp_path: Path) -> None:
    engine = database(tmp_path, "CREATE TABLE ratings (a)", "CREATE TABLE movies (a)")
    with pytest.raises(SourceError) as raised:
        find_columns(engine, "rating")
    assert 'has no table "rating"; its tables are "movies", "ratings".' in str(raised.value)
    assert 'Did you mean "ratings"?' in str(raised.value)
    assert "columns.db" in str(raised.value)


@pytest.mark.parametrize(
    ("role", "option"),
    [
        ("user_id", "--user-column"),
        ("item_id", "--item-column"),
        ("value", "--value-column"),
        ("timestamp", "--timestamp-column"),
    ],
)
def test_an_unknown_column_names_the_nearest_and_the_option(
    tmp_path: Path, role: str, option: str
) -> None:
    engine = database(tmp_path, "CREATE TABLE t (userId, movieId, rating, timestamp)")
    with pytest.raises(SourceError) as raised:
        find_columns(engine, "t", **{role: "moveId"})
    assert 'table "t" has no column "moveId" for the' in str(raised.value)
    assert 'its columns are "userId", "movieId", "rating", "timestamp".' in str(raised.value)
    assert 'Did you mean "movieId"?' in str(raised.value)
    assert str(raised.value).endswith(f"Give its name with {option}")


@pytest.mark.parametrize(
    ("columns", "words", "option"),
    [
        ("thing, item, ts", "the user id (expected one named like userid, user", "--user-column"),
        ("user, thing, ts", "the item id (expected one named like itemid, item", "--item-column"),
        ("user, item, thing", "the timestamp (expected one named like", "--timestamp-column"),
    ],
)
def test_a_needed_column_that_is_not_recognised(
    tmp_path: Path, columns: str, words: str, option: str
) -> None:
    engine = database(tmp_path, f"CREATE TABLE t ({columns})")
    with pytest.raises(SourceError) as raised:
        find_columns(engine, "t")
    assert f"no column that is recognised as {words}" in str(raised.value)
    assert str(raised.value).endswith(f"Give its name with {option}")


def test_one_column_for_two_roles_is_refused(tmp_path: Path) -> None:
    engine = database(tmp_path, "CREATE TABLE t (user, item, ts)")
    with pytest.raises(SourceError) as raised:
        find_columns(engine, "t", user_id="item", item_id="ITEM")
    assert (
        'column "item" of table "t" was given for user_id (--user-column) and item_id '
        "(--item-column): name one column for each"
    ) in str(raised.value)


def test_columns_without_a_type_are_what_they_hold(tmp_path: Path) -> None:
    engine = database(
        tmp_path,
        "CREATE TABLE rows_of_any (whole, broken, words, mixed, empty, price REAL)",
        "INSERT INTO rows_of_any VALUES (1, 2, 'a', 1, NULL, 3), (NULL, 2.5, 'b', 'c', NULL, 4)",
        "CREATE VIEW computed AS SELECT whole + 1 AS whole, price FROM rows_of_any",
    )
    kinds = {name: column.kind for name, column in reflect(engine, "rows_of_any").items()}
    assert kinds == {
        "whole": "integer",
        "broken": "number",
        "words": "text",
        "mixed": "other",
        "empty": "other",
        "price": "number",
    }
    assert reflect(engine, "computed")["whole"].kind == "integer"
