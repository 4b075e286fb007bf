"""Tables of items and users that describe other things than the interactions have."""

import sqlite3
from pathlib import Path

import pytest

from edgerec.cli import main

CONFIGURATION = """
[database]
url = "sqlite:///plays.db"
[interactions]
table = "plays"
user_id = "who"
item_id = "what"
timestamp = "at"
value = "stars"
[label]
rule = "above"
above = 3
[{role}]
table = "{role}"
id = "{column}"
[[{role}.features]]
column = "size"
kind = "standard"
[training.network]
max_epochs = 1
"""


@pytest.fixture(autouse=True)
def plays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    connection = sqlite3.connect("plays.db")
    connection.execute("CREATE TABLE plays (who INTEGER, what INTEGER, stars REAL, at INTEGER)")
    for table in ("items", "users"):
        connection.execute(f"CREATE TABLE {table} (id INTEGER, far INTEGER, name TEXT, size REAL)")
        connection.executemany(
            f"INSERT INTO {table} VALUES (?, ?, ?, ?)",
            [(one, one + 1000, f"thing {one}", float(one)) for one in range(8)],
        )
    connection.executemany(
        "INSERT INTO plays VALUES (?, ?, ?, ?)",
        [(n % 8, n % 7, 5.0 if n % 2 else 1.0, n) for n in range(56)],
    )
    connection.commit()
    connection.close()


OTHERS = {
    ("items", "name"): (
        'table "items" has ids such as \'thing 0\' in column "name", but the interactions\' items '
        "are whole numbers: fill it, or name in [items] the column of the same ids, or leave "
        "[items] out"
    ),
    ("items", "far"): (
        "None of the 7 items of the samples is among the 8 that item_generator yields (such as 0 "
        "here and 1000 there), so what is known of those says nothing of these. Yield the ids that "
        "samples have; in edgerec.toml, name the column of those ids in [items]."
    ),
    ("users", "far"): (
        'none of 8 users, such as 0, stands in column "far" of table "users": fill it, or name in '
        "[users] the column of the interactions' user ids, or leave [users] out"
    ),
}


@pytest.mark.parametrize(("role", "column"), OTHERS)
def test_a_column_of_other_ids_is_refused(
    role: str, column: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("edgerec.toml").write_text(CONFIGURATION.format(role=role, column=column))
    assert main(["train", "edgerec.toml"]) == 1
    assert " ".join(capsys.readouterr().err.split()) == f"error: {OTHERS[role, column]}"


def test_an_empty_table_of_items_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    connection = sqlite3.connect("plays.db")
    connection.execute("DELETE FROM items")
    connection.commit()
    connection.close()
    Path("edgerec.toml").write_text(CONFIGURATION.format(role="items", column="id"))
    assert main(["train", "edgerec.toml"]) == 1
    assert 'table "items" holds no row in column "id"' in capsys.readouterr().err


@pytest.mark.parametrize("role", ["items", "users"])
def test_the_right_column_trains(role: str) -> None:
    Path("edgerec.toml").write_text(CONFIGURATION.format(role=role, column="id"))
    assert main(["train", "edgerec.toml"]) == 0
