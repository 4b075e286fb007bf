"""Opening a database: one URL in, one engine out, and errors that never show a password."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy
from sqlalchemy import URL, Engine
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from edgerec.errors import ConfigurationError, SourceError
from edgerec.source.drivers import drivers_options, missing_driver, prepare, with_driver

__all__ = ["Engine", "describe", "driver_words", "open_engine", "reported", "with_variables"]

_FORMS = (
    "expected a database URL such as sqlite:///movielens.db, "
    "mysql://user:password@host/name or postgresql://user:password@host/name"
)


def open_engine(url: str) -> Engine:
    """Open the database at `url` and check that it can be reached.

    Connections are not pooled: each one is closed as soon as its reader is done, so an engine
    needs no closing of its own. Sessions are set to UTC, whatever the server's own zone.

    Parameters
    ----------
    url : str
        A SQLAlchemy database URL, in which ${NAME} stands for an environment variable. Where it
        names no driver, `mysql://` and `mariadb://` take PyMySQL, `postgresql://` and
        `postgres://` psycopg. A SQLite file must exist: SQLite itself would create an empty one
        without a word.

    Returns
    -------
    sqlalchemy.Engine
        The engine that the other functions of `edgerec.source` take.

    Raises
    ------
    SourceError
        If `url` is no database URL, names a SQLite file that is not there, needs a driver that
        is not installed, or cannot be connected to.

    Examples
    --------
    >>> open_engine("sqlite:///no-such-file.db")
    Traceback (most recent call last):
        ...
    edgerec.errors.SourceError: there is no SQLite file no-such-file.db (from the URL ...
    """
    parsed = with_driver(_parse(with_variables(url)))
    if parsed.get_backend_name() == "sqlite":
        _check_sqlite_file(parsed)
    try:
        engine = sqlalchemy.create_engine(
            parsed, poolclass=NullPool, connect_args=drivers_options(parsed)
        )
    except NoSuchModuleError:
        message = f"the URL {_shown(parsed)} starts with the unknown kind {parsed.drivername!r}"
        raise SourceError(f"{message}: {_FORMS}") from None
    except ImportError as error:
        raise missing_driver(parsed, _shown(parsed), error) from None
    prepare(engine)
    with reported(engine), engine.connect():
        return engine


_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")
# What drivers say, in lower case, and what to do about it; the first that fits.
_NEXT_STEPS: Final = {
    ("database is locked", "database table is locked"): (
        "Another program is writing to the file: end it or wait for it, and try again"
    ),
    ("file is not a database", "malformed"): (
        "The file is damaged or no SQLite database: name another after sqlite:///"
    ),
    ("access denied for user", "authentication failed", "no password supplied"): (
        "Check user, password and the name of the database in the URL, and that the account may "
        "use that database from this machine"
    ),
    ("command denied", "permission denied", "must be owner", "readonly database"): (
        "The account lacks that right: grant it, also on tables that were made since (reading "
        "takes SELECT; edgerec split takes CREATE, INSERT and DROP too, and ALTER on MariaDB and "
        "MySQL), or use another account"
    ),
}


@contextmanager
def reported(engine: Engine) -> Iterator[None]:
    """Turn what the database driver raises into a `SourceError` that shows no password."""
    try:
        yield
    except (SQLAlchemyError, engine.dialect.loaded_dbapi.Error) as error:
        words = driver_words(engine, error)
        raise SourceError(
            f"the database {describe(engine)} answered: {words}. {_next_step(words)}"
        ) from None


def _next_step(words: str) -> str:
    """Return what to do about what a driver says.

    >>> _next_step("database is locked")
    'Another program is writing to the file: end it or wait for it, and try again'
    """
    said = words.lower()
    for marks, step in _NEXT_STEPS.items():
        if any(mark in said for mark in marks):
            return step
    return (
        "Check that the URL is right, that the database can be reached and that it is not in use "
        "by another writer"
    )


def driver_words(engine: Engine, error: BaseException) -> str:
    """Return the driver's own words on one line, with no password in them."""
    # A DBAPIError's own text repeats the statement; the driver's words alone say enough.
    words = str(error.orig if isinstance(error, DBAPIError) else error)
    for secret in (engine.url.password, *_secrets(engine.url).values()):
        if secret:
            words = words.replace(str(secret), "***")
    return " ".join(words.split()).rstrip(".")


def describe(engine: Engine) -> str:
    """Return the engine's URL with its password hidden."""
    return _shown(engine.url)


def _parse(url: str) -> URL:
    try:
        return sqlalchemy.make_url(url)
    except ArgumentError:
        # What cannot be parsed may still hold a password, so only harmless text is repeated.
        came = "this text" if "@" in url else repr(url)
        hint = "" if "@" in url or ":" in url else f"; for a SQLite file write sqlite:///{url}"
        raise SourceError(f"{came} is not a database URL: {_FORMS}{hint}") from None


def with_variables(url: str, what: str = "the URL") -> str:
    """Put environment variables into a URL, whose password then stands in no command or file.

    Raises
    ------
    ConfigurationError
        A variable is not set; the sentence begins with `what`, and never shows the URL.

    >>> with_variables("sqlite:///shop.db")
    'sqlite:///shop.db'
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise ConfigurationError(
                f"{what} needs the environment variable {match[1]}, which is not set. "
                f"Set it, for example `export {match[1]}=…`."
            )
        return os.environ[match[1]]

    return _VARIABLE.sub(value, url)


def _check_sqlite_file(url: URL) -> None:
    database = url.database or ""
    if database in ("", ":memory:"):
        raise SourceError(
            f"the URL {_shown(url)} means a new, empty database in memory: "
            "name a SQLite file, as in sqlite:///movielens.db"
        )
    if database.startswith("file:") or Path(database).is_file():
        return
    what = "is a folder, not a SQLite file" if Path(database).is_dir() else "is not there"
    opening = (
        f"there is no SQLite file {database}" if what == "is not there" else f"{database} {what}"
    )
    raise SourceError(
        f"{opening} (from the URL {_shown(url)}; the working folder is {Path.cwd()}): give the "
        "path of an existing file after sqlite:/// (an absolute path has four slashes)"
    )


def _shown(url: URL) -> str:
    hidden = url.update_query_dict(dict.fromkeys(_secrets(url), "***"))
    return hidden.render_as_string(hide_password=True).replace("%2A%2A%2A", "***")


def _secrets(url: URL) -> dict[str, str]:
    """Return what a driver takes as a password in the part after the question mark."""
    return {key: str(value) for key, value in url.query.items() if "pass" in key.lower()}
