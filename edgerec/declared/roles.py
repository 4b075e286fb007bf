"""What the tables of a database are: interactions, items, users; recognised, never asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgerec.errors import ConfigurationError, SourceError
from edgerec.names import nearest
from edgerec.source import (
    ColumnNames,
    Engine,
    InteractionColumns,
    TableDescription,
    describe,
    describe_table,
    find_columns,
    recognised_columns,
    table_names,
)

_INTERACTION_WORDS = (
    *("interaction", "rating", "purchase", "order", "event", "click", "view", "play"),
    *("transaction", "invoice", "sale", "feedback", "behavior", "behaviour", "review", "retail"),
)
_TITLES = ("title", "name", "description", "label", "product", "itemname")


@dataclass(frozen=True)
class Roles:
    """Which table is which; None: there is none of its own."""

    interactions: str
    columns: InteractionColumns
    items: "ThingTable | None"
    users: "ThingTable | None"
    test_table: str | None
    """TABLE_test, where a split has written it"""


@dataclass(frozen=True)
class ThingTable:
    """A table with a row per user or item, or rows that describe them."""

    table: str
    id: str
    title: str | None


def recognise(engine: Engine, named: Mapping[str, str], names: ColumnNames | None = None) -> Roles:
    """Recognise the roles of the tables.

    Parameters
    ----------
    named : mapping
        Tables that are given and not guessed: interactions, items, users.
    names : ColumnNames, optional
        Columns of the interactions that are given and not guessed.

    Raises
    ------
    ConfigurationError, SourceError
        No table looks like interactions, or a named one is not there.
    """
    descriptions = {name: describe_table(engine, name) for name in table_names(engine)}
    for role, table in named.items():
        if table not in descriptions:
            raise SourceError(
                f"--tables {role}={table}: there is no such table; the tables are "
                f"{', '.join(sorted(descriptions))}."
            )
    if not descriptions:
        raise SourceError(
            f"the database {describe(engine)} has no tables: name another in the URL, or fill it "
            "first"
        )
    names = names or ColumnNames()
    _require_columns(descriptions, names)
    interactions = named.get("interactions") or _interactions(engine, descriptions, names)
    columns = names.find(engine, interactions)
    base = interactions.removesuffix("_train")
    # The table that a split divided holds the rows to test on, too.
    holds_both = interactions == base and f"{base}_train" in descriptions
    is_split = f"{base}_test" in descriptions and not holds_both
    test_table = f"{base}_test" if is_split else None
    others = {
        name: one
        for name, one in descriptions.items()
        if name not in (interactions, base, f"{base}_train", f"{base}_test")
    }
    items = _things(engine, others, descriptions, "items", columns.item_id, named)
    if items is None:
        items = _own_items(descriptions[interactions], columns)
    users = _things(engine, others, descriptions, "users", columns.user_id, named)
    return Roles(interactions, columns, items, users, test_table)


def _require_columns(descriptions: Mapping[str, TableDescription], names: ColumnNames) -> None:
    """Refuse a column that no table has, before tables are tried one by one."""
    there = sorted({column.name for one in descriptions.values() for column in one.columns})
    for option in ("user", "item", "value", "timestamp"):
        name = getattr(names, option if option in ("value", "timestamp") else f"{option}_id")
        if name is not None and name not in there:
            raise ConfigurationError(
                f"--{option}-column {name}: no table has such a column.{nearest(name, there)} "
                f"There are {', '.join(there)}."
            )


def _interactions(
    engine: Engine,
    descriptions: Mapping[str, TableDescription],
    names: ColumnNames,
) -> str:
    fitting = []
    for name in descriptions:
        if name.endswith("_test"):
            continue
        try:
            columns = names.find(engine, name)
        except SourceError:
            continue
        word = any(word in name.lower() for word in _INTERACTION_WORDS)
        fitting.append((name.endswith("_train"), columns.value is not None, word, name))
    if not fitting:
        raise ConfigurationError(
            "No table has columns that are recognised as user, item and time; the tables are "
            f"{', '.join(sorted(descriptions))}. "
            + (
                _joining_view(engine, descriptions)
                or "Name its columns with --user-column, --item-column and --timestamp-column; "
                "where there is no time, a number that grows with each row serves."
            )
        )
    return max(fitting, key=lambda one: (*one[:3], [-ord(letter) for letter in one[3]]))[3]


def _joining_view(engine: Engine, descriptions: Mapping[str, TableDescription]) -> str | None:
    """Return advice where users and items stand in two tables, as of orders and their lines."""
    found = {name: recognised_columns(engine, name) for name in descriptions}
    for name, one in found.items():
        if not {"user_id", "timestamp"} <= one.keys() or "item_id" in one:
            continue
        for other, two in found.items():
            if "item_id" not in two or "user_id" in two:
                continue
            own = [column.name for column in descriptions[name].columns]
            shared = [each.name for each in descriptions[other].columns if each.name in own]
            if shared:
                value = f", {two['value']}" if "value" in two else ""
                return (
                    f"Users and times stand in {name}, items in {other}: join them by a view, for "
                    f"example CREATE VIEW interactions AS SELECT {one['user_id']}, "
                    f"{two['item_id']}{value}, {one['timestamp']} FROM {name} JOIN {other} "
                    f"USING ({shared[0]})."
                )
    return None


def _things(
    engine: Engine,
    others: Mapping[str, TableDescription],
    descriptions: Mapping[str, TableDescription],
    role: str,
    id_column: str,
    named: Mapping[str, str],
) -> ThingTable | None:
    if role in named:
        description = descriptions[named[role]]
        found = _id_column(description, role, id_column)
        if found is None:
            raise ConfigurationError(
                f"--tables {role}={named[role]}: no column is recognised as the id; its columns "
                f"are {', '.join(one.name for one in description.columns)}. Name it in the draft."
            )
        return ThingTable(description.name, found, _title(description, found))
    fitting = []
    for description in others.values():
        keys = [one.name for one in description.columns if one.primary_key]
        found = _id_column(description, role, id_column)
        if (
            found is not None
            and keys in ([found], [])
            and not _looks_like_rows(engine, description)
        ):
            fitting.append((keys == [found], description, found))
    if not fitting:
        return None
    # A table without a key may hold many rows of one thing, as the lines of orders are.
    _, description, found = max(fitting, key=lambda one: one[0])
    return ThingTable(description.name, found, _title(description, found))


def _looks_like_rows(engine: Engine, description: TableDescription) -> bool:
    """Say whether the table holds what users did (tags, for example) and not what things are."""
    try:
        find_columns(engine, description.name)
    except SourceError:
        return False
    return True


def _id_column(description: TableDescription, role: str, id_column: str) -> str | None:
    names = {_plain(one.name): one.name for one in description.columns}
    if _plain(id_column) in names:
        return names[_plain(id_column)]
    singular = role.removesuffix("s")
    if "id" in names and singular in description.name.lower():
        return names["id"]
    stem = _plain(id_column).removesuffix("id")
    return names["id"] if stem and "id" in names and stem in description.name.lower() else None


def _own_items(description: TableDescription, columns: InteractionColumns) -> ThingTable | None:
    """Return the interactions' own table where its rows say what the item is called."""
    title = _title(description, columns.item_id)
    return None if title is None else ThingTable(description.name, columns.item_id, title)


def _title(description: TableDescription, id_column: str) -> str | None:
    texts: Sequence[str] = [
        one.name for one in description.columns if one.kind == "text" and one.name != id_column
    ]
    for word in _TITLES:
        for name in texts:
            if _plain(name) == word or _plain(name).endswith(word):
                return name
    return None


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
