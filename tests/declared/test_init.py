"""edgerec init, and training from the draft as it is."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edgerec.cli import main
from edgerec.datasets import write_generated_database
from edgerec.declared.reading import read_configuration
from edgerec.declared.recsys import declared_rec_sys
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
    assert [one.kind for one in configuration.items.features] == ["extract", "multi_hot"]
    assert configuration.evaluation.test_table == "ratings_test"
    capsys.readouterr()
    assert main(["train", "edgerec.toml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["auc"] > 0.6
    assert Path("models/edgerec.onnx").is_file()


def test_a_draft_of_purchases_trains_as_it_is(shop: None) -> None:
    assert main(["init", "sqlite:///shop.db"]) == 0
    configuration = read_configuration("edgerec.toml")
    assert configuration.label.rule == "taken"
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
    assert main(["evaluate", "edgerec.toml", "--top", "3", "--repeats", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)["ranking"]
    assert (again["k"], "allowed and relevant" in again["protocol"]) == (3, True)
    assert main(["evaluate", "edgerec.toml", "--label-above", "3"]) == 1
    assert "names tables, columns and rules itself" in capsys.readouterr().err


def test_negatives_are_seeded_and_never_what_the_user_took(shop: None) -> None:
    main(["init", "sqlite:///shop.db"])
    rec_sys = declared_rec_sys("edgerec.toml")
    samples = list(rec_sys.sample_generator())
    assert samples == list(rec_sys.sample_generator())
    taken = {(one.user_id, one.item_id) for one in samples if one.label == 1}
    left = [one for one in samples if one.label == 0]
    assert len(left) > len(taken)
    assert all(one.value is None for one in left)
    assert not taken & {(one.user_id, one.item_id) for one in left}


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
