"""Writing a movie database, the tables of MovieLens, as one whole SQLite file."""

import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

__all__ = ["MovieCounts", "write_movie_tables"]

_SCHEMA = """
CREATE TABLE movies (movieId INTEGER PRIMARY KEY, title TEXT NOT NULL, genres TEXT NOT NULL);
CREATE TABLE ratings (
    userId INTEGER NOT NULL, movieId INTEGER NOT NULL, rating REAL NOT NULL,
    timestamp INTEGER NOT NULL
);
CREATE TABLE tags (
    userId INTEGER NOT NULL, movieId INTEGER NOT NULL, tag TEXT NOT NULL,
    timestamp INTEGER NOT NULL
);
"""


class MovieCounts(NamedTuple):
    """How many rows a movie database has."""

    n_movies: int
    n_ratings: int
    n_tags: int


def write_movie_tables(
    path: str | Path,
    movies: Iterable[tuple[int, str, str]],
    ratings: Iterable[tuple[int, int, float, int]],
    tags: Iterable[tuple[int, int, str, int]],
) -> MovieCounts:
    """Write tables movies, ratings and tags to a SQLite file at `path`, replacing it.

    The file appears whole or not at all: it is written beside `path` and then renamed. The same
    rows give the same bytes, with the same version of SQLite.

    Parameters
    ----------
    path : str or Path
        The file to write; its folder is made if need be.
    movies : iterable of (movieId, title, genres)
        Genres are joined by `|`.
    ratings : iterable of (userId, movieId, rating, timestamp)
        Timestamps are Unix seconds.
    tags : iterable of (userId, movieId, tag, timestamp)

    Returns
    -------
    MovieCounts
        The rows written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    unfinished.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(unfinished)) as connection:
            # Nobody reads the file before it is renamed, so it needs no journal of its own.
            connection.execute("PRAGMA journal_mode = OFF")
            connection.executescript(_SCHEMA)
            counts = MovieCounts(
                connection.executemany("INSERT INTO movies VALUES (?, ?, ?)", movies).rowcount,
                connection.executemany("INSERT INTO ratings VALUES (?, ?, ?, ?)", ratings).rowcount,
                connection.executemany("INSERT INTO tags VALUES (?, ?, ?, ?)", tags).rowcount,
            )
            connection.execute("CREATE INDEX ratings_by_user ON ratings (userId, timestamp)")
            connection.commit()
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return MovieCounts(*(max(count, 0) for count in counts))
