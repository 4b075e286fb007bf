"""[sequences]: what item2vec learns from may stand in another table."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edgerec.cli import main
from edgerec.declared.capabilities import declared_rec_sys
from edgerec.recsys import ItemEmbedding
from tests.shop import FILE, write_shop

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


BASKETS = """
CREATE TABLE baskets (basket TEXT, article TEXT, at TEXT, kept INT);
INSERT INTO baskets VALUES ('b', 'i3', '2024-01-02', 1), ('a', 'i2', '2024-01-02', 1),
    ('b', 'i1', '2024-01-01', 1), ('b', 'i8', '2024-01-03', 0), ('a', 'i1', '2024-01-01', 1),
    ('c', 'unknown', '2024-01-01', 1);
"""
ALL = """
[training.embedding]
sequences = "all"
"""


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_shop(tmp_path, BASKETS)


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


def test_all_that_has_a_value_is_a_sequence_where_it_is_asked_for() -> None:
    with closing(sqlite3.connect("shop.db")) as database, database:
        database.execute("UPDATE ratings SET stars = NULL WHERE time >= 5 OR user_id = 2")
    Path("edgerec.toml").write_text(FILE + ALL)
    rec_sys = declared_rec_sys("edgerec.toml")
    assert isinstance(rec_sys, ItemEmbedding)
    first, second, *others = rec_sys.item_seq_generator()
    assert first == ["i0"] * 5 and second == ["i0", "i1", "i2", "i3", "i4"]
    assert len(others) == 17
    Path("edgerec.toml").write_text(f"{FILE}{ALL}session_gap = 1\n")
    apart = declared_rec_sys("edgerec.toml").item_seq_generator()  # type: ignore[attr-defined]
    assert list(apart)[5:10] == [["i0"], ["i1"], ["i2"], ["i3"], ["i4"]]


@pytest.mark.parametrize("other", [SEQUENCES, ""])
def test_another_table_wins_and_what_is_only_taken_is_liked(other: str) -> None:
    text = FILE if other else FILE.replace('"above"\nabove = 2', '"taken"')
    Path("edgerec.toml").write_text(text + other + ALL)
    rec_sys = declared_rec_sys("edgerec.toml")
    assert isinstance(rec_sys, ItemEmbedding) == bool(other)
    if other:
        assert next(iter(rec_sys.item_seq_generator())) == ["i1", "i2"]
