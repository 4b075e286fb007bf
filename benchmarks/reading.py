"""Reading interactions against the bare driver's cursor; statistics against fetching the rows."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import sqlalchemy

from benchmarks.data import say_machine
from edgerec.columns import StatisticsNeeded
from edgerec.source import (
    Engine,
    InteractionColumns,
    column_statistics,
    find_columns,
    open_engine,
    read_columns,
    read_interactions,
)
from edgerec.source.kinds import reflect
from edgerec.source.sql import reading_of
from tests.servers import SERVERS, ServerMissing, administrator

N_ROWS = 300_000
N_ROUNDS = 5
BOUND = 0.7
COLUMNS = ("userId", "movieId", "rating", "timestamp")
NEEDED = dict.fromkeys(COLUMNS, StatisticsNeeded(moments=True, n_distinct=True))


def generated() -> list[dict[str, object]]:
    random = np.random.default_rng(0)
    columns = (
        random.integers(1, 5000, N_ROWS).tolist(),
        random.integers(1, 9000, N_ROWS).tolist(),
        (random.integers(1, 11, N_ROWS) / 2).tolist(),
        random.integers(8e8, 1.6e9, N_ROWS).tolist(),
    )
    return [dict(zip(COLUMNS, row, strict=True)) for row in zip(*columns, strict=True)]


def fill(engine: Engine) -> None:
    table = sqlalchemy.Table(
        "ratings",
        sqlalchemy.MetaData(),
        sqlalchemy.Column("userId", sqlalchemy.Integer, nullable=False),
        sqlalchemy.Column("movieId", sqlalchemy.Integer, nullable=False),
        sqlalchemy.Column("rating", sqlalchemy.Double, nullable=False),
        sqlalchemy.Column("timestamp", sqlalchemy.BigInteger, nullable=False),
    )
    # The driver's own: SQLAlchemy's takes minutes over so many rows.
    rows = [tuple(row.values()) for row in generated()]
    with engine.begin() as connection:
        table.create(connection)
        insert = str(table.insert().compile(dialect=engine.dialect))
        if engine.dialect.positional:
            connection.exec_driver_sql(insert, rows)
        else:
            connection.exec_driver_sql(
                insert, [dict(zip(COLUMNS, row, strict=True)) for row in rows]
            )


@contextmanager
def database(backend: str) -> Iterator[Engine]:
    if backend == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "ratings.db"
            file.touch()
            engine = open_engine(f"sqlite:///{file}")
            fill(engine)
            yield engine
        return
    with SERVERS[backend]() as server:
        name = {"mariadb": "mysql"}.get(backend, "postgres")
        with administrator(server, name).connect() as connection:
            connection.exec_driver_sql("CREATE DATABASE benchmark")
        engine = open_engine(server.url("benchmark"))
        fill(engine)
        yield engine


def bare(engine: Engine, statement: str, rows: int = 1024) -> Iterator[list[tuple[Any, ...]]]:
    """Fetch by the driver alone, with the cursor that streams."""
    with closing(engine.raw_connection()) as connection:
        driver: Any = connection.driver_connection
        if engine.dialect.driver == "pymysql":
            from pymysql.cursors import SSCursor

            cursor = driver.cursor(SSCursor)
        elif engine.dialect.driver == "psycopg":
            cursor = driver.cursor("benchmark")
        else:
            cursor = driver.cursor()
        cursor.execute(statement)
        while batch := cursor.fetchmany(rows):
            yield batch
        cursor.close()


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def n_bare(engine: Engine, statement: str) -> int:
    return sum(map(len, bare(engine, statement)))


def n_ours(engine: Engine, columns: InteractionColumns, order: Literal["time", "user"]) -> int:
    return sum(map(len, read_interactions(engine, "ratings", columns, order=order)))


def measure_reading(backend: str, engine: Engine) -> bool:
    columns = find_columns(engine, "ratings")
    kept = True
    orders: tuple[Literal["time", "user"], ...] = ("time", "user")
    for order in orders:
        reading = reading_of(reflect(engine, "ratings"), "ratings", columns, order)
        statement = str(reading.statement(engine).compile(engine))
        ratios, ours, theirs = [], [], []
        for _ in range(N_ROUNDS):
            theirs.append(seconds(partial(n_bare, engine, statement)))
            ours.append(seconds(partial(n_ours, engine, columns, order)))
            ratios.append(theirs[-1] / ours[-1])
        ratio = statistics.median(ratios)
        kept &= ratio >= BOUND
        print(
            f"{backend:<11} {order:<5} {N_ROWS / statistics.median(theirs):>12,.0f}"
            f" {N_ROWS / statistics.median(ours):>12,.0f} {ratio:>6.2f}"
        )
    return kept


def measure_statistics(backend: str, engine: Engine) -> None:
    ours, theirs = [], []
    for _ in range(3):
        ours.append(seconds(lambda: column_statistics(engine, "ratings", NEEDED)))
        theirs.append(
            seconds(lambda: list(read_columns(engine, "ratings", COLUMNS, order_by=None)))
        )
    # As text on the wire, which both servers' protocols send; of four columns each one number.
    moved = sum(len(str(cell)) + 1 for row in generated() for cell in row.values())
    found = column_statistics(engine, "ratings", NEEDED)
    answer = sum(len(str(cell)) + 1 for one in found.values() for cell in vars(one).values())
    print(
        f"{backend:<11} {statistics.median(theirs):>9.2f} s {statistics.median(ours):>9.2f} s"
        f" {moved:>12,} B {answer:>8,} B"
    )


def main() -> None:
    say_machine()
    print(f"{N_ROWS:,} generated rows, medians of {N_ROUNDS} rounds in turn")
    missed = []
    for backend in ("sqlite", "mariadb", "postgresql"):
        try:
            with database(backend) as engine:
                print(f"\n{'':<11} order   bare rows/s   ours rows/s  ratio  (bound: {BOUND})")
                if not measure_reading(backend, engine):
                    missed.append(backend)
                print(f"{'statistics':<11} {'all rows':>11} {'in SQL':>11} {'all rows':>14} in SQL")
                measure_statistics(backend, engine)
        except ServerMissing as missing:
            print(f"\n{backend}: skipped, {missing}")
    if missed:
        raise SystemExit(f"below the bound: {', '.join(missed)}")


if __name__ == "__main__":
    main()
