"""Reading interactions against the bare driver's cursor; statistics against fetching the rows.

`python -m benchmarks.reading` starts the servers that are installed. Bytes are counted by a relay
between client and server, both ways.
"""

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
from benchmarks.relay import relay
from edgerec.columns import StatisticsNeeded
from edgerec.features.tabular import FeatureBlock, FeatureRule, fit_block, statistics_needed
from edgerec.source import (
    Engine,
    InteractionColumns,
    column_statistics,
    find_columns,
    grouped_statistics,
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
RULES = (
    FeatureRule("stars", ("rating",), "standard"),
    FeatureRule("range", ("rating", "timestamp"), "min_max"),
    FeatureRule("bins", ("timestamp",), "k_bins"),
    FeatureRule("robust", ("timestamp",), "robust"),
    FeatureRule("kinds", ("rating",), "one_hot"),
)
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


def fit_from_rows(engine: Engine) -> FeatureBlock:
    return fit_block(RULES, read_columns(engine, "ratings", COLUMNS, order_by=None))


def fit_in_sql(engine: Engine) -> FeatureBlock:
    needed = statistics_needed(RULES, N_ROWS)
    return fit_block(RULES, statistics=column_statistics(engine, "ratings", needed, exact=True))


def fetch(engine: Engine) -> None:
    for _ in read_columns(engine, "ratings", COLUMNS, order_by=None):
        pass


def ask(engine: Engine) -> None:
    column_statistics(engine, "ratings", NEEDED)


def count_items(engine: Engine) -> None:
    for _ in grouped_statistics(engine, "ratings", "movieId", "rating"):
        pass


WORK: tuple[tuple[str, Callable[[Engine], object], Callable[[Engine], object]], ...] = (
    ("range, mean, deviation, distinct", fetch, ask),
    ("count and mean of each item", fetch, count_items),
    (f"{len(RULES)} features fitted", fit_from_rows, fit_in_sql),
)


def bytes_moved(engine: Engine, work: Callable[[Engine], object]) -> int:
    """Return what goes between client and server, both ways, connecting included."""
    assert engine.url.port is not None
    with relay(engine.url.port) as counted:
        through = engine.url.set(port=counted.port).render_as_string(hide_password=False)
        other = open_engine(through)
        opened = counted.total
        work(other)
        return counted.total - opened


def measure_statistics(backend: str, engine: Engine) -> None:
    same = fit_from_rows(engine).to_state() == fit_in_sql(engine).to_state()
    assert same, "the two ways of fitting must give the same features"
    for name, from_rows, in_sql in WORK:
        ratios, theirs, ours = [], [], []
        for _ in range(3):
            theirs.append(seconds(partial(from_rows, engine)))
            ours.append(seconds(partial(in_sql, engine)))
            ratios.append(theirs[-1] / ours[-1])
        said = (
            f"{backend:<11} {name:<33} {statistics.median(theirs):>7.2f} s"
            f" {statistics.median(ours):>7.2f} s {statistics.median(ratios):>6.1f}"
        )
        if backend == "sqlite":
            print(f"{said}   nothing moves: the database is in this process")
            continue
        rows, answer = bytes_moved(engine, from_rows), bytes_moved(engine, in_sql)
        print(f"{said} {rows:>12,} B {answer:>10,} B {rows / answer:>8,.0f}")


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
                print(
                    f"\n{'':<11} {'statistics':<33} {'rows':>9} {'in SQL':>9} {'ratio':>6}"
                    f" {'rows':>14} {'in SQL':>12} {'ratio':>8}"
                )
                measure_statistics(backend, engine)
        except ServerMissing as missing:
            print(f"\n{backend}: skipped, {missing}")
    if missed:
        raise SystemExit(f"below the bound: {', '.join(missed)}")


if __name__ == "__main__":
    main()
