import hashlib
import io
import os
import sqlite3
import zipfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest

from edgerec.datasets import fetch_movielens, find_movielens, movielens, write_movielens_database
from edgerec.errors import DatasetUnavailable

SMALL = {
    "movies.csv": b'movieId,title,genres\r\n1,"Up, \xc3\xa9 (2009)",Drama\r\n2,B (2001),War\r\n',
    "ratings.csv": b"userId,movieId,rating,timestamp\r\n5,1,4.5,100\r\n5,2,3.0,90\r\n",
    "tags.csv": b'userId,movieId,tag,timestamp\r\n5,1,"a ""b""",101\r\n',
    "links.csv": b"movieId,imdbId,tmdbId\r\n1,2,3\r\n",
}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Take small files for the real ones, and nothing of this machine; return an empty cache."""
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in SMALL.items()}
    monkeypatch.setattr(movielens, "_SHA256", checksums)
    monkeypatch.delenv("EDGEREC_DATA", raising=False)
    return tmp_path / "cache"


def folder_of(parent: Path, files: Mapping[str, bytes] = SMALL) -> Path:
    folder = parent / "ml-latest-small"
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def archive_of(tmp_path: Path, files: Mapping[str, bytes]) -> str:
    file = tmp_path / "archive.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as members:
        for name, content in files.items():
            members.writestr(name, content)
    return file.as_uri()


def in_folder(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {f"ml-latest-small/{name}": content for name, content in files.items()}


def test_the_named_folder_comes_first(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_movielens(small) is None
    cached = folder_of(small)
    assert find_movielens(small) == cached
    monkeypatch.setenv("EDGEREC_DATA", str(tmp_path / "data"))
    assert find_movielens(small) == cached
    named = folder_of(tmp_path / "data")
    assert find_movielens(small) == fetch_movielens(small) == named


def test_the_cache_is_where_the_system_keeps_caches(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(small))
    assert find_movielens() is None
    assert folder_of(small / "edgerec") == find_movielens()


def test_a_file_that_was_changed_is_named(small: Path) -> None:
    folder = folder_of(small, {**SMALL, "ratings.csv": b"other"})
    with pytest.raises(DatasetUnavailable) as raised:
        find_movielens(small)
    came = hashlib.sha256(b"other").hexdigest()
    assert f"the file ratings.csv of {folder} is not the one of MovieLens" in str(raised.value)
    assert f"got {came}. Download https://" in str(raised.value)


def test_a_file_that_is_missing_is_named(small: Path) -> None:
    folder = folder_of(small)
    (folder / "tags.csv").unlink()
    with pytest.raises(DatasetUnavailable) as raised:
        find_movielens(small)
    assert f"{folder} has no readable file tags.csv (No such file or directory)" in str(
        raised.value
    )
    assert "delete the folder to have it fetched again" in str(raised.value)


def test_the_archive_is_fetched_once_and_only_its_known_files_kept(
    small: Path, tmp_path: Path
) -> None:
    url = archive_of(tmp_path, {**in_folder(SMALL), "ml-latest-small/extra.exe": b"no"})
    folder = fetch_movielens(small, url=url)
    assert folder == small / "ml-latest-small"
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == SMALL
    assert list(small.iterdir()) == [folder]
    assert fetch_movielens(small, url="file:///nowhere") == folder


@pytest.mark.parametrize("name", ["../evil.csv", "/evil.csv", "ml-latest-small/../../e", "..\\e"])
def test_an_archive_that_points_outside_is_refused(small: Path, tmp_path: Path, name: str) -> None:
    url = archive_of(tmp_path, {**in_folder(SMALL), name: b"evil"})
    with pytest.raises(DatasetUnavailable) as raised:
        fetch_movielens(small, url=url)
    assert "which points outside its folder: it was not unpacked" in str(raised.value)
    assert not small.exists()


def test_an_archive_with_a_changed_file_is_refused(small: Path, tmp_path: Path) -> None:
    url = archive_of(tmp_path, in_folder({**SMALL, "movies.csv": b"other"}))
    with pytest.raises(DatasetUnavailable, match=r"the file movies.csv of the archive from file:"):
        fetch_movielens(small, url=url)
    assert not small.exists()


def test_an_archive_without_a_file_or_with_a_huge_one_is_refused(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = {name: content for name, content in SMALL.items() if name != "tags.csv"}
    with pytest.raises(DatasetUnavailable, match=r"has no file ml-latest-small/tags.csv of a beli"):
        fetch_movielens(small, url=archive_of(tmp_path, in_folder(without)))
    monkeypatch.setattr(movielens, "_LARGEST_FILE", 1000)
    huge = {**SMALL, "ratings.csv": b"0" * 1001}
    with pytest.raises(DatasetUnavailable, match=r"has no file ml-latest-small/ratings.csv of a "):
        fetch_movielens(small, url=archive_of(tmp_path, in_folder(huge)))


def test_an_archive_that_does_not_end_is_cut(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(movielens, "_LARGEST_ARCHIVE", 100)
    with pytest.raises(DatasetUnavailable, match="sends more than 100 bytes"):
        fetch_movielens(small, url=archive_of(tmp_path, in_folder(SMALL)))


def test_a_slow_server_is_left(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            return b"x"

    request = ModuleType("request")
    request.urlopen = lambda url, timeout: Slow()  # type: ignore[attr-defined]
    monkeypatch.setattr(movielens.urllib, "request", request)  # type: ignore[attr-defined]
    with pytest.raises(DatasetUnavailable, match=r"not finished after 0.01 seconds"):
        fetch_movielens(small, timeout=0.01)


def test_what_is_no_archive_is_refused(small: Path, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<html>Not found</html>")
    with pytest.raises(DatasetUnavailable, match="is not a whole ZIP archive"):
        fetch_movielens(small, url=(tmp_path / "page.html").as_uri())


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/a.zip", "file:///nowhere.zip", "nonsense"])
def test_without_a_network_the_error_says_what_to_do(small: Path, url: str) -> None:
    with pytest.raises(DatasetUnavailable) as raised:
        fetch_movielens(small, url=url, timeout=2)
    assert str(raised.value).startswith(f"{url} cannot be downloaded (")
    assert "set EDGEREC_DATA to the folder that holds ml-latest-small/" in str(raised.value)


def test_the_database_has_every_row(small: Path, tmp_path: Path) -> None:
    file = tmp_path / "movielens.db"
    counts = write_movielens_database(folder_of(small), file)
    assert (counts.n_movies, counts.n_ratings, counts.n_tags) == (2, 2, 1)
    with closing(sqlite3.connect(file)) as connection:
        movies = connection.execute("SELECT * FROM movies").fetchall()
        ratings = connection.execute("SELECT * FROM ratings").fetchall()
        tags = connection.execute("SELECT * FROM tags").fetchall()
    assert movies == [(1, "Up, é (2009)", "Drama"), (2, "B (2001)", "War")]
    assert ratings == [(5, 1, 4.5, 100), (5, 2, 3.0, 90)]
    assert tags == [(5, 1, 'a "b"', 101)]


@pytest.mark.skipif("EDGEREC_DATA" not in os.environ, reason="EDGEREC_DATA names no folder")
def test_the_real_files_have_the_known_checksums(tmp_path: Path) -> None:
    folder = find_movielens(tmp_path)
    if folder is None:
        pytest.skip("the folder that EDGEREC_DATA names has no ml-latest-small/")
    counts = write_movielens_database(folder, tmp_path / "movielens.db")
    assert (counts.n_movies, counts.n_ratings, counts.n_tags) == (9742, 100836, 3683)
