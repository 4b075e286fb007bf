"""Finding a table's four columns: who, what, how much and when."""

import difflib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy
from sqlalchemy import Engine

from edgerec.errors import SourceError
from edgerec.source.engine import describe, reported

__all__ = ["InteractionColumns", "find_columns", "nearest", "table_names"]


@dataclass(frozen=True)
class InteractionColumns:
    """The names of the columns that make an interaction, as the table spells them."""

    user_id: str
    """The column with the user's id (integers or text)."""
    item_id: str
    """The column with the item's id (integers or text)."""
    value: str | None
    """The column with the rating or weight; None when the table has none."""
    timestamp: str
    """The column with the time: Unix seconds, ISO text or a date and time."""


@dataclass(frozen=True)
class _Role:
    name: str
    words: str
    option: str
    spellings: tuple[str, ...]  # in order of preference; lower case, letters and digits only


_ROLES = (
    _Role(
        "user_id",
        "the user id",
        "--user-column",
        (
            *("userid", "user", "uid", "customerid", "customer", "memberid", "member"),
            *("accountid", "account", "visitorid", "visitor", "clientid", "reviewerid"),
        ),
    ),
    _Role(
        "item_id",
        "the item id",
        "--item-column",
        (
            *("itemid", "item", "iid", "movieid", "movie", "productid", "product", "sku"),
            *("articleid", "article", "stockcode", "asin", "isbn", "bookid", "trackid"),
            *("songid", "videoid", "newsid", "contentid", "documentid"),
        ),
    ),
    _Role(
        "value",
        "the value",
        "--value-column",
        ("rating", "value", "score", "weight", "quantity", "stars", "amount", "playcount", "count"),
    ),
    _Role(
        "timestamp",
        "the timestamp",
        "--timestamp-column",
        (
            *("timestamp", "time", "ts", "createdat", "datetime", "date", "eventtime"),
            *("unixtime", "unixtimestamp", "occurredat", "ratedat", "invoicedate", "purchasedat"),
        ),
    ),
)


def find_columns(
    engine: Engine,
    table: str,
    *,
    user_id: str | None = None,
    item_id: str | None = None,
    value: str | None = None,
    timestamp: str | None = None,
) -> InteractionColumns:
    """Find the columns of `table` that hold interactions.

    A column that is not named is recognised by its usual spellings (`userId`, `user_id`,
    `customer_id`; `movieId`, `item_id`, `product_id`; `rating`, `value`, `quantity`;
    `timestamp`, `ts`, `created_at`), whatever their case. Only the value may be missing.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        The database, from `open_engine`.
    table : str
        The table's (or view's) name.
    user_id, item_id, value, timestamp : str, optional
        The columns' names, where they are not among the usual spellings.

    Raises
    ------
    SourceError
        If the table or a named column is not there, a needed column is not recognised, or one
        column is named for two roles.
    """
    available = _column_names(engine, table)
    named = {"user_id": user_id, "item_id": item_id, "value": value, "timestamp": timestamp}
    found: dict[str, str | None] = {}
    for role in _ROLES:
        name = named[role.name]
        if name is not None:
            found[role.name] = _named_column(table, available, role, name)
    taken = list(found.values())
    for role in _ROLES:
        if len({*taken}) < len(taken):
            twice = next(name for name in taken if taken.count(name) > 1)
            options = ", ".join(r.option for r in _ROLES if found.get(r.name) == twice)
            raise SourceError(
                f'column "{twice}" of table "{table}" was given for {options} at once: '
                f"name one column for each; its columns are {_listed(available)}"
            )
        if role.name not in found:
            free = [name for name in available if name not in found.values()]
            found[role.name] = _recognised_column(table, available, free, role)
    user, item, when = found["user_id"], found["item_id"], found["timestamp"]
    assert user is not None and item is not None and when is not None
    return InteractionColumns(user, item, found["value"], when)


def table_names(engine: Engine) -> list[str]:
    """Return the names of the database's tables and views, sorted."""
    with reported(engine):
        inspector = sqlalchemy.inspect(engine)
        return sorted({*inspector.get_table_names(), *inspector.get_view_names()})


def nearest(name: str, available: Sequence[str]) -> str:
    """Return a sentence that suggests the name of `available` nearest to `name`, or nothing."""
    lowered = {candidate.lower(): candidate for candidate in available}
    matches = difflib.get_close_matches(name.lower(), list(lowered), n=1, cutoff=0.5)
    return f' Did you mean "{lowered[matches[0]]}"?' if matches else ""


def _column_names(engine: Engine, table: str) -> list[str]:
    tables = table_names(engine)
    if table not in tables:
        raise SourceError(
            f'the database {describe(engine)} has no table "{table}"; '
            f"its tables are {_listed(tables)}.{nearest(table, tables)}"
        )
    with reported(engine), warnings.catch_warnings():
        # Reflection warns of column types it does not know; only the names matter here.
        warnings.simplefilter("ignore", sqlalchemy.exc.SAWarning)
        return [column["name"] for column in sqlalchemy.inspect(engine).get_columns(table)]


def _named_column(table: str, available: Sequence[str], role: _Role, name: str) -> str:
    if name in available:
        return name
    alike = [candidate for candidate in available if candidate.lower() == name.lower()]
    if len(alike) == 1:
        return alike[0]
    raise SourceError(
        f'table "{table}" has no column "{name}" for {role.words}; its columns are '
        f"{_listed(available)}.{nearest(name, available)} Give its name with {role.option}"
    )


def _recognised_column(
    table: str, available: Sequence[str], free: Sequence[str], role: _Role
) -> str | None:
    by_spelling = {
        "".join(letter for letter in name.lower() if letter.isalnum()): name
        for name in reversed(free)  # of two spellings of one word the first column wins
    }
    for spelling in role.spellings:
        if spelling in by_spelling:
            return by_spelling[spelling]
    if role.name == "value":
        return None
    raise SourceError(
        f'table "{table}" has no column that is recognised as {role.words} (expected one named '
        f"like {', '.join(role.spellings[:4])}); its columns are {_listed(available)}. "
        f"Give its name with {role.option}"
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names) if names else "none"
