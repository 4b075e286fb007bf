"""MovieLens latest-small: found in a folder or fetched, checked, and put in a database."""

import csv
import hashlib
import io
import os
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from edgerec.datasets.database import MovieCounts, write_movie_tables
from edgerec.errors import DatasetUnavailable

__all__ = ["fetch_movielens", "find_movielens", "write_movielens_database"]

_NAME = "ml-latest-small"
_URL = f"https://files.grouplens.org/datasets/movielens/{_NAME}.zip"
_SHA256 = {
    "links.csv": "97ad18e4e56a09363c65676b6cb3482ce3e2cea2372a24620c1599c843325f31",
    "movies.csv": "5a5f32dd9bb3797b8e728a1b98958789d2b13f294a69fdfbc5727f8a9611aa07",
    "ratings.csv": "aa289ca83157595d0df6aea1be6a4ded676ddc4385472e8313a8ed9805352646",
    "tags.csv": "92a9f8bb7916dceef6151209845788c3643f794dfa79d1feaec7121b5960399d",
}
_LARGEST_ARCHIVE = 20_000_000  # bytes; the archive has 1 million
_LARGEST_FILE = 20_000_000  # bytes; ratings.csv has 2.5 million
_WHAT_TO_DO = (
    f"Download {_URL} elsewhere, unpack it, and set EDGEREC_DATA to the folder that holds {_NAME}/"
)


def find_movielens(cache_folder: str | Path | None = None) -> Path | None:
    """Return the folder of MovieLens latest-small on this machine, or None.

    Looked for is `ml-latest-small/` in the folder that the environment variable `EDGEREC_DATA`
    names, then in the cache.

    Parameters
    ----------
    cache_folder : str or Path, optional
        Where `fetch_movielens` keeps data sets; `~/.cache/edgerec` if not given.

    Raises
    ------
    DatasetUnavailable
        If the folder is there, but one of its files is missing or is not what GroupLens ships.
    """
    named = os.environ.get("EDGEREC_DATA")
    for parent in [Path(named)] if named else []:
        if (parent / _NAME).is_dir():
            return _checked(parent / _NAME)
    cached = _cache(cache_folder) / _NAME
    return _checked(cached) if cached.is_dir() else None


def fetch_movielens(
    cache_folder: str | Path | None = None, *, url: str = _URL, timeout: float = 30.0
) -> Path:
    """Return the folder of MovieLens latest-small, downloading it if it is not here yet.

    Parameters
    ----------
    cache_folder : str or Path, optional
        Where data sets are kept; `~/.cache/edgerec` if not given.
    url : str
        Where to download the archive from; its files must have the known checksums.
    timeout : float, default=30.0
        Seconds to wait for the whole download.

    Raises
    ------
    DatasetUnavailable
        If the archive cannot be downloaded, or a file in it is not what GroupLens ships.
    """
    found = find_movielens(cache_folder)
    if found is not None:
        return found
    files = _unpacked(_download(url, timeout), url)
    parent = _cache(cache_folder)
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=parent) as unfinished:
            for name, content in files.items():
                (Path(unfinished) / name).write_bytes(content)
            whole = Path(unfinished) / _NAME
            whole.mkdir()
            for name in files:
                (Path(unfinished) / name).rename(whole / name)
            whole.rename(parent / _NAME)
    except OSError as error:
        raise DatasetUnavailable(
            f"MovieLens cannot be stored in {parent} ({error}). {_WHAT_TO_DO}"
        ) from None
    return parent / _NAME


def write_movielens_database(folder: str | Path, path: str | Path) -> MovieCounts:
    """Write the CSV files in `folder` to a SQLite database at `path`, replacing it.

    Parameters
    ----------
    folder : str or Path
        What `fetch_movielens` returned.
    path : str or Path
        The file to write. Its tables are movies (movieId, title, genres), ratings (userId,
        movieId, rating, timestamp) and tags (userId, movieId, tag, timestamp).

    Returns
    -------
    MovieCounts
        The rows of each table.
    """
    folder = Path(folder)
    return write_movie_tables(
        path,
        ((int(movie), title, genres) for movie, title, genres in _rows(folder / "movies.csv")),
        (
            (int(user), int(movie), float(rating), int(seconds))
            for user, movie, rating, seconds in _rows(folder / "ratings.csv")
        ),
        (
            (int(user), int(movie), tag, int(seconds))
            for user, movie, tag, seconds in _rows(folder / "tags.csv")
        ),
    )


def _rows(file: Path) -> Iterator[list[str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines)
        next(rows)
        yield from rows


def _cache(cache_folder: str | Path | None) -> Path:
    if cache_folder is not None:
        return Path(cache_folder)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgerec"


def _checked(folder: Path) -> Path:
    for name in _SHA256:
        try:
            content = (folder / name).read_bytes()
        except OSError as error:
            raise DatasetUnavailable(
                f"{folder} has no readable file {name} ({error.strerror}), which MovieLens "
                f"latest-small has: delete the folder to have it fetched again. {_WHAT_TO_DO}"
            ) from None
        _check(name, content, str(folder))
    return folder


def _check(name: str, content: bytes, where: str) -> None:
    came = hashlib.sha256(content).hexdigest()
    if came != _SHA256[name]:
        raise DatasetUnavailable(
            f"the file {name} of {where} is not the one of MovieLens latest-small (September "
            f"2018): expected sha256 {_SHA256[name]}, got {came}. {_WHAT_TO_DO}"
        )


def _download(url: str, timeout: float) -> bytes:
    deadline = time.monotonic() + timeout
    archive = bytearray()
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            while part := answer.read1(65536):
                archive += part
                if len(archive) > _LARGEST_ARCHIVE:
                    raise DatasetUnavailable(
                        f"{url} sends more than {_LARGEST_ARCHIVE} bytes, which is not MovieLens "
                        f"latest-small. {_WHAT_TO_DO}"
                    )
                if time.monotonic() > deadline:
                    raise TimeoutError(f"not finished after {timeout:g} seconds")
    except (OSError, ValueError, urllib.error.URLError) as error:
        raise DatasetUnavailable(f"{url} cannot be downloaded ({error}). {_WHAT_TO_DO}") from None
    return bytes(archive)


def _unpacked(archive: bytes, url: str) -> dict[str, bytes]:
    """Return the known files of the archive; nothing is written under a name that it chose."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as members:
            sizes = {member.filename: member.file_size for member in members.infolist()}
            for name in sizes:
                parts = PurePosixPath(name.replace("\\", "/")).parts
                if name.startswith(("/", "\\")) or ".." in parts or ":" in name:
                    raise DatasetUnavailable(
                        f"the archive from {url} has a file named {name!r}, which points outside "
                        f"its folder: it was not unpacked. {_WHAT_TO_DO}"
                    )
            files = {}
            for name in _SHA256:
                if sizes.get(f"{_NAME}/{name}", _LARGEST_FILE + 1) > _LARGEST_FILE:
                    raise DatasetUnavailable(
                        f"the archive from {url} has no file {_NAME}/{name} of a believable "
                        f"size. {_WHAT_TO_DO}"
                    )
                files[name] = members.read(f"{_NAME}/{name}")
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise DatasetUnavailable(
            f"what {url} sent is not a whole ZIP archive ({error}). {_WHAT_TO_DO}"
        ) from None
    for name, content in files.items():
        _check(name, content, f"the archive from {url}")
    return files
