"""What every database must do alike; inherited by one class for each kind of database."""

import resource
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import numpy as np
import pytest
import sqlalchemy
from sqlalchemy import Column, MetaData, Table, types
from sqlalchemy.dialects import mysql, postgresql

from edgerec.columns import StatisticsNeeded
from edgerec.errors import SourceError
from edgerec.samples.split import split_table
from edgerec.source import (
    InteractionChunk,
    InteractionColumns,
    column_statistics,
    copy_rows,
    find_columns,
    open_engine,
    quantiles,
    read_interactions,
    resume,
    table_names,
)
from edgerec.source.copies import Copies
from edgerec.source.kinds import reflect
from tests.source.conftest import Database

COLUMNS = InteractionColumns("user", "item", "value", "ts")

# In the order of code points. Collations take some of them for one, or sort them otherwise.
TEXTS = [
    *("", " a", "85123A", "85123A ", "85123a", "A", "B", "a", "a ", "a!", "aa", "b", "e\u0301"),
    *("ss", "z", "ß", "é", "ÿ", "ı", "Ω", "あ", "\ufb01", "\uffee", "😀", "😁"),
]

# name, type and a literal of one row; the first four are those of COLUMNS.
_KEYS = [('"user"', "INTEGER NOT NULL", "7"), ("item", "BIGINT", "8")]
CELLS: dict[str, list[tuple[str, str, str]]] = {
    "sqlite": [
        *_KEYS,
        *(("value", "REAL", "0.1"), ("ts", "INTEGER NOT NULL", "77"), ("c", "BLOB", "x'00ff'")),
        *(("d", "DATETIME", "'2010-12-01T08:26'"), ("e", "JSON", "'[1, 2]'")),
    ],
    "mariadb": [
        *(("`user`", "INTEGER NOT NULL", "7"), ("item", "BIGINT UNSIGNED", "8")),
        *(("value", "FLOAT", "0.1234567891"), ("ts", "INTEGER NOT NULL", "77")),
        *(("c", "CHAR(5) COLLATE utf8mb4_bin", "'é'"), ("v", "VARCHAR(9)", "'a%s '")),
        *(("e", "ENUM('b', 'a')", "'a'"), ("d", "DATETIME(6)", "'2010-12-01 08:26:00.123456'")),
        *(("z", "TIMESTAMP NULL", "'2010-12-01 08:26:00'"), ("b", "BLOB", "x'00ff'")),
        *(("t", "TIME(3)", "'12:13:14.500'"), ("u", "UUID", "UUID()"), ("x", "BIT(3)", "b'101'")),
        *(("n", "DECIMAL(30, 10)", "12345678901234567890.0123456789"), ("j", "JSON", "'[1]'")),
    ],
    "postgresql": [
        *_KEYS,
        *(("value", "REAL", "0.1234567891"), ("ts", "INTEGER NOT NULL", "77")),
        *(("c", "CHAR(5)", "'é'"), ("v", "VARCHAR(9)", "'a%s '"), ("b", "BYTEA", "'\\x00ff'")),
        *(("z", "TIMESTAMPTZ", "'2010-12-01 08:26:00.123456+02'"), ("d", "DATE", "'2010-12-01'")),
        *(("i", "INTERVAL", "'1 month 2 days'"), ("u", "UUID", "gen_random_uuid()")),
        *(("n", "NUMERIC(30, 10)", "12345678901234567890.0123456789"), ("a", "INT[]", "'{1,2}'")),
        *(("j", "JSON", "'{\"a\":  1}'"), ("k", "JSONB", "'{\"a\": [1.50]}'")),
    ],
}


def rows_of(chunks: Iterable[InteractionChunk]) -> list[tuple[Any, ...]]:
    return [row for chunk in chunks for row in chunk.rows()]


def table(name: str = "t", **columns: Any) -> Table:
    made = {"user": types.BigInteger, "item": types.BigInteger, "ts": types.BigInteger, **columns}
    return Table(name, MetaData(), *(Column(key, kind) for key, kind in made.items()))


