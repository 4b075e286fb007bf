"""edgerec init, and training from the draft as it is."""

import json
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edgerec.cli import main
from edgerec.datasets import write_generated_database
from edgerec.declared.capabilities import declared_rec_sys
from edgerec.declared.reading import read_configuration
from tests.trained import interactions

FAST = ["--max-epochs", "2", "--embedding-dim", "4", "--n-history", "8"]


@pytest.fixture
def movies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_generated_database(tmp_path / "movies.db", interactions())


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Purchases alone: string ids, quantities, returns, descriptions in the rows."""
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection, connection:
        connection.execute(
            "CREATE TABLE purchases (StockCode TEXT, Description TEXT, Quantity INTEGER,"
            " InvoiceDate TEXT, CustomerID INTEGER)"
        )
        rows = [
            (
                f"{item}A",
                f"thing {item}",
                -1 if item % 9 == 0 else item % 40,
                f"2011-0{step}-01",
                user,
            )
            for user in range(40)
            for step in range(1, 10)
            for item in [2 * ((user * step) % 30) + user % 2]
        ]
        connection.executemany("INSERT INTO purchases VALUES (?, ?, ?, ?, ?)", rows)


def test_a_draft_of_ratings_trains_as_it_is(movies: None, capsys) -> None:
    assert main(["split", "sqlite:///movies.db", "--table", "ratings", "--by", "user"]) == 0
    assert main(["init", "sqlite:///movies.db"]) == 0
    configuration = read_configuration("edgerec.toml")
    assert configuration.interactions.table == "ratings_train"
    assert configuration.label.above == 3.5
    assert configuration.training.embedding.sequences == "all"
    assert [one.kind for one in configuration.items.features] == ["extract", "multi_hot"]
    assert configuration.evaluation.test_table == "ratings_test"
    capsys.readouterr()
    assert main(["train", "edgerec.toml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["auc"] > 0.6
    assert Path("models/edgerec.onnx").is_file()


def test_a_draft_of_yes_and_no_learns_from_what_was_liked(movies: None) -> None:
    with closing(sqlite3.connect("movies.db")) as connection, connection:
        connection.execute("UPDATE ratings SET rating = rating > 3.5")
    assert main(["init", "sqlite:///movies.db"]) == 0
    configuration = read_configuration("edgerec.toml")
    assert configuration.label.above == 0
    assert configuration.training.embedding.sequences == "liked"


def test_a_draft_of_purchases_trains_as_it_is(shop: None) -> None:
    assert main(["init", "sqlite:///shop.db"]) == 0
    configuration = read_configuration("edgerec.toml")
    assert configuration.label.rule == "taken"
    assert configuration.training.embedding.sequences == "liked"
    assert configuration.items.title == "Description"
    (condition,) = configuration.interactions.where
    assert (condition.column, condition.operator, condition.value) == ("Quantity", ">", 0)
    assert main(["train", "edgerec.toml", *FAST]) == 0


@pytest.mark.parametrize("kind", ["INTEGER", "TEXT"])
def test_purchases_of_nobody_are_left_out(shop: None, capsys, kind: str) -> None:
    with closing(sqlite3.connect("shop.db")) as connection, connection:
        connection.execute(
            "CREATE TABLE orders (StockCode TEXT, Quantity INTEGER, InvoiceDate TEXT,"
            f" CustomerID {kind})"
        )
        connection.execute(
            "INSERT INTO orders SELECT StockCode, 1 + abs(Quantity), InvoiceDate, CustomerID"
            " FROM purchases"
        )
        connection.execute("INSERT INTO orders VALUES ('2A', -3, '2011-01-01', NULL)")
    url = "sqlite:///shop.db"
    assert main(["init", url, "--tables", "interactions=orders"]) == 0
    # The rows of nobody have no say: no value below 0 is left.
    (nobody,) = read_configuration("edgerec.toml").interactions.where
    assert (nobody.column, nobody.operator) == ("CustomerID", "!=")
    rec_sys = declared_rec_sys("edgerec.toml")
    assert len({one.user_id for one in rec_sys.sample_generator()}) == 40
    # The split needs the same condition, and says so by naming the row.
    split = ["split", url, "--table", "orders", "--by", "user-time"]
    assert main(split) == 1
    assert "CustomerID = NULL" in capsys.readouterr().err
    assert main([*split, "--where", f"CustomerID != {nobody.value or repr('')}"]) == 0
    assert "40 users" in capsys.readouterr().out


def test_what_was_taken_is_evaluated_by_ranking(shop: None, capsys) -> None:
    assert main(["split", "sqlite:///shop.db", "--table", "purchases", "--by", "user-time"]) == 0
    assert main(["init", "sqlite:///shop.db"]) == 0
    configuration = read_configuration("edgerec.toml")
    assert configuration.interactions.table == "purchases_train"
    assert configuration.evaluation.test_table == "purchases_test"
    capsys.readouterr()
    assert main(["train", "edgerec.toml", *FAST, "--json"]) == 0
    trained = json.loads(capsys.readouterr().out)
    assert main(["evaluate", "edgerec.toml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == trained
    assert "value > 0" in trained["ranking"]["protocol"]
    assert main(["evaluate", "edgerec.toml", "--repeats", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)["ranking"]
    assert (again["k"], "allowed and relevant" in again["protocol"]) == (10, True)
    assert main(["evaluate", "edgerec.toml", "--label-above", "3"]) == 1
    assert "names tables, columns and rules itself" in capsys.readouterr().err


def test_negatives_are_seeded_and_never_what_the_user_took(shop: None) -> None:
    main(["init", "sqlite:///shop.db"])
    # The draft's objective finds its own.
    assert {one.label for one in declared_rec_sys("edgerec.toml").sample_generator()} == {1.0}
    draft = Path("edgerec.toml").read_text()
    Path("edgerec.toml").write_text(draft + '\n[training]\nobjective = "samples"\n')
    rec_sys = declared_rec_sys("edgerec.toml")
    samples = list(rec_sys.sample_generator())
    assert samples == list(rec_sys.sample_generator())
    taken = {(one.user_id, one.item_id) for one in samples if one.label == 1}
    left = [one for one in samples if one.label == 0]
    assert len(left) > len(taken)
    assert all(one.value is None for one in left)
    assert not taken & {(one.user_id, one.item_id) for one in left}


@pytest.mark.parametrize("column", ["quantity", "order_qty", "itemCount", "amount", "price"])
def test_an_amount_is_no_rating(
    column: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("shop.db")) as connection, connection:
        connection.execute(f"CREATE TABLE orders (user INT, item INT, time INT, {column} INT)")
        rows = [(user, item, item, 1 + item % 3) for user in range(4) for item in range(9)]
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", rows)
    assert main(["init", "sqlite:///shop.db", "--value-column", column]) == 0
    assert (
        f'label: the rule "taken", every row is a positive, since {column} says how much and not '
        'how well liked. If the rows hold a rating, write rule = "above" and above = NUMBER under '
        "[label].\n"
    ) in capsys.readouterr().out
    configuration = read_configuration("edgerec.toml")
    assert (configuration.label.rule, configuration.label.above) == ("taken", None)
    assert configuration.training.embedding.sequences == "liked"
    assert configuration.interactions.where == []
    # Rows of nothing are left out; beside one other value they are a no beside a yes.
    change(tmp_path / "shop.db", f"UPDATE orders SET {column} = 0 WHERE item = 3")
    again = ["init", "sqlite:///shop.db", "--value-column", column, "--overwrite"]
    assert main(again) == 0
    (condition,) = read_configuration("edgerec.toml").interactions.where
    assert (condition.column, condition.operator, condition.value) == (column, ">", 0)
    change(tmp_path / "shop.db", f"UPDATE orders SET {column} = item % 2")
    assert main(again) == 0
    assert read_configuration("edgerec.toml").label.above == 0


def test_why_a_rating_is_taken_for_one_is_said(movies: None, capsys) -> None:
    assert main(["init", "sqlite:///movies.db"]) == 0
    said = capsys.readouterr().out
    assert 'label: the rule "above", a value above 3.5 is liked, since rating has ' in said
    assert 'If every row is a positive, write rule = "taken" under [label].\n' in said


def test_a_draft_hints_at_what_is_written_of_the_items(shop: None) -> None:
    change(Path("shop.db"), "CREATE TABLE goods (StockCode TEXT PRIMARY KEY, Name TEXT)")
    change(Path("shop.db"), "ALTER TABLE goods ADD COLUMN LongDescription TEXT")
    change(Path("shop.db"), "ALTER TABLE goods ADD COLUMN Context TEXT")
    assert main(["init", "sqlite:///shop.db"]) == 0
    draft = Path("edgerec.toml").read_text()
    hint = '# [text]\n# columns = ["Name", "LongDescription"]\n'
    assert hint in draft
    assert read_configuration("edgerec.toml").text is None
    Path("edgerec.toml").write_text(draft.replace(hint, hint.replace("# ", "")))
    assert read_configuration("edgerec.toml").text.columns == ["Name", "LongDescription"]
    change(Path("shop.db"), "ALTER TABLE goods DROP COLUMN LongDescription")
    change(Path("shop.db"), "ALTER TABLE goods DROP COLUMN Name")
    assert main(["init", "sqlite:///shop.db", "--overwrite"]) == 0
    assert "[text]" not in Path("edgerec.toml").read_text()


def test_a_file_that_is_there_is_not_replaced_unasked(movies: None, capsys) -> None:
    Path("edgerec.toml").write_text("mine")
    assert main(["init", "sqlite:///movies.db"]) == 1
    assert "is there already" in capsys.readouterr().err
    assert Path("edgerec.toml").read_text() == "mine"
    assert main(["init", "sqlite:///movies.db", "--overwrite"]) == 0


@pytest.mark.parametrize(
    ("tables", "sentence"),
    [
        ("orders=ratings", "expected ROLE=TABLE with a role of interactions, items, users"),
        ("items=none", "there is no such table; the tables are movies, ratings, tags"),
    ],
)
def test_a_wrong_role_is_a_sentence(movies: None, capsys, tables: str, sentence: str) -> None:
    assert main(["init", "sqlite:///movies.db", "--tables", tables]) == 1
    assert sentence in capsys.readouterr().err


def test_users_and_items_in_two_tables_are_joined_by_a_view(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("shop.db")) as connection, connection:
        connection.executescript(
            "CREATE TABLE orders (order_id INTEGER PRIMARY KEY, customer_id INT, ordered DATETIME);"
            "CREATE TABLE lines (order_id INTEGER, sku TEXT, quantity INTEGER);"
        )
    assert main(["init", "sqlite:///shop.db"]) == 1
    view = (
        "CREATE VIEW interactions AS SELECT customer_id, sku, quantity, ordered FROM orders "
        "JOIN lines USING (order_id)"
    )
    advice = f"stand in orders, items in lines: join them by a view, for example {view}."
    assert advice in capsys.readouterr().err
    with closing(sqlite3.connect("shop.db")) as connection, connection:
        connection.execute(view)
    assert main(["init", "sqlite:///shop.db"]) == 0
    assert read_configuration("edgerec.toml").interactions.table == "interactions"


def test_a_table_without_times_says_what_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("books.db")) as connection, connection:
        connection.execute("CREATE TABLE ratings (user_id INTEGER, isbn TEXT, rating INTEGER)")
    assert main(["init", "sqlite:///books.db"]) == 1
    assert "where there is no time, a number that grows with each row serves" in (
        capsys.readouterr().err
    )


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Orders whose time has an unusual name, without a value."""
    monkeypatch.chdir(tmp_path)
    rows = [
        (f"c{user}", f"a{2 * step + user % 2}", f"2024-0{step}-01 08:00:00")
        for user in range(20)
        for step in range(1, 9)
    ]
    with closing(sqlite3.connect("orders.db")) as connection, connection:
        connection.execute("CREATE TABLE orders (customer TEXT, article TEXT, moment TEXT)")
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?)", rows)
    return tmp_path / "orders.db"


