import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy

from edgerec.errors import SourceError
from edgerec.source import Engine, InteractionColumns, copy_rows, open_engine

COLUMNS = InteractionColumns("user", "item", None, "when")
ROWS: list[tuple[object, ...]] = [
    (3, "b", "2001-01-03 00:00:00", 1.5, None, b"\x00x", 3),
    (1, "a", "2001-01-01T00:00:00", None, "50%", b"", "text"),
    (2, "c", "2001-01-02", 1, "ü", None, 2.5),
]
IN_ORDER = [ROWS[1], ROWS[2], ROWS[0]]
TIMES = np.array([978307200, 978393600, 978480000])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "copy.db"
    run(
        file,
        'CREATE TABLE t (user INTEGER PRIMARY KEY, item VARCHAR(20) NOT NULL, "when" DATETIME, '
        '"a b" REAL, "50%" TEXT, "nothing" BLOB, untyped)',
    )
    with closing(sqlite3.connect(file)) as connection:
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", ROWS)
        connection.commit()
    return file


def run(file: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute(statement).fetchall()
        connection.commit()
        return rows


def copy(file: Path, mask: list[bool], *, overwrite: bool = False, times: object = TIMES) -> Engine:
    engine = open_engine(f"sqlite:///{file}")
    masks = {"t_yes": np.array(mask), "t_no": ~np.array(mask)}
    copy_rows(engine, "t", COLUMNS, masks, np.array(times), overwrite=overwrite)
    return engine


def test_every_cell_is_copied_as_it_is(file: Path) -> None:
    copy(file, [True, False, True])
    assert run(file, "SELECT * FROM t_yes") == [IN_ORDER[0], IN_ORDER[2]]
    assert run(file, "SELECT * FROM t_no") == [IN_ORDER[1]]
    assert run(file, "SELECT * FROM t ORDER BY user") == sorted(ROWS, key=str)


def test_columns_keep_names_types_and_not_null(file: Path) -> None:
    copy(file, [True, False, True])
    described = [row[1:4] for row in run(file, "PRAGMA table_info(t_yes)")]
    assert described == [
        ("user", "INTEGER", 0),
        ("item", "VARCHAR(20)", 1),
        ("when", "DATETIME", 0),
        ("a b", "REAL", 0),
        ("50%", "TEXT", 0),
        ("nothing", "BLOB", 0),
        ("untyped", "BLOB", 0),
    ]


def test_an_existing_table_is_replaced_only_when_asked(file: Path) -> None:
    copy(file, [True, False, True])
    with pytest.raises(SourceError) as raised:
        copy(file, [False, False, True])
    assert 'already has a table "t_yes": drop or rename it, or pass overwrite=True' in str(
        raised.value
    )
    assert len(run(file, "SELECT * FROM t_yes")) == 2
    copy(file, [False, False, True], overwrite=True)
    assert run(file, "SELECT * FROM t_yes") == [IN_ORDER[2]]
    assert run(file, "SELECT * FROM t_no") == [IN_ORDER[0], IN_ORDER[1]]


def test_a_table_of_something_else_is_never_replaced(file: Path) -> None:
    run(file, "CREATE TABLE t_no (precious TEXT)")
    with pytest.raises(SourceError) as raised:
        copy(file, [True, False, True], overwrite=True)
    assert 'table "t_no" is not replaced: its columns are precious, not those of "t"' in str(
        raised.value
    )
    assert run(file, "SELECT name FROM sqlite_master WHERE name = 't_yes'") == []


def test_a_view_is_never_replaced(file: Path) -> None:
    run(file, "CREATE VIEW t_no AS SELECT * FROM t")
    with pytest.raises(SourceError, match='has a view "t_no", where a table is to be written'):
        copy(file, [True, False, True], overwrite=True)


@pytest.mark.parametrize("times", [TIMES + 1, TIMES[:2], [*TIMES, 999999999]])
def test_a_table_that_changed_leaves_nothing_written(file: Path, times: object) -> None:
    copy(file, [True, True, True])
    with pytest.raises(SourceError, match='table "t" changed while it was being copied'):
        copy(file, [True, False, True, True], overwrite=True, times=times)
    assert run(file, "SELECT * FROM t_yes") == IN_ORDER


def test_a_copy_that_outgrows_the_cache_of_sqlite(file: Path) -> None:
    # SQLite then locks the file before the commit, against a second connection of our own too.
    many = 5000
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DELETE FROM t")
        rows = ((n, "x" * 20, 978307200 + n) for n in range(many))
        connection.executemany('INSERT INTO t (user, item, "when") VALUES (?, ?, ?)', rows)
        connection.commit()
    engine = open_engine(f"sqlite:///{file}")

    def shrink(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("PRAGMA busy_timeout = 0")

    sqlalchemy.event.listen(engine, "connect", shrink)
    masks = {"t_yes": np.ones(many, dtype=bool)}
    for _ in range(2):
        copy_rows(engine, "t", COLUMNS, masks, 978307200 + np.arange(many), overwrite=True)
    assert run(file, "SELECT count(*) FROM t_yes") == [(many,)]
