"""New tables with the columns of another: checked, created, and published all at once."""

import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, types
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import DropTable, ExecutableDDLElement

from edgerec.errors import SourceError
from edgerec.names import listed
from edgerec.source.drivers import backend_of
from edgerec.source.engine import describe, driver_words
from edgerec.source.fetch import ConnectionLost, noticed
from edgerec.source.kinds import Column, reflect
from edgerec.source.order import quoted, table_of

__all__ = ["Copies"]


class Copies:
    """Tables named `names`, to be made with the columns of `table`."""

    def __init__(
        self, engine: Engine, table: str, columns: Mapping[str, Column], names: Sequence[str]
    ) -> None:
        self._engine = engine
        self._backend = backend_of(engine)
        self._table = table
        self._columns = columns
        self._names = names
        self._replaced: list[str] = []
        # MySQL's DDL cannot be taken back.
        self._renames = self._backend == "mysql"
        self.written = {name: f"{name}_unfinished" if self._renames else name for name in names}
        """For each name the table to write to."""

    def check(self, *, overwrite: bool) -> None:
        """Refuse names that are taken by something that must not be replaced."""
        inspector = sqlalchemy.inspect(self._engine)
        for name in self._names:
            if name in inspector.get_view_names():
                raise SourceError(
                    f'the database {describe(self._engine)} has a view "{name}", where a table '
                    "is to be written: rename or drop the view"
                )
            if not inspector.has_table(name):
                continue
            if not overwrite:
                raise SourceError(
                    f'the database {describe(self._engine)} already has a table "{name}": drop '
                    "or rename it, or pass overwrite=True to replace it"
                )
            existing = list(reflect(self._engine, name))
            if existing != list(self._columns):
                raise SourceError(
                    f'table "{name}" is not replaced: its columns are {", ".join(existing)}, not '
                    f'those of "{self._table}" ({", ".join(self._columns)}), so it is something '
                    "else; drop or rename it first"
                )
            self._replaced.append(name)

    def create(self, connection: Connection) -> None:
        """Create the tables to write to, in place of those that are to be replaced."""
        if self._renames:
            for name in self.written.values():
                connection.execute(_drop(name, if_exists=True))
        else:
            for name in self._replaced:
                connection.execute(_drop(name))
        for name in self.written.values():
            if self._backend in ("mysql", "postgresql"):
                connection.execute(_CreateLike(name, self._table, list(self._columns)))
            else:
                self._reflected(connection, name).create(connection)
        for name in self.written.values():
            for column in self._columns.values():
                if lost := self._lost(column):
                    connection.execute(_Alter(name, column.name, *lost))

    def _lost(self, column: Column) -> tuple[str, str] | None:
        """Return what CREATE TABLE … AS loses of a column, as an ALTER TABLE gives it back."""
        if self._backend == "postgresql" and not column.nullable:
            return "ALTER COLUMN", "SET NOT NULL"
        if column.kind == "json" and isinstance(column.type, mysql.LONGTEXT):
            return "MODIFY", "JSON NULL" if column.nullable else "JSON NOT NULL"
        return None

    def publish(self, connection: Connection) -> None:
        """Commit, and give the written tables their names, all in one step.

        Raises
        ------
        SourceError
            If the connection is lost in this step: it may have been done or not.
        """
        if self._renames:
            with noticed(connection):
                connection.commit()
        try:
            with noticed(connection):
                self._rename(connection)
                connection.commit()
        except ConnectionLost as error:
            words = driver_words(self._engine, error.__cause__ or error)
            raise SourceError(
                f"the connection to the database {describe(self._engine)} was lost while the "
                f"tables {listed(self._names)} were being published ({words}): look whether they "
                "are there, which means that they are whole, and run it again if they are not"
            ) from None

    def _rename(self, connection: Connection) -> None:
        if self._renames:
            away = {name: f"{name}_replaced" for name in self._replaced}
            steps = [*away.items(), *((new, name) for name, new in self.written.items())]
            connection.execute(_Rename(steps))
            for name in away.values():
                connection.execute(_drop(name))

    def discard(self, connection: Connection) -> None:
        """Drop what was written to and not published."""
        if self._renames:
            # The error that led here says more than one that follows from it.
            with suppress(SQLAlchemyError):
                for name in self.written.values():
                    connection.execute(_drop(name, if_exists=True))

    def _reflected(self, connection: Connection, name: str) -> sqlalchemy.Table:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sqlalchemy.exc.SAWarning)  # of unknown types
            source = sqlalchemy.Table(
                self._table, sqlalchemy.MetaData(), autoload_with=connection, resolve_fks=False
            )
        copies = [
            sqlalchemy.Column(
                quoted(each.name), _type_of(each), nullable=each.nullable, autoincrement=False
            )
            for each in source.c
        ]
        return sqlalchemy.Table(quoted(name), sqlalchemy.MetaData(), *copies)


def _type_of(column: sqlalchemy.Column[Any]) -> types.TypeEngine[Any]:
    # SQLite allows columns without a type; BLOB has the same affinity, which is none.
    return types.BLOB() if isinstance(column.type, types.NullType) else column.type


def _drop(name: str, *, if_exists: bool = False) -> DropTable:
    return DropTable(sqlalchemy.Table(quoted(name), sqlalchemy.MetaData()), if_exists=if_exists)


class _CreateLike(ExecutableDDLElement):
    """CREATE TABLE … AS: every type is kept, those too that SQLAlchemy does not know."""

    def __init__(self, name: str, table: str, columns: list[str]) -> None:
        source = table_of(table, columns)
        self.name = name
        self.rows = sqlalchemy.select(*source.c).where(sqlalchemy.false())


class _Alter(ExecutableDDLElement):
    def __init__(self, table: str, column: str, verb: str, change: str) -> None:
        self.table = table
        self.column = column
        self.verb = verb
        self.change = change


class _Rename(ExecutableDDLElement):
    def __init__(self, steps: Sequence[tuple[str, str]]) -> None:
        self.steps = steps


@compiles(_CreateLike)
def _create_like(element: _CreateLike, compiler: Any, **_: Any) -> str:
    rows = compiler.sql_compiler.process(element.rows, literal_binds=True)
    return f"CREATE TABLE {compiler.preparer.quote(quoted(element.name))} AS {rows}"


@compiles(_Alter)
def _alter(element: _Alter, compiler: Any, **_: Any) -> str:
    quote = compiler.preparer.quote
    table, column = quote(quoted(element.table)), quote(quoted(element.column))
    return f"ALTER TABLE {table} {element.verb} {column} {element.change}"


@compiles(_Rename)
def _rename(element: _Rename, compiler: Any, **_: Any) -> str:
    quote = compiler.preparer.quote
    steps = [f"{quote(quoted(old))} TO {quote(quoted(new))}" for old, new in element.steps]
    return f"RENAME TABLE {', '.join(steps)}"
