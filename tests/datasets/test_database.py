import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edgerec.datasets import MovieCounts, make_interactions, write_generated_database
from edgerec.datasets.database import write_movie_tables


def test_the_tables_and_their_rows(tmp_path: Path) -> None:
    file = tmp_path / "new folder" / "movies.db"
    movies = [(1, "Toy Story (1995)", "Animation|Comedy")]
    ratings = [(7, 1, 4.5, 964982703), (8, 1, 1.0, 964982704)]
    counts = write_movie_tables(file, movies, ratings, [(7, 1, "fun", 964982705)])
    assert counts == MovieCounts(n_movies=1, n_ratings=2, n_tags=1)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT movieId, title, genres FROM movies").fetchall() == movies
        columns = "userId, movieId, rating, timestamp"
        assert connection.execute(f"SELECT {columns} FROM ratings").fetchall() == ratings
        tags = connection.execute("SELECT userId, movieId, tag, timestamp FROM tags").fetchall()
        assert tags == [(7, 1, "fun", 964982705)]
        indexes = connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
        assert indexes.fetchall() == [("ratings_by_user",)]


def test_a_file_that_fails_half_way_leaves_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / "movies.db"
    write_movie_tables(file, [(1, "A", "")], [], [])
    before = file.read_bytes()

    def broken() -> Iterator[tuple[int, int, float, int]]:
        yield 1, 1, 3.0, 5
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError, match="the source broke"):
        write_movie_tables(file, [(2, "B", "")], broken(), [])
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_generated_data_has_the_same_tables(tmp_path: Path) -> None:
    file = tmp_path / "generated.db"
    made = make_interactions(60, 90, 2000)
    assert write_generated_database(file, made) == MovieCounts(90, 2000, 0)
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute("SELECT * FROM ratings").fetchall()
        (title,) = connection.execute("SELECT title FROM movies WHERE movieId = 39").fetchone()
    assert [row[3] for row in rows] == made.timestamps.tolist()
    assert [row[2] for row in rows] == made.values.tolist()
    assert title.startswith("Generated Movie 39 (")
