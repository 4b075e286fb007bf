"""[sequences]: what item2vec learns from may stand in another table."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edgerec.cli import main
from edgerec.declared.recsys import declared_rec_sys
from edgerec.recsys import ItemEmbedding

FILE = """\
[database]
url = "sqlite:///shop.db"

[interactions]
table = "ratings"
user_id = "user_id"
item_id = "item_id"
timestamp = "time"
value = "stars"

[label]
rule = "above"
above = 2
"""
SEQUENCES = """
[sequences]
table = "baskets"
group = "basket"
item_id = "article"
timestamp = "at"

[[sequences.where]]
column = "kept"
operator = "=="
value = 1
"""


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection, connection:
        connection.execute(
            "CREATE TABLE ratings (user_id INTEGER, item_id TEXT, stars INTEGER, time INTEGER)"
        )
        connection.executemany(
            "INSERT INTO ratings VALUES (?, ?, ?, ?)",
            [
                (user, f"i{(user * step) % 9}", (user + step) % 5, step)
                for user in range(20)
                for step in range(9)
            ],
        )
        connection.execute("CREATE TABLE baskets (basket TEXT, article TEXT, at TEXT, kept INT)")
        connection.executemany(
            "INSERT INTO baskets VALUES (?, ?, ?, ?)",
            [
                ("b", "i3", "2024-01-02", 1),
                ("a", "i2", "2024-01-02", 1),
                ("b", "i1", "2024-01-01", 1),
                ("b", "i8", "2024-01-03", 0),
                ("a", "i1", "2024-01-01", 1),
                ("c", "unknown", "2024-01-01", 1),
            ],
        )


def test_a_sequence_is_a_group_in_order_of_time() -> None:
    Path("edgerec.toml").write_text(FILE + SEQUENCES)
    rec_sys = declared_rec_sys("edgerec.toml")
    assert isinstance(rec_sys, ItemEmbedding)
    assert list(rec_sys.item_seq_generator()) == [["i1", "i2"], ["i1", "i3"], ["unknown"]]


def test_sequences_do_not_depend_on_the_chunks() -> None:
    Path("edgerec.toml").write_text(FILE + SEQUENCES)
    sequences = declared_rec_sys("edgerec.toml")._sequences  # type: ignore[attr-defined]
    assert list(sequences.read(1)) == list(sequences.read(1000))


def test_without_the_section_nothing_is_offered() -> None:
    Path("edgerec.toml").write_text(FILE)
    assert not isinstance(declared_rec_sys("edgerec.toml"), ItemEmbedding)


def test_a_file_with_sequences_trains() -> None:
    Path("edgerec.toml").write_text(FILE + SEQUENCES)
    fast = ["--max-epochs", "1", "--embedding-dim", "4", "--n-history", "8"]
    assert main(["train", "edgerec.toml", *fast]) == 0
    assert Path("models/model.onnx").is_file()


@pytest.mark.parametrize("gap", [86_400, 86_401])
def test_a_group_is_split_where_time_passed(gap: int) -> None:
    setting = f"\n[training.embedding]\nsession_gap = {gap}\n"
    Path("edgerec.toml").write_text(FILE + SEQUENCES + setting)
    rec_sys = declared_rec_sys("edgerec.toml")
    assert isinstance(rec_sys, ItemEmbedding)
    whole = [["i1", "i2"], ["i1", "i3"], ["unknown"]]
    apart = [["i1"], ["i2"], ["i1"], ["i3"], ["unknown"]]
    assert list(rec_sys.item_seq_generator()) == (apart if gap == 86_400 else whole)
