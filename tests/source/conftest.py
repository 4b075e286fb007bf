"""Databases of all kinds to test on: SQLite files, and servers that belong to this run."""

import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import Engine

from edgerec.source import open_engine
from tests.servers import PASSWORD, READ_ONLY, SERVERS, Server, ServerMissing, administrator

BACKENDS = ("sqlite", "mariadb", "postgresql")


@dataclass(frozen=True)
class Database:
    """An empty database of one test, and hands to reach into it past edgeRec."""

    backend: str
    url: str
    name: str
    server: Server | None

    @cached_property
    def engine(self) -> Engine:
        """The engine as edgeRec opens it."""
        return open_engine(self.url)

    @property
    def raw(self) -> Engine:
        """An engine with nothing of edgeRec, to write with."""
        if self.server is None:
            return sqlalchemy.create_engine(self.url, poolclass=sqlalchemy.NullPool)
        return administrator(self.server, self.name)

    @contextmanager
    def connected(self) -> Iterator[sqlalchemy.Connection]:
        """Connect past edgeRec, and see the server forget the connection behind.

        PostgreSQL lists a session that was closed for a moment longer; `kill` would count it.
        """
        with self.raw.connect() as connection:
            number = None
            if self.backend == "postgresql":
                number = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            yield connection
        if number is not None:
            self._forgotten([number])

    def _forgotten(self, numbers: list[int]) -> None:
        """Wait until PostgreSQL lists none of these sessions."""
        listed = sqlalchemy.text("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(:numbers)")
        assert self.server is not None
        # Not in the same database, where this session would be counted next.
        with administrator(self.server, "postgres").connect() as connection:
            for _ in range(1000):
                if connection.execute(listed, {"numbers": numbers}).scalar_one() == 0:
                    return
                time.sleep(0.01)
        raise TimeoutError(f"PostgreSQL still lists the sessions {numbers} after ten seconds.")

    def run(self, *statements: str) -> None:
        """Execute statements as they are."""
        with self.connected() as connection:
            for statement in statements:
                connection.execute(sqlalchemy.text(statement.replace(":", r"\:")))
            connection.commit()

    def make(self, table: sqlalchemy.Table, rows: list[dict[str, object]] | None = None) -> None:
        """Create a table and fill it."""
        with self.connected() as connection:
            table.create(connection)
            if rows:
                connection.execute(table.insert(), rows)
            connection.commit()

    def kill(self) -> int:
        """End every other connection to the database; return how many there were.

        PostgreSQL lists its own workers beside them, autovacuum's where rows came in large numbers.
        """
        assert self.server is not None
        listed = (
            "SELECT id FROM information_schema.processlist "
            "WHERE db = :name AND id <> connection_id()"
            if self.backend == "mariadb"
            else "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = :name AND pid <> pg_backend_pid() "
            "AND backend_type = 'client backend'"
        )
        with self.connected() as connection:
            found = connection.execute(sqlalchemy.text(listed), {"name": self.name}).all()
            if self.backend == "mariadb":
                for (number,) in found:
                    connection.exec_driver_sql(f"KILL CONNECTION {number}")
        if self.backend == "postgresql":
            self._forgotten([number for number, _ in found])
        return len(found)

    def reader_url(self) -> str:
        """Return a URL of an account that may only SELECT."""
        if self.server is None:
            return f"{self.url.replace('sqlite:///', 'sqlite:///file:')}?mode=ro&uri=true"
        if self.backend == "mariadb":
            self.run(f"GRANT SELECT ON {self.name}.* TO '{READ_ONLY}'@'127.0.0.1'")
        else:
            self.run(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READ_ONLY}")
        return self.server.url(self.name, user=READ_ONLY, password=PASSWORD)


@pytest.fixture(scope="session")
def server_of() -> Iterator[Callable[[str], Server]]:
    """Return a function that starts a server at its first call, and stops it at the end."""
    running: dict[str, Server] = {}
    with ExitStack() as stack:

        def start(backend: str) -> Server:
            if backend not in running:
                try:
                    running[backend] = stack.enter_context(SERVERS[backend]())
                except ServerMissing as missing:
                    if os.environ.get("EDGEREC_REQUIRE_ALL") == "1":
                        pytest.fail(str(missing))
                    pytest.skip(str(missing))
            return running[backend]

        yield start


_NUMBERS = itertools.count()


@pytest.fixture
def new_database(
    server_of: Callable[[str], Server], tmp_path: Path
) -> Iterator[Callable[[str], Database]]:
    """Return a function that makes an empty database of a kind, dropped after the test."""
    with ExitStack() as stack:

        def make(backend: str) -> Database:
            number = next(_NUMBERS)
            if backend == "sqlite":
                file = tmp_path / f"battery_{number}.db"
                file.touch()
                return Database(backend, f"sqlite:///{file}", str(file), None)
            server = server_of(backend)
            name = f"battery_{number}"
            system = administrator(server, {"mariadb": "mysql"}.get(backend, "postgres"))
            # A latin1 database, MariaDB's own default, holds no emoji.
            wide = " CHARACTER SET utf8mb4" if backend == "mariadb" else ""
            force = " WITH (FORCE)" if backend == "postgresql" else ""
            connection = stack.enter_context(system.connect())
            connection.exec_driver_sql(f"CREATE DATABASE {name}{wide}")
            stack.callback(connection.exec_driver_sql, f"DROP DATABASE {name}{force}")
            return Database(backend, server.url(name), name, server)

        yield make


@pytest.fixture(params=BACKENDS)
def database(request: pytest.FixtureRequest, new_database: Callable[[str], Database]) -> Database:
    """Return an empty database of each kind in turn."""
    return new_database(request.param)