def change(database: Path, statement: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(statement)


def failing(capsys, *arguments: str) -> str:
    capsys.readouterr()
    assert main(list(arguments)) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    return said.removeprefix("error: ").strip()


def test_columns_of_unusual_names_are_named(orders: Path, capsys) -> None:
    assert failing(capsys, "init", "sqlite:///orders.db") == (
        "No table has columns that are recognised as user, item and time; the tables are orders. "
        "Name its columns with --user-column, --item-column and --timestamp-column; where there "
        "is no time, a number that grows with each row serves."
    )
    assert main(["init", "sqlite:///orders.db", "--timestamp-column", "moment"]) == 0
    assert read_configuration("edgerec.toml").interactions.timestamp == "moment"
    assert main(["train", "edgerec.toml", *FAST]) == 0


def test_a_table_without_rows_is_named(orders: Path, capsys) -> None:
    change(orders, "DELETE FROM orders")
    assert main(["init", "sqlite:///orders.db", "--timestamp-column", "moment"]) == 0
    assert failing(capsys, "train", "edgerec.toml") == (
        'table "orders" holds no row, so there is nothing to learn from. Fill it, or name another '
        "table in [interactions]"
    )


def test_a_catalogue_of_one_item_is_a_sentence(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("one.db")) as connection, connection:
        connection.execute("CREATE TABLE taken (user INTEGER, item TEXT, time INTEGER)")
        rows = [(user, "A", 1000 + 60 * user + step) for user in range(5) for step in range(3)]
        connection.executemany("INSERT INTO taken VALUES (?, ?, ?)", rows)
    assert main(["init", "sqlite:///one.db"]) == 0
    assert main(["train", "edgerec.toml", "--no-report"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("item2vec learns nothing: its sequences hold one item alone")
    assert "\nerror: Of 15 samples none is left to train on. By the objective 'top' that" in said


def test_a_database_without_tables_is_named(orders: Path, capsys) -> None:
    change(orders, "DROP TABLE orders")
    assert failing(capsys, "init", "sqlite:///orders.db") == (
        "the database sqlite:///orders.db has no tables: name another in the URL, or fill it first"
    )


def test_ids_that_are_null_can_be_left_out_by_the_view_that_the_error_names(
    orders: Path, capsys
) -> None:
    assert main(["init", "sqlite:///orders.db", "--timestamp-column", "moment"]) == 0
    # A draft that is made later leaves such rows out by itself.
    change(orders, "INSERT INTO orders VALUES (NULL, 'a2', '2024-01-01 08:00:00')")
    said = failing(capsys, "train", "edgerec.toml")
    view = "CREATE VIEW orders_clean AS SELECT * FROM orders WHERE customer IS NOT NULL"
    assert said == (
        "table \"orders\", row with customer = NULL, article = 'a2', moment = "
        "'2024-01-01 08:00:00': column \"customer\" is NULL, expected a whole number within 64 "
        "bits, or text. Correct or delete the row, leave such rows out by a condition (--where "
        "'customer != \"\"', of numbers != -1, or [[interactions.where]] in edgerec.toml), "
        f"read a view, such as {view}, or name another "
        "column with --user-column (user_id in edgerec.toml)"
    )
    change(orders, view)
    named = ["--tables", "interactions=orders_clean", "--timestamp-column", "moment"]
    assert main(["init", "sqlite:///orders.db", "--overwrite", *named]) == 0
    assert main(["train", "edgerec.toml", *FAST]) == 0


def test_a_table_that_a_split_divided_is_not_drafted_with_its_own_test_rows(
    orders: Path, capsys
) -> None:
    named = ["--tables", "interactions=orders", "--timestamp-column", "moment"]
    for half in ("train", "test"):
        change(orders, f"CREATE TABLE orders_{half} AS SELECT * FROM orders")
    assert main(["init", "sqlite:///orders.db", "--overwrite", *named]) == 0
    assert "\n[evaluation]" not in Path("edgerec.toml").read_text()
    change(orders, "DROP TABLE orders_train")
    # Then the test table is one that its owner made.
    assert main(["init", "sqlite:///orders.db", "--overwrite", *named]) == 0
    assert '\n[evaluation]\ntest_table = "orders_test"' in Path("edgerec.toml").read_text()


def test_the_draft_names_a_split_that_works(orders: Path, capsys) -> None:
    change(orders, "ALTER TABLE orders RENAME COLUMN customer TO buyer_number")
    change(orders, "INSERT INTO orders VALUES (NULL, 'a2', '2024-01-01 08:00:00')")
    named = ["--user-column", "buyer_number", "--item-column", "article"]
    named += ["--timestamp-column", "moment"]
    assert main(["init", "sqlite:///orders.db", "--overwrite", *named]) == 0
    line = next(one for one in Path("edgerec.toml").read_text().splitlines() if "split DAT" in one)
    words = shlex.split(line.removeprefix("# edgerec "))
    words[words.index("DATABASE_URL")] = "sqlite:///orders.db"
    assert main(words) == 0


def test_a_column_that_no_table_has_is_named(orders: Path, capsys) -> None:
    assert failing(capsys, "init", "sqlite:///orders.db", "--user-column", "custommer") == (
        '--user-column custommer: no table has such a column. Did you mean "customer"? There are '
        "article, customer, moment."
    )


def test_a_url_may_come_from_the_environment(
    orders: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["init", "${SHOP}", "--timestamp-column", "moment", "--overwrite"]
    assert failing(capsys, *words) == (
        "the URL needs the environment variable SHOP, which is not set. Set it, for example "
        "`export SHOP=…`."
    )
    monkeypatch.setenv("SHOP", "sqlite:///orders.db")
    assert main(words) == 0
    assert 'url = "${SHOP}"' in Path("edgerec.toml").read_text()