def cells(*rows: Sequence[object]) -> list[dict[str, object]]:
    return [dict(zip(("user", "item", "value", "ts"), row, strict=False)) for row in rows]


def many(n: int) -> list[tuple[int, int, float, int]]:
    """Return rows of which many share a key, in no order."""
    random = np.random.default_rng(0)
    highest = (20, 9, 11, n // 40)
    return [
        (user, item, value / 2, second)
        for user, item, value, second in random.integers(0, highest, (n, 4)).tolist()
    ]


def by_time(row: Sequence[Any]) -> tuple[Any, ...]:
    return (row[3], row[0], row[1], row[2])


def by_user(row: Sequence[Any]) -> tuple[Any, ...]:
    return (row[0], row[3], row[1], row[2])


class SourceBattery:
    backend: ClassVar[str]

    @pytest.fixture
    def database(self, new_database: Callable[[str], Database]) -> Database:
        return new_database(self.backend)

    def read(self, database: Database, name: str = "t", **options: Any) -> list[tuple[Any, ...]]:
        engine = database.engine
        return rows_of(read_interactions(engine, name, find_columns(engine, name), **options))

    # Order

    @pytest.mark.parametrize("chunk_rows", [1, 1000, 65536])
    def test_both_orders(self, database: Database, chunk_rows: int) -> None:
        rows = many(5000)
        database.make(table(value=types.Double), cells(*rows))
        read = self.read(database, chunk_rows=chunk_rows)
        assert read == sorted(rows, key=by_time)
        read = self.read(database, chunk_rows=chunk_rows, order="user")
        assert read == sorted(rows, key=by_user)

    def test_text_ids_are_told_apart_and_sorted_by_code_point(self, database: Database) -> None:
        rows = [(text, text, 1.0, 5) for text in TEXTS]
        made = table(user=types.String(40), item=types.Text, value=types.Double)
        shuffled = np.random.default_rng(1).permutation(len(rows))
        database.make(made, cells(*(rows[n] for n in shuffled)))
        assert sorted(TEXTS) == TEXTS
        for order in ("time", "user"):
            assert self.read(database, order=order) == rows

    def test_padding_of_fixed_width_text_is_dropped(self, database: Database) -> None:
        made = table(user=types.CHAR(8), item=types.CHAR(8))
        rows = cells(("b", "ab"), ("a!", "ab"), ("a", "ab"))
        database.make(made, [{**row, "ts": 5} for row in rows])
        assert [row[:2] for row in self.read(database)] == [("a", "ab"), ("a!", "ab"), ("b", "ab")]

    def test_rows_of_one_key_come_in_the_order_of_values(self, database: Database) -> None:
        rows = [(1, 1, value, 5) for value in (2.5, None, -1.0, 10.0)]
        database.make(table(value=types.Double), cells(*rows))
        values = [row[2] for row in self.read(database)]
        np.testing.assert_array_equal(values, [np.nan, -1.0, 2.5, 10.0])

    # Cells

    def test_integers_up_to_64_bits(self, database: Database) -> None:
        rows = [(-(2**63), 2**53 + 1, 1.0, 5), (2**63 - 1, -1, 1.0, 6)]
        database.make(table(value=types.Double), cells(*rows))
        assert self.read(database) == rows

    def test_uuids_are_lower_case_text(self, database: Database) -> None:
        ids = [uuid.UUID(int=n * 2**123 + 5) for n in (31, 3, 17, 9, 22)]
        kind: Any = {"sqlite": types.CHAR(36), "mariadb": mysql_uuid(), "postgresql": types.Uuid()}
        made = table(user=kind[self.backend], item=kind[self.backend])
        as_is = self.backend == "postgresql"
        rows = [(each if as_is else str(each), each if as_is else str(each)) for each in ids]
        database.make(made, [{**row, "ts": 5} for row in cells(*rows)])
        texts = sorted(map(str, ids))
        assert [row[:2] for row in self.read(database)] == [(text, text) for text in texts]

    @pytest.mark.parametrize(
        "kind",
        [types.Integer(), types.Double(), types.Numeric(12, 4), types.REAL(), types.Float()],
        ids=str,
    )
    def test_values_of_every_kind_of_number(self, database: Database, kind: Any) -> None:
        made = table(value=kind)
        database.make(made, cells((1, 1, 5, 1), (1, 2, None, 2), (1, 3, 4, 3)))
        np.testing.assert_array_equal([row[2] for row in self.read(database)], [5.0, np.nan, 4.0])

    def test_decimals_are_the_nearest_floats(self, database: Database) -> None:
        database.make(
            table(value=types.Numeric(12, 4, asdecimal=False)),
            cells((1, 1, 12345.6789, 1)),
        )
        assert self.read(database) == [(1, 1, 12345.6789, 1)]

    def test_booleans_are_values(self, database: Database) -> None:
        database.make(table(value=types.Boolean), cells((1, 1, True, 1), (1, 2, False, 2)))
        assert [row[2] for row in self.read(database)] == [1.0, 0.0]

    def test_decimal_ids_are_whole_numbers(self, database: Database) -> None:
        database.make(
            table(user=types.Numeric(20, 0)),
            cells(
                (2**53 + 1, 1),
            ),
        )
        database.run("UPDATE t SET ts = 5")
        assert self.read(database)[0][0] == 2**53 + 1 or self.backend == "sqlite"

    def test_bytes_are_no_id(self, database: Database) -> None:
        database.make(
            table(user=types.LargeBinary, value=types.Double), cells((b"\x01", 1, 1.0, 5))
        )
        with pytest.raises(SourceError, match=r"column \"user\" is b'\\x01' \(bytes\)"):
            self.read(database)

    def test_a_null_id_is_named(self, database: Database) -> None:
        database.make(table(value=types.Double), cells((1, 1, 1.0, 5), (None, 3, 1.0, 77)))
        with pytest.raises(SourceError, match='user = NULL, item = 3, ts = 77: column "user" is'):
            self.read(database)

    # Times

    @pytest.mark.parametrize(
        ("kind", "cell", "seconds"),
        [
            ("date", "2000-07-30", 964915200),
            ("naive", "2000-07-30 18:45:03", 964982703),
            ("naive", "2000-07-30 18:45:03.999999", 964982703),
            ("naive", "1969-12-31 23:59:59.5", -1),
            ("zoned", "2000-07-30 20:45:03.5+02:00", 964982703),
            ("zoned", "2011-01-01 00:00:00+00:00", 1293840000),
            ("double", "964982703.75", 964982703),
            ("decimal", "964982703.75", 964982703),
        ],
    )
    def test_times_become_unix_seconds(
        self, database: Database, kind: str, cell: str, seconds: int
    ) -> None:
        written = {
            "sqlite": {"date": "DATE", "naive": "DATETIME", "zoned": "TIMESTAMP"},
            "mariadb": {"date": "DATE", "naive": "DATETIME(6)", "zoned": "TIMESTAMP(6)"},
            "postgresql": {"date": "DATE", "naive": "TIMESTAMP", "zoned": "TIMESTAMPTZ"},
        }[self.backend]
        declared = {**written, "double": "DOUBLE PRECISION", "decimal": "DECIMAL(20, 3)"}[kind]
        statements = [
            f"CREATE TABLE t (user_id INTEGER, item INTEGER, ts {declared})",
            f"INSERT INTO t VALUES (1, 1, '{cell}')",
        ]
        if kind == "zoned" and self.backend == "mariadb":
            # The zone is the session's: a literal has none.
            statements.insert(0, f"SET time_zone = '{cell[-6:]}'")
            statements[-1] = f"INSERT INTO t VALUES (1, 1, '{cell[:-6]}')"
        database.run(*statements)
        assert [row[3] for row in self.read(database)] == [seconds]

    def test_times_sort_as_times(self, database: Database) -> None:
        start = datetime(2010, 12, 1, 8, 26, 0, 250000)
        times = [start + timedelta(seconds=n / 4) for n in range(50)]
        kind = mysql.DATETIME(fsp=6) if self.backend == "mariadb" else types.DateTime()
        rows = cells(*((n, 1, 1.0, when) for n, when in enumerate(times)))
        database.make(table(value=types.Double, ts=kind), rows[::-1])
        assert [row[0] for row in self.read(database)] == list(range(50))

    # Names

    @pytest.mark.parametrize("name", ["order", "Ratings", "two words", "a%b", "semi;colon", "é"])
    def test_names_are_quoted(self, database: Database, name: str) -> None:
        names = ("select", "Item Id", "a%b:c", "group")
        made = Table(name, MetaData(), quote=True)
        for each in names:
            made.append_column(Column(each, types.Integer, quote=True))
        rows = [dict(zip(names, row, strict=True)) for row in ((1, 2, 3, 4), (1, 1, 0, 4))]
        database.make(made, rows)
        columns = find_columns(
            database.engine,
            name,
            user_id="select",
            item_id="item id",
            value="a%b:c",
            timestamp="group",
        )
        assert columns == InteractionColumns(*names)
        read = rows_of(read_interactions(database.engine, name, columns))
        assert read == [(1, 1, 0.0, 4), (1, 2, 3.0, 4)]

    def test_a_view_will_do(self, database: Database) -> None:
        database.make(table(value=types.Double), cells((1, 1, 5, 1), (2, 2, 3, 2)))
        database.run("CREATE VIEW v AS SELECT * FROM t WHERE ts > 1")
        assert table_names(database.engine) == ["t", "v"]
        assert self.read(database, "v") == [(2, 2, 3.0, 2)]

    def test_an_empty_table_gives_no_chunk(self, database: Database) -> None:
        database.make(table())
        assert self.read(database) == []

    def test_a_missing_table_and_a_missing_column_are_named(self, database: Database) -> None:
        database.make(table())
        with pytest.raises(SourceError, match=r'has no table "tt"; its tables are "t"'):
            list(read_interactions(database.engine, "tt", COLUMNS))
        with pytest.raises(SourceError, match=r'table "t" has no column "value"; its columns are'):
            list(read_interactions(database.engine, "t", COLUMNS))

    # Accounts and connections

    def test_a_read_only_account_suffices(self, database: Database) -> None:
        database.make(table(value=types.Double), cells((1, 1, 5, 1)))
        engine = open_engine(database.reader_url())
        columns = find_columns(engine, "t")
        assert rows_of(read_interactions(engine, "t", columns)) == [(1, 1, 5.0, 1)]
        masks = {"t_train": np.array([True])}
        with pytest.raises(SourceError, match=r"denied|readonly|permission"):
            copy_rows(engine, "t", columns, masks, np.array([1]))

    def test_a_reader_that_stops_early_lets_go_at_once(self, database: Database) -> None:
        database.make(table(value=types.Double), cells(*many(20000)))
        chunks = read_interactions(database.engine, "t", COLUMNS, chunk_rows=100)
        next(chunks)
        chunks.close()  # type: ignore[attr-defined]
        database.run("DROP TABLE t")

    def test_memory_is_bounded(self, database: Database) -> None:
        rows = many(1000)
        database.make(table(value=types.Double), cells(*rows))
        # 256 000 rows of one width; a client that buffers them grows by a hundred megabytes.
        for _ in range(8):
            database.run("INSERT INTO t SELECT * FROM t")
        self.read_through(database, 3)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert self.read_through(database, None) == 256000
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown < 20_000, f"{grown} kB"

    def read_through(self, database: Database, n_chunks: int | None) -> int:
        n_rows = 0
        chunks = read_interactions(database.engine, "t", COLUMNS, chunk_rows=8192)
        for n, chunk in enumerate(chunks):
            n_rows += len(chunk)
            if n_chunks is not None and n == n_chunks:
                break
        return n_rows

    # Copies

    def test_rows_are_split_alike(self, database: Database) -> None:
        rows = many(3000)
        database.make(table(value=types.Double), cells(*rows))
        for _ in range(2):
            summary = split_table(database.engine, "t", COLUMNS, by="time", overwrite=True)
            assert (summary.n_train, summary.n_test) == (2400, 600)
            read = [*self.read(database, "t_train"), *self.read(database, "t_test")]
            assert read == sorted(rows, key=by_time)
        assert table_names(database.engine) == ["t", "t_test", "t_train"]

    def test_copies_keep_every_cell_and_type(self, database: Database) -> None:
        declared = ", ".join(f"{name} {kind}" for name, kind, _ in CELLS[self.backend])
        literals = ", ".join(literal for _, _, literal in CELLS[self.backend])
        other = ", ".join("1" if n < 4 else "NULL" for n in range(len(CELLS[self.backend])))
        database.run(
            f"CREATE TABLE t ({declared})",
            f"INSERT INTO t VALUES ({literals})",
            f"INSERT INTO t VALUES ({other})",
        )
        masks = {"t_yes": np.array([False, True]), "t_no": np.array([True, False])}
        copy_rows(database.engine, "t", COLUMNS, masks, np.array([1, 77]))
        with database.raw.connect() as connection:
            first, *rest = connection.exec_driver_sql("SELECT * FROM t WHERE ts = 77").all()
            assert connection.exec_driver_sql("SELECT * FROM t_yes").all() == [first]
            assert rest == []
            assert len(connection.exec_driver_sql("SELECT * FROM t_no").all()) == 1
        inspector = sqlalchemy.inspect(database.raw)

        def described(name: str) -> list[tuple[str, str, bool]]:
            found = inspector.get_columns(name)
            return [(each["name"], repr(each["type"]), each["nullable"]) for each in found]

        assert described("t_yes") == described("t")
        kinds = {name: column.kind for name, column in reflect(database.engine, "t").items()}
        for name, column in reflect(database.engine, "t_yes").items():
            assert column.kind == kinds[name]

    def test_a_copy_of_a_table_that_changed_leaves_nothing_written(
        self, database: Database
    ) -> None:
        database.make(table(value=types.Double), cells((1, 1, 5, 1), (2, 2, 3, 2)))
        masks = {"t_a": np.array([True, False])}
        copy_rows(database.engine, "t", COLUMNS, masks, np.array([1, 2]))
        with pytest.raises(SourceError, match="changed while it was being copied, nothing was"):
            copy_rows(database.engine, "t", COLUMNS, masks, np.array([1, 3]), overwrite=True)
        assert table_names(database.engine) == ["t", "t_a"]
        assert self.read(database, "t_a") == [(1, 1, 5.0, 1)]

    def test_a_copy_to_odd_names(self, database: Database) -> None:
        names = ("select", "Item Id", "a%b:c(d)", "group")
        made = Table("two words", MetaData())
        for each in names:
            made.append_column(Column(each, types.Integer, quote=True, nullable=False))
        database.make(made, [dict(zip(names, (1, 2, 3, 4), strict=True))])
        columns = InteractionColumns(*names)
        masks = {"two%words(x)": np.array([True])}
        for overwrite in (False, True):
            copy_rows(
                database.engine, "two words", columns, masks, np.array([4]), overwrite=overwrite
            )
        read = rows_of(read_interactions(database.engine, "two%words(x)", columns))
        assert read == [(1, 2, 3.0, 4)]


class ServerBattery(SourceBattery):
    """And what only servers have: more types, passwords, connections to lose."""

    def test_single_precision_is_widened_exactly(self, database: Database) -> None:
        single: Any = {"mariadb": mysql.FLOAT(), "postgresql": types.REAL()}[self.backend]
        database.make(table(value=single), cells((1, 1, 0.1, 1), (1, 2, 16777215, 2)))
        assert [row[2] for row in self.read(database)] == [float(np.float32(0.1)), 16777215.0]

    def test_an_unsigned_id_beyond_64_bits_is_named(self, database: Database) -> None:
        wide: Any = {"mariadb": mysql.BIGINT(unsigned=True), "postgresql": types.Numeric(20, 0)}
        made = table(user=wide[self.backend], value=types.Double)
        database.make(made, cells((2**63, 1, 1.0, 5)))
        with pytest.raises(SourceError, match=r'column "user" is .*9223372036854775808.*64 bits'):
            self.read(database)

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"password": "wr0ng&word"}, r"denied for user|authentication failed"),
            ({"database": "nowhere"}, r"Unknown database 'nowhere'|\"nowhere\" does not exist"),
            ({"host": "nohost.invalid"}, r"nohost\.invalid"),
            ({"port": 1}, "refused"),
        ],
    )
    def test_no_error_shows_the_password(
        self, database: Database, change: dict[str, Any], sentence: str
    ) -> None:
        url = sqlalchemy.make_url(database.url).set(**change)
        with pytest.raises(SourceError, match=sentence) as raised:
            open_engine(url.render_as_string(hide_password=False))
        assert url.password not in str(raised.value)
        assert ":***@" in str(raised.value) and "\n" not in str(raised.value)

    def make_wide(self, database: Database, rows: list[tuple[Any, ...]], **columns: Any) -> None:
        """Make a table whose rows do not fit in the buffers between the server and here."""
        wide = [(user, item, f"{value:0990.1f}", when) for user, item, value, when in rows]
        database.make(table(value=types.String(1000), **columns), cells(*wide))

    @pytest.mark.parametrize(
        ("kind", "order"),
        [("integer", "time"), ("text", "user"), ("uuid", "time"), ("datetime", "user")],
    )
    def test_a_lost_connection_is_made_again(
        self, database: Database, order: str, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(resume, "_PAUSES", (0.0, 0.1, 0.2))
        rows: list[tuple[Any, ...]] = [row for row in many(10000) for _ in range(1 + row[0] % 2)]
        columns: dict[str, Any] = {}
        if kind == "text":
            columns |= {"user": types.String(40), "item": types.String(40)}
            rows = [(TEXTS[u], TEXTS[-1 - i], v, ts) for u, i, v, ts in rows]
        if kind == "uuid":
            native = types.Uuid(as_uuid=False)
            columns |= {"user": mysql_uuid() if self.backend == "mariadb" else native}
            rows = [(str(uuid.UUID(int=u * 2**122)), i, v, ts) for u, i, v, ts in rows]
        written = rows
        if kind == "datetime":
            zoned = postgresql.TIMESTAMP(timezone=True)
            columns |= {"ts": mysql.DATETIME(fsp=6) if self.backend == "mariadb" else zoned}
            zone = UTC if self.backend == "postgresql" else None
            written = [
                (u, i, v, datetime.fromtimestamp(ts, UTC).replace(tzinfo=zone))
                for u, i, v, ts in rows
            ]
        self.make_wide(database, written, **columns)
        read: list[tuple[Any, ...]] = []
        n_killed = 0
        chunks = read_interactions(database.engine, "t", COLUMNS, chunk_rows=1250, order=order)  # type: ignore[arg-type]
        for chunk in chunks:
            read += rows_of([chunk])
            n_killed += database.kill()
        assert n_killed >= 2
        assert read == sorted(rows, key=by_time if order == "time" else by_user)

    def test_a_lost_connection_that_stays_away_is_an_error(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(resume, "_PAUSES", (0.0, 0.0))
        self.make_wide(database, many(15000))
        chunks = read_interactions(database.engine, "t", COLUMNS, chunk_rows=250)
        next(chunks)
        engine = database.engine
        monkeypatch.setattr(
            engine,
            "connect",
            lambda: sqlalchemy.create_engine(
                engine.url.set(port=1), poolclass=sqlalchemy.NullPool
            ).connect(),
        )
        database.kill()
        with pytest.raises(SourceError) as raised:
            list(chunks)
        assert 'rows of table "t" had been read (' in str(raised.value)
        assert "and did not come back in 2 attempts: run it again when" in str(raised.value)

    def test_rows_that_are_gone_after_a_loss_are_noticed(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(resume, "_PAUSES", (0.0, 0.1))
        self.make_wide(database, many(15000))
        chunks = read_interactions(database.engine, "t", COLUMNS, chunk_rows=250)
        next(chunks)
        database.kill()
        time.sleep(0.1)
        database.run("DELETE FROM t")
        with pytest.raises(SourceError, match='table "t" changed while the connection to it was'):
            list(chunks)

    def kill_at(self, database: Database, when: str, words: str, n_times: int) -> list[int]:
        """End all connections before or after so many of the statements that hold `words`."""
        killed: list[int] = []

        def kill(*arguments: Any) -> None:
            if words in arguments[2] and len(killed) < n_times:
                killed.append(database.kill())

        sqlalchemy.event.listen(database.engine, f"{when}_cursor_execute", kill)
        return killed

    @pytest.mark.parametrize("words", ["first_pass", "row_number", "GROUP BY"])
    def test_statistics_begin_anew_when_the_connection_is_lost(
        self, database: Database, words: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(resume, "_PAUSES", (0.0, 0.1))
        database.make(table(value=types.Double), cells(*many(500)))
        needed = {"value": StatisticsNeeded(moments=True, quantiles=(0.3,), n_top_values=2)}
        expected = column_statistics(database.engine, "t", needed)
        killed = self.kill_at(database, "before", words, 1)
        assert column_statistics(database.engine, "t", needed) == expected
        assert killed == [1]

    def test_statistics_whose_connection_stays_away_are_an_error(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(resume, "_PAUSES", (0.0, 0.0))
        database.make(table(value=types.Double), cells(*many(500)))
        self.kill_at(database, "before", "row_number", 99)
        with pytest.raises(SourceError) as raised:
            quantiles(database.engine, "t", "value", [0.5])
        assert 'was lost while statistics of table "t" were computed (' in str(raised.value)
        assert "and did not come back in 2 attempts: run it again when" in str(raised.value)

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_copies_begin_anew_when_the_connection_is_lost(
        self, database: Database, when: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(resume, "_PAUSES", (0.0, 0.1, 0.2))
        rows = sorted(many(10000), key=by_time)
        self.make_wide(database, rows)
        masks = {"t_a": np.arange(len(rows)) % 3 == 0}
        times = np.array([row[3] for row in rows])
        # After an INSERT it is the reader that finds the connection lost, among its rows.
        killed = self.kill_at(database, when, "INSERT", 2)
        copy_rows(database.engine, "t", COLUMNS, masks, times)
        assert killed == [2, 2]
        assert table_names(database.engine) == ["t", "t_a"]
        assert self.read(database, "t_a") == rows[::3]

    def test_copies_whose_connection_stays_away_are_an_error_and_leave_nothing(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(resume, "_PAUSES", (0.0, 0.0))
        rows = sorted(many(10000), key=by_time)
        self.make_wide(database, rows)
        masks = {"t_a": np.arange(len(rows)) % 3 == 0}
        times = np.array([row[3] for row in rows])
        self.kill_at(database, "after", "INSERT", 99)
        with pytest.raises(SourceError) as raised:
            copy_rows(database.engine, "t", COLUMNS, masks, times)
        said = 'was lost while table "t" was being copied, of which nothing was written ('
        assert said in str(raised.value)
        assert "and did not come back in 2 attempts: run it again when" in str(raised.value)
        assert "t_a" not in table_names(database.engine)

    def test_a_connection_that_is_lost_in_the_last_step_of_a_copy_is_said(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        database.make(table(value=types.Double), cells((1, 1, 5, 1)))
        publish = Copies._rename

        def lost(copies: Copies, connection: sqlalchemy.Connection) -> None:
            publish(copies, connection)
            database.kill()
            connection.exec_driver_sql("SELECT 1")

        monkeypatch.setattr(Copies, "_rename", lost)
        masks = {"t_a": np.array([True]), "t_b": np.array([False])}
        with pytest.raises(SourceError) as raised:
            copy_rows(database.engine, "t", COLUMNS, masks, np.array([1]))
        assert 'was lost while the tables "t_a", "t_b" were being published (' in str(raised.value)
        assert "look whether they are there, which means that they are whole, and run it" in str(
            raised.value
        )


def mysql_uuid() -> Any:
    class MariaDBUUID(types.UserDefinedType[str]):
        cache_ok = True

        def get_col_spec(self) -> str:
            return "UUID"

    return MariaDBUUID()
