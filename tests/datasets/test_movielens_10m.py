import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edgerec.datasets import find_movielens_10m, write_movielens_10m_database
from edgerec.errors import DatasetUnavailable


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEREC_DATA", str(tmp_path))
    folder = tmp_path / "ml-10M100K"
    folder.mkdir()
    (folder / "movies.dat").write_text("1::Toy Story (1995)::Animation|Children\n7::Été::Drama\n")
    (folder / "ratings.dat").write_text("1::7::4.5::838985046\n2::1::3::838983525\n")
    return folder


def test_it_is_found_where_the_user_has_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_movielens_10m() == folder
    (folder / "ratings.dat").unlink()
    assert find_movielens_10m() is None
    monkeypatch.delenv("EDGEREC_DATA")
    assert find_movielens_10m() is None


def test_its_database(folder: Path, tmp_path: Path) -> None:
    counts = write_movielens_10m_database(folder, tmp_path / "movielens.db")
    assert counts == (2, 2, 0)
    with closing(sqlite3.connect(tmp_path / "movielens.db")) as connection:
        ratings = connection.execute("SELECT * FROM ratings ORDER BY userId").fetchall()
        movies = connection.execute("SELECT title FROM movies ORDER BY movieId").fetchall()
    assert ratings == [(1, 7, 4.5, 838985046), (2, 1, 3.0, 838983525)]
    assert movies == [("Toy Story (1995)",), ("Été",)]


def test_a_line_that_is_none_of_its_is_said(folder: Path, tmp_path: Path) -> None:
    (folder / "ratings.dat").write_text("1::7::4.5::838985046\n1,2,3,4\n")
    with pytest.raises(DatasetUnavailable) as caught:
        write_movielens_10m_database(folder, tmp_path / "movielens.db")
    assert str(caught.value) == (
        f"line 2 of {folder / 'ratings.dat'} has 1 fields where MovieLens 10M has 4, separated by "
        "::: '1,2,3,4'. Unpack the archive again."
    )
    assert not (tmp_path / "movielens.db").exists()
