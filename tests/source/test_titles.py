import sqlite3

from edgerec.source import open_engine, read_titles


def test_titles_by_id_the_first_stated_one_counts(tmp_path):
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("CREATE TABLE goods (id INTEGER, title TEXT)")
        rows = [(3, "three"), (1, None), (1, "one"), (2, None), (4, "<four>")]
        connection.executemany("INSERT INTO goods VALUES (?, ?)", rows)
    connection.close()
    engine = open_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    found = read_titles(engine, "goods", "id", "title", [4, 2, 1, 9])
    assert found == ["<four>", None, "one", None]
