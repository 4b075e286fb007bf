"""Reflecting a table: its columns, and which of nine kinds each one is."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy
from sqlalchemy import Connection, Engine, types
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.engine.reflection import Inspector
from sqlalchemy.sql.elements import quoted_name

from edgerec.errors import SourceError
from edgerec.names import listed, nearest
from edgerec.source.engine import describe, reported

__all__ = ["Column", "Kind", "column_of", "reflect", "table_names"]

Kind = Literal["integer", "number", "text", "boolean", "date", "datetime", "json", "uuid", "other"]

# The first that a type is an instance of; a type that is none of them is "other".
_KINDS: tuple[tuple[Kind, tuple[type, ...]], ...] = (
    ("boolean", (types.Boolean,)),
    ("json", (types.JSON, types.ARRAY)),
    ("uuid", (types.Uuid,)),
    ("datetime", (types.DateTime,)),
    ("date", (types.Date,)),
    ("integer", (types.Integer, mysql.YEAR)),
    ("number", (types.Numeric, types.Float)),
    ("text", (types.String, postgresql.CITEXT)),
)


# Of a table whose columns have no type, how many rows tell what they hold.
_PEEKED_ROWS = 1000


@dataclass(frozen=True)
class Column:
    """One column of a table, as the database describes it."""

    name: str
    kind: Kind
    type: types.TypeEngine[Any]
    nullable: bool


def reflect(engine: Engine, table: str) -> dict[str, Column]:
    """Return the columns of a table or view by name, in their order.

    Raises
    ------
    SourceError
        If the table is not there.
    """
    with reported(engine), engine.connect() as connection, warnings.catch_warnings():
        # Reflection warns of column types it does not know; those are of kind "other".
        warnings.simplefilter("ignore", sqlalchemy.exc.SAWarning)
        inspector = sqlalchemy.inspect(connection)
        try:
            # SQLite alone finds a table by a name in other letters.
            if connection.dialect.name == "sqlite" and table not in _names(inspector):
                raise sqlalchemy.exc.NoSuchTableError(table)
            found = inspector.get_columns(table)
        except sqlalchemy.exc.NoSuchTableError:
            tables = _names(inspector)
            raise SourceError(
                f'the database {describe(engine)} has no table "{table}"; '
                f"its tables are {listed(tables)}.{nearest(table, tables)}"
            ) from None
        documents = _json_in_text(connection, table, found)
        held = _held(connection, table, found)
    return {
        each["name"]: Column(
            each["name"],
            "json"
            if each["name"] in documents
            else held.get(each["name"]) or _kind_of(each["type"]),
            each["type"],
            bool(each["nullable"]),
        )
        for each in found
    }


def column_of(columns: Mapping[str, Column], table: str, name: str) -> Column:
    """Return a column by its name, or fail with the names that there are."""
    if name not in columns:
        names = list(columns)
        raise SourceError(
            f'table "{table}" has no column "{name}"; its columns are '
            f"{listed(names)}.{nearest(name, names)}"
        )
    return columns[name]


def table_names(engine: Engine) -> list[str]:
    """Return the names of the database's tables and views, sorted."""
    with reported(engine), engine.connect() as connection:
        return _names(sqlalchemy.inspect(connection))


def _names(inspector: Inspector) -> list[str]:
    names = {*inspector.get_table_names(), *inspector.get_view_names()}
    if inspector.dialect.name == "postgresql":
        names.update(inspector.get_materialized_view_names())
    return sorted(names)


def _kind_of(column_type: types.TypeEngine[Any]) -> Kind:
    if isinstance(column_type, postgresql.DOMAIN):
        return _kind_of(column_type.data_type)
    if isinstance(column_type, mysql.TINYINT) and column_type.display_width == 1:
        return "boolean"  # what MySQL makes of BOOLEAN
    if isinstance(column_type, mysql.BIT):
        return "boolean" if column_type.length in (None, 1) else "integer"
    for kind, classes in _KINDS:
        if isinstance(column_type, classes):
            return kind
    return "other"


def _held(connection: Connection, table: str, columns: Sequence[Any]) -> dict[str, Kind]:
    """Return the kinds of SQLite's columns without a type, by what their first rows hold.

    `CREATE TABLE ratings (user, item, rating)` is common, and so are views that compute a column.
    What later rows hold is checked as in any other column.
    """
    untyped = [each["name"] for each in columns if isinstance(each["type"], types.NullType)]
    if connection.dialect.name != "sqlite" or not untyped:
        return {}
    cells: list[sqlalchemy.ColumnClause[Any]] = [
        sqlalchemy.column(quoted_name(name, True)) for name in untyped
    ]
    rows_of = sqlalchemy.table(quoted_name(table, True))
    first = sqlalchemy.select(*cells).select_from(rows_of).limit(_PEEKED_ROWS)
    found: dict[str, Kind] = {}
    rows = connection.execute(first).all()
    for name, held in zip(untyped, zip(*rows, strict=True), strict=False):
        kinds = {type(cell) for cell in held if cell is not None}
        if kinds == {int}:
            found[name] = "integer"
        elif kinds and kinds <= {int, float}:
            found[name] = "number"
        elif kinds == {str}:
            found[name] = "text"
    return found


def _json_in_text(connection: Connection, table: str, columns: Sequence[Any]) -> set[str]:
    """Return the JSON columns of MariaDB, where JSON is LONGTEXT with a constraint."""
    texts = [each["name"] for each in columns if isinstance(each["type"], mysql.LONGTEXT)]
    if not texts or not getattr(connection.dialect, "is_mariadb", False):
        return set()
    checks = sqlalchemy.table(
        "check_constraints",
        *map(sqlalchemy.column, ("constraint_schema", "table_name", "check_clause")),
        schema="information_schema",
    )
    statement = sqlalchemy.select(checks.c.check_clause).where(
        checks.c.constraint_schema == sqlalchemy.func.database(), checks.c.table_name == table
    )
    clauses = set(connection.execute(statement).scalars())
    quote = connection.dialect.identifier_preparer.quote_identifier
    return {name for name in texts if f"json_valid({quote(name)})" in clauses}
