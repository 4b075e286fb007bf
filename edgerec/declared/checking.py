"""Compares a configuration with its database: every table and column that it names must be there.

This runs before anything is read, so that a misspelt test table is not found after training.
"""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from edgerec.declared.features import feature_rule
from edgerec.declared.reading import find_line
from edgerec.declared.schema import Configuration, Things
from edgerec.errors import ConfigurationError
from edgerec.names import listed, nearest
from edgerec.source import Engine, describe_table, table_names

_Location = tuple[int | str, ...]


def check_names(path: Path, configuration: Configuration, engine: Engine) -> None:
    """Check the names of all tables and columns.

    Parameters
    ----------
    path : Path
        Where the configuration was read; its lines are named.

    Raises
    ------
    ConfigurationError
        A table or a column is not there; the sentence names file, line and the nearest name.
    SourceError
        The database cannot be read.
    """
    tables = table_names(engine)
    columns: dict[str, list[str]] = {}
    # [label] has no table of its own: it names a column of the interactions.
    of_interactions = configuration.interactions.table
    for location, table, column in _names(configuration, (), of_interactions):
        if table not in tables:
            _refuse(path, location, f"there is no table {table!r}", table, tables, "the tables are")
        if table not in columns:
            columns[table] = [one.name for one in describe_table(engine, table).columns]
        if column is not None and column not in columns[table]:
            said = f"table {table!r} has no column {column!r}"
            _refuse(path, location, said, column, columns[table], "its columns are")
    for role in ("items", "users"):
        _check_rules(path, role, getattr(configuration, role))


def _check_rules(path: Path, role: str, things: Things | None) -> None:
    """Refuse a rule whose kind or options are not known, and say where it stands."""
    for number, feature in enumerate(things.features if things is not None else ()):
        try:
            feature_rule(feature)
        except ConfigurationError as error:
            location = (role, "features", number)
            line = find_line(path.read_text("utf-8"), location)
            raise ConfigurationError(
                f"{path}, line {line}: {role}.features[{number}]: {error}"
            ) from None


def _names(
    section: BaseModel, location: _Location, table: str
) -> Iterator[tuple[_Location, str, str | None]]:
    """Yield where a name stands, the table, and the column; None where the table is what stands."""
    if "table" in type(section).model_fields:
        table = getattr(section, "table")  # noqa: B009 - not every section has one
        yield (*location, "table"), table, None
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if field.json_schema_extra == {"names": "column"}:
            named = value if isinstance(value, list) else [value]
            yield from (((*location, name), table, one) for one in named if one is not None)
        elif isinstance(value, BaseModel):
            yield from _names(value, (*location, name), table)
        elif isinstance(value, list):
            for number, one in enumerate(value):
                if isinstance(one, BaseModel):
                    yield from _names(one, (*location, name, number), table)
    # Behind the rest: a column that the interactions do not have is no fault of the test table.
    if isinstance(section, Configuration) and section.evaluation is not None:
        yield from _evaluation_names(section)


def _evaluation_names(
    configuration: Configuration,
) -> Iterator[tuple[_Location, str, str | None]]:
    """The tables to evaluate on have the columns of the interactions."""
    evaluation, interactions = configuration.evaluation, configuration.interactions
    assert evaluation is not None
    for key in ("test_table", "history_table"):
        table = getattr(evaluation, key)
        if table is None:
            continue
        yield ("evaluation", key), table, None
        columns = [interactions.user_id, interactions.item_id, interactions.timestamp]
        if key == "test_table" and configuration.context is not None:
            # Each of its rows is asked about in its own context.
            columns += configuration.context.made.columns
        for column in columns:
            yield ("evaluation", key), table, column


def _refuse(
    path: Path, location: _Location, said: str, name: str, known: list[str], what: str
) -> None:
    line = find_line(path.read_text("utf-8"), location)
    dotted = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    raise ConfigurationError(
        f"{path}, line {line}: {dotted.lstrip('.')}: {said}; {what} {listed(known)}."
        f"{nearest(name, known)}"
    )
