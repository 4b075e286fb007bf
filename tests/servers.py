"""Private database servers for tests and benchmarks: started on free ports, stopped after use."""

import contextlib
import getpass
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy

from tests.ports import free_port

__all__ = ["PASSWORD", "READ_ONLY", "SERVERS", "Server", "ServerMissing", "administrator"]

PASSWORD = "s3cret/@:%"
READ_ONLY = "reader"
_SECONDS_TO_START = 60


class ServerMissing(Exception):
    """A server's programs are not installed."""


@dataclass(frozen=True)
class Server:
    """A running server that belongs to the tests alone."""

    backend: str
    """mariadb or postgresql."""
    port: int
    user: str
    process: "subprocess.Popen[bytes]"

    def url(self, database: str, *, user: str = "", password: str = PASSWORD) -> str:
        """Return the URL of one of the server's databases, with its password in it."""
        url = sqlalchemy.URL.create(
            self.backend, user or self.user, password, "127.0.0.1", self.port, database
        )
        return url.render_as_string(hide_password=False)


@contextmanager
def mariadb_server() -> Iterator[Server]:
    """Start a private MariaDB, and stop it at the end."""
    install = _program("mariadb-install-db")
    program = _program("mariadbd", "/usr/sbin")
    root = os.getuid() == 0
    account = "mysql" if root else getpass.getuser()
    with _folder(account) as folder:
        data, port = folder / "data", free_port()
        own = ["--no-defaults", f"--datadir={data}", f"--user={account}"]
        # mariadb-install-db makes an account for the system's user that may connect by socket.
        subprocess.run(
            [install, *own, "--auth-root-authentication-method=normal", "--skip-test-db"],
            check=True,
            capture_output=True,
            cwd=folder,
        )
        accounts = folder / "accounts.sql"
        accounts.write_text(
            f"CREATE USER 'owner'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
            "GRANT ALL ON *.* TO 'owner'@'127.0.0.1' WITH GRANT OPTION;\n"
            f"CREATE USER '{READ_ONLY}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
        )
        accounts.chmod(0o644)
        command = [
            *(program, *own, f"--port={port}", f"--socket={folder / 'socket'}"),
            *("--bind-address=127.0.0.1", "--skip-name-resolve", f"--init-file={accounts}"),
            *("--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=0"),
            *("--skip-log-bin", "--default-time-zone=+05:30"),
        ]
        with _running(command, folder, signal.SIGTERM) as process:
            server = Server("mariadb", port, "owner", process)
            _await(server, "mysql", folder)
            yield server


@contextmanager
def postgresql_server() -> Iterator[Server]:
    """Start a private PostgreSQL, and stop it at the end."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: each.parts[-2])
    where = str(places[-1]) if places else ""
    initdb, program = _program("initdb", where), _program("postgres", where)
    # PostgreSQL refuses to run as root.
    account = "postgres" if os.getuid() == 0 else getpass.getuser()
    with _folder(account) as folder:
        data, port = folder / "data", free_port()
        word = folder / "password"
        word.write_text(PASSWORD)
        word.chmod(0o644)
        # A collation that is not bytewise, as users' databases have; ICU needs no system locale.
        _run_as(
            account,
            [
                *(initdb, "-D", str(data), "-U", "owner", "--auth=scram-sha-256", "--no-sync"),
                *(f"--pwfile={word}", "--encoding=UTF8", "--locale=C.UTF-8"),
                *("--locale-provider=icu", "--icu-locale=en-US"),
            ],
            folder,
        )
        command = [
            *(program, "-D", str(data), "-p", str(port), "-k", str(folder)),
            *("-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"),
            *("-c", "timezone=Asia/Kolkata"),
        ]
        # SIGINT is PostgreSQL's fast shutdown: it does not wait for clients to leave.
        with _running(command, folder, signal.SIGINT, account) as process:
            server = Server("postgresql", port, "owner", process)
            _await(server, "postgres", folder)
            _make_reader(server)
            yield server


SERVERS: Mapping[str, Callable[[], contextlib.AbstractContextManager[Server]]] = {
    "mariadb": mariadb_server,
    "postgresql": postgresql_server,
}


def _program(name: str, folder: str = "") -> str:
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), folder]))
    if found is None:
        raise ServerMissing(f"there is no program {name}: install mariadb-server and postgresql")
    return found


@contextmanager
def _folder(account: str) -> Iterator[Path]:
    # Sockets' paths are limited to some 100 characters, so pytest's own folders are too deep.
    folder = Path(tempfile.mkdtemp(prefix="edgerec-"))
    try:
        if os.getuid() == 0:
            shutil.chown(folder, account)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _identity(account: str) -> dict[str, object]:
    if os.getuid() != 0:
        return {}
    entry = pwd.getpwnam(account)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _run_as(account: str, command: list[str], folder: Path) -> None:
    run = subprocess.run(  # type: ignore[call-overload]
        command, cwd=folder, capture_output=True, text=True, check=False, **_identity(account)
    )
    assert run.returncode == 0, run.stderr


@contextmanager
def _running(
    command: list[str], folder: Path, stop: signal.Signals, account: str = ""
) -> Iterator["subprocess.Popen[bytes]"]:
    identity = _identity(account) if account else {}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # type: ignore[call-overload]
            command, cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL, **identity
        )
        try:
            yield process
        finally:
            process.send_signal(stop)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await(server: Server, database: str, folder: Path) -> None:
    engine = administrator(server, database)
    for _ in range(_SECONDS_TO_START * 10):
        try:
            with engine.connect():
                return
        except sqlalchemy.exc.OperationalError:
            log = (folder / "log").read_text(errors="replace")
            assert server.process.poll() is None, f"the server stopped:\n{log}"
            time.sleep(0.1)
    raise AssertionError(f"{server.backend} did not start within {_SECONDS_TO_START} seconds")


def administrator(server: Server, database: str) -> sqlalchemy.Engine:
    """Return an engine that connects as the owner and commits each statement."""
    driver = {"mariadb": "mariadb+pymysql", "postgresql": "postgresql+psycopg"}[server.backend]
    url = sqlalchemy.make_url(server.url(database)).set(drivername=driver)
    return sqlalchemy.create_engine(
        url, poolclass=sqlalchemy.NullPool, isolation_level="AUTOCOMMIT"
    )


def _make_reader(server: Server) -> None:
    with administrator(server, "postgres").connect() as connection:
        password = PASSWORD.replace("%", "%%")  # exec_driver_sql formats
        connection.exec_driver_sql(f"CREATE USER {READ_ONLY} PASSWORD '{password}'")


def main() -> None:
    """Start each server and say its version: a check that CI's image has them."""
    for start in SERVERS.values():
        with start() as server:
            database = {"mariadb": "mysql"}.get(server.backend, "postgres")
            with administrator(server, database).connect() as connection:
                version = connection.exec_driver_sql("SELECT version()").scalar()
                sys.stdout.write(f"{server.backend}: {version}\n")


if __name__ == "__main__":
    main()
