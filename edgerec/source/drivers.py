"""What differs between databases before the first query: the driver, and the session's settings."""

from typing import Any, Literal

import sqlalchemy
from sqlalchemy import URL, Engine

from edgerec.errors import SourceError

__all__ = ["Backend", "backend_of", "drivers_options", "missing_driver", "prepare", "with_driver"]

Backend = Literal["sqlite", "mysql", "postgresql", "other"]

_DRIVERS = {
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}
_EXTRAS = {"pymysql": "mysql", "psycopg": "postgresql"}
# Packages that are not called as the driver's name in a URL is.
_PACKAGES = {"mysqldb": "mysqlclient", "mysqlconnector": "mysql-connector-python"}
_SECONDS_TO_CONNECT = 10

_SETTINGS: dict[Backend, tuple[str, ...]] = {
    # TIMESTAMPs come in the session's zone. A slow reader must not be hung up on: training takes
    # its time over a chunk, and the server waits for it no longer than net_write_timeout. Only
    # the first max_sort_length bytes of a text are sorted by.
    "mysql": (
        "SET time_zone = '+00:00'",
        "SET net_write_timeout = 86400",
        "SET max_sort_length = 4096",
    ),
    "postgresql": ("SET TIME ZONE 'UTC'", "SET idle_in_transaction_session_timeout = 0"),
}


def with_driver(url: URL) -> URL:
    """Return `url` with the driver that edgeRec is tested with, unless it names one itself."""
    return url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))


def drivers_options(url: URL) -> dict[str, Any]:
    """Return what to hand to the driver: not to wait for ever for a host that does not answer."""
    named = {key.lower() for key in url.query}
    if url.drivername.endswith(("+pymysql", "+psycopg")) and "connect_timeout" not in named:
        return {"connect_timeout": _SECONDS_TO_CONNECT}
    return {}


def missing_driver(url: URL, shown: str, error: ImportError) -> SourceError:
    """Return the error that says how to install the driver that `url`, shown so, needs."""
    backend = url.get_backend_name()
    if backend not in ("sqlite", "mysql", "mariadb", "postgresql"):
        return SourceError(
            f"the URL {shown} names a database of the kind {backend!r}, which edgeRec is not "
            "tested with and whose driver is not installed: copy the tables to SQLite, MySQL "
            "(MariaDB) or PostgreSQL, and use a URL such as sqlite:///shop.db, "
            "mysql://user:password@host/name or postgresql://user:password@host/name"
        )
    name = url.drivername.partition("+")[2] or error.name or url.drivername
    extra = _EXTRAS.get(name)
    install = (
        f'pip install "edgerec[{extra}]"' if extra else f"pip install {_PACKAGES.get(name, name)}"
    )
    return SourceError(
        f"the URL {shown} needs the driver {name!r}, which is "
        f"not installed: install it with `{install}`, or name another driver in the URL, as in "
        f"{backend}+DRIVER://..."
    )


def backend_of(engine: Engine) -> Backend:
    """Return the kind of database, of which MySQL and MariaDB are one."""
    match engine.dialect.name:
        case "sqlite":
            return "sqlite"
        case "mysql" | "mariadb":
            return "mysql"
        case "postgresql":
            return "postgresql"
    return "other"


def prepare(engine: Engine) -> None:
    """Give each connection that `engine` makes the same session: UTC, and patience."""
    statements = _SETTINGS.get(backend_of(engine), ())

    def settle(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()
        # PostgreSQL takes a SET back when its transaction is rolled back.
        connection.commit()

    if statements:
        sqlalchemy.event.listen(engine, "connect", settle)
