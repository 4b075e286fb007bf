"""MovieLens 10M, where the user has it: found in a folder and put in a database.

Harper and Konstan 2015, "The MovieLens Datasets". It is not fetched: 65 MB, of which nothing but
the largest benchmark has any use.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from edgerec.datasets.database import MovieCounts, write_movie_tables
from edgerec.errors import DatasetUnavailable

__all__ = ["find_movielens_10m", "write_movielens_10m_database"]

_NAMES = ("ml-10M100K", "ml-10m")
_FILES = ("movies.dat", "ratings.dat")
_SEPARATOR = "::"


def find_movielens_10m() -> Path | None:
    """Return the folder of MovieLens 10M below that which EDGEREC_DATA names, or None."""
    named = os.environ.get("EDGEREC_DATA")
    if not named:
        return None
    for name in _NAMES:
        folder = Path(named) / name
        if all((folder / file).is_file() for file in _FILES):
            return folder
    return None


def write_movielens_10m_database(folder: str | Path, path: str | Path) -> MovieCounts:
    """Write its files to a SQLite database at `path`, as `write_movielens_database` does.

    Rows are read and written one by one, so that memory does not grow with them. The table of
    tags stays empty.

    Raises
    ------
    DatasetUnavailable
        A line is not what GroupLens ships.
    """
    folder = Path(folder)
    return write_movie_tables(
        path,
        ((int(movie), title, genres) for movie, title, genres in _rows(folder / "movies.dat", 3)),
        (
            (int(user), int(movie), float(rating), int(seconds))
            for user, movie, rating, seconds in _rows(folder / "ratings.dat", 4)
        ),
        (),
    )


def _rows(file: Path, n_fields: int) -> Iterator[list[str]]:
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            fields = line.rstrip("\n").split(_SEPARATOR)
            if len(fields) != n_fields:
                raise DatasetUnavailable(
                    f"line {number} of {file} has {len(fields)} fields where MovieLens 10M has "
                    f"{n_fields}, separated by {_SEPARATOR}: {line.rstrip()[:80]!r}. Unpack the "
                    "archive again."
                )
            yield fields
