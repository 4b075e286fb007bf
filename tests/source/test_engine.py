import importlib.util
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from edgerec.errors import SourceError
from edgerec.source import describe, find_columns, open_engine


def test_a_missing_sqlite_file_is_refused_and_not_created(tmp_path: Path) -> None:
    file = tmp_path / "absent.db"
    with pytest.raises(SourceError) as raised:
        open_engine(f"sqlite:///{file}")
    assert f"there is no SQLite file {file}" in str(raised.value)
    assert "give the path of an existing file after sqlite:///" in str(raised.value)
    assert not file.exists()


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is a folder, not a SQLite file"):
        open_engine(f"sqlite:///{tmp_path}")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(SourceError, match="means a new, empty database in memory"):
        open_engine(url)


def test_a_path_is_no_url_and_the_error_gives_the_url() -> None:
    with pytest.raises(SourceError) as raised:
        open_engine("movielens.db")
    assert "'movielens.db' is not a database URL" in str(raised.value)
    assert "for a SQLite file write sqlite:///movielens.db" in str(raised.value)


def test_an_unknown_kind_of_database_is_named() -> None:
    with pytest.raises(SourceError) as raised:
        open_engine("oracel://me:secret@host/name")
    assert str(raised.value) == (
        "the URL oracel://me:***@host/name starts with the unknown kind 'oracel': expected a "
        "database URL such as sqlite:///movielens.db, mysql://user:password@host/name or "
        "postgresql://user:password@host/name"
    )


@pytest.mark.skipif(importlib.util.find_spec("oracledb") is not None, reason="oracledb is here")
def test_a_database_that_is_none_of_the_three_is_named_with_those_that_are() -> None:
    with pytest.raises(SourceError) as raised:
        open_engine("oracle+oracledb://me:secret@host/name")
    assert str(raised.value) == (
        "the URL oracle+oracledb://me:***@host/name names a database of the kind 'oracle', which "
        "edgeRec is not tested with and whose driver is not installed: copy the tables to SQLite, "
        "MySQL (MariaDB) or PostgreSQL, and use a URL such as sqlite:///shop.db, "
        "mysql://user:password@host/name or postgresql://user:password@host/name"
    )


@pytest.mark.skipif(importlib.util.find_spec("MySQLdb") is not None, reason="mysqlclient is here")
def test_a_driver_whose_package_has_another_name() -> None:
    with pytest.raises(SourceError, match=r"install it with `pip install mysqlclient`, or name"):
        open_engine("mysql+mysqldb://me:secret@host/name")


@pytest.mark.skipif(importlib.util.find_spec("psycopg2") is not None, reason="psycopg2 is here")
def test_a_missing_driver_is_named_with_the_command_that_installs_it() -> None:
    with pytest.raises(SourceError) as raised:
        open_engine("postgresql+psycopg2://me:secret@host/name")
    assert "needs the driver 'psycopg2'" in str(raised.value)
    assert "pip install psycopg2" in str(raised.value)


@pytest.mark.parametrize(
    ("url", "extra"),
    [
        ("mysql://me:secret@host/name", "mysql"),
        ("mariadb://me:secret@host/name", "mysql"),
        ("postgresql://me:secret@host/name", "postgresql"),
        ("postgres://me:secret@host/name", "postgresql"),
    ],
)
def test_a_missing_driver_of_ours_is_named_with_its_extra(
    url: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = {"mysql": "pymysql", "postgresql": "psycopg"}[extra]
    monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(SourceError) as raised:
        open_engine(url)
    assert f"+{driver}://me:***@host/name needs the driver '{driver}'" in str(raised.value)
    assert f'install it with `pip install "edgerec[{extra}]"`, or name another' in str(raised.value)


def test_a_password_after_the_question_mark_is_hidden_too() -> None:
    with pytest.raises(SourceError) as raised:
        open_engine("postgresql://me@127.0.0.1:1/name?password=secret&sslpassword=hush")
    assert "password=***" in str(raised.value)
    assert "secret" not in str(raised.value) and "hush" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "no url me:secret@host",
        "oracel://me:secret@host/name",
        "postgresql+nothing://me:secret@host/name",
        "postgresql+psycopg2://me:secret@host.invalid/name",
    ],
)
def test_no_error_shows_a_password(url: str) -> None:
    with pytest.raises(SourceError) as raised:
        open_engine(url)
    assert "secret" not in str(raised.value)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_a_file_that_is_no_database_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "text.db"
    file.write_text("not a database, but text that is long enough to look at" * 20)
    with pytest.raises(SourceError, match="answered: file is not a database"):
        find_columns(open_engine(f"sqlite:///{file}"), "ratings")


def test_an_engine_describes_itself(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("CREATE TABLE t (a)")
    url = f"sqlite:///{tmp_path / 'a.db'}"
    assert describe(open_engine(url)) == url
