"""Finding a table's four columns: who, what, how much and when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Engine

from edgerec.context import ContextColumns
from edgerec.errors import SourceError
from edgerec.names import listed, nearest
from edgerec.source.kinds import Column, reflect

__all__ = ["ColumnNames", "InteractionColumns", "find_columns", "recognised_columns"]


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
    weight: str | None = None
    """The column with what a row counts, as a sample; it may be one of the others."""
    context: tuple[str, ...] = ()
    """Columns of numbers that say when, where or on what; they may be among the others."""


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
        (
            *("rating", "value", "score", "weight", "quantity", "stars", "amount", "playcount"),
            *("qty", "count", "liked", "bought", "purchased", "clicked", "taken"),
        ),
    ),
    _Role(
        "timestamp",
        "the timestamp",
        "--timestamp-column",
        (
            *("timestamp", "time", "ts", "createdat", "datetime", "date", "eventtime"),
            *("unixtime", "unixtimestamp", "occurredat", "ratedat", "invoicedate", "purchasedat"),
            *("viewedat", "seenat", "clickedat", "likedat", "boughtat", "orderedat", "orderdate"),
            *("watchedat", "playedat", "visitedat"),
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
    has_value: bool = True,
) -> InteractionColumns:
    """Find the columns of `table` that hold interactions.

    A column that is not named is recognised by its usual spellings (`userId`, `user_id`,
    `customer_id`; `movieId`, `item_id`, `product_id`; `rating`, `value`, `quantity`;
    `timestamp`, `ts`, `created_at`), whatever their case; the timestamp also by being the only
    column of dates or times. Only the value may be missing.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        The database, from `open_engine`.
    table : str
        The table's (or view's) name.
    user_id, item_id, value, timestamp : str, optional
        The columns' names, where they are not among the usual spellings.
    has_value : bool, default=True
        False: there is no value, whatever a column is called.

    Raises
    ------
    SourceError
        If the table or a named column is not there, a needed column is not recognised, or one
        column is named for two roles.
    """
    known = reflect(engine, table)
    available = list(known)
    named = {
        "user_id": user_id,
        "item_id": item_id,
        "value": value if has_value else None,
        "timestamp": timestamp,
    }
    found: dict[str, str | None] = {} if has_value else {"value": None}
    for role in _ROLES:
        name = named[role.name]
        if name is not None:
            found[role.name] = _named_column(table, available, role, name)
    taken = list(found.values())
    for role in _ROLES:
        if len({*taken}) < len(taken):
            twice = next(name for name in taken if taken.count(name) > 1)
            options = " and ".join(
                f"{r.name} ({r.option})" for r in _ROLES if found.get(r.name) == twice
            )
            raise SourceError(
                f'column "{twice}" of table "{table}" was given for {options}: '
                f"name one column for each; its columns are {listed(available)}"
            )
        if role.name not in found:
            free = [name for name in available if name not in found.values()]
            found[role.name] = _recognised_column(table, known, free, role)
    user, item, when = found["user_id"], found["item_id"], found["timestamp"]
    assert user is not None and item is not None and when is not None
    return InteractionColumns(user, item, found["value"], when)


@dataclass(frozen=True)
class ColumnNames:
    """Names of columns; None: recognised by the usual spellings."""

    user_id: str | None = None
    item_id: str | None = None
    value: str | None = None
    timestamp: str | None = None
    has_value: bool = True
    """False: there is no value, whatever a column is called"""
    context: ContextColumns | None = None
    """What a context is made of; None: none is read"""

    def without_context(self) -> "ColumnNames":
        """Return the same for a table of which no context is read."""
        return replace(self, context=None)

    def find(self, engine: Engine, table: str) -> InteractionColumns:
        """Return the columns of a table.

        Raises
        ------
        SourceError
            The table or a column is not there.
        """
        found = find_columns(
            engine,
            table,
            user_id=self.user_id,
            item_id=self.item_id,
            value=self.value,
            timestamp=self.timestamp,
            has_value=self.has_value,
        )
        return found if self.context is None else replace(found, context=self.context.columns)


def recognised_columns(engine: Engine, table: str) -> dict[str, str]:
    """Return which columns of `table` are recognised, by their roles; none need be there.

    Roles are user_id, item_id, value and timestamp.
    """
    known = reflect(engine, table)
    found: dict[str, str] = {}
    for role in _ROLES:
        free = [name for name in known if name not in found.values()]
        name = _by_spelling(free, role) or _only_time(known, free, role)
        if name is not None:
            found[role.name] = name
    return found


def _named_column(table: str, available: Sequence[str], role: _Role, name: str) -> str:
    if name in available:
        return name
    alike = [candidate for candidate in available if candidate.lower() == name.lower()]
    if len(alike) == 1:
        return alike[0]
    raise SourceError(
        f'table "{table}" has no column "{name}" for {role.words}; its columns are '
        f"{listed(available)}.{nearest(name, available)} Give its name with {role.option}"
    )


def _recognised_column(
    table: str, known: Mapping[str, Column], free: Sequence[str], role: _Role
) -> str | None:
    found = _by_spelling(free, role) or _only_time(known, free, role)
    if found is not None or role.name == "value":
        return found
    raise SourceError(
        f'table "{table}" has no column that is recognised as {role.words} (expected one named '
        f"like {', '.join(role.spellings[:4])}); its columns are {listed(list(known))}. "
        f"Give its name with {role.option}"
    )


def _by_spelling(free: Sequence[str], role: _Role) -> str | None:
    by_spelling = {
        "".join(letter for letter in name.lower() if letter.isalnum()): name
        for name in reversed(free)  # of two spellings of one word the first column wins
    }
    return next((by_spelling[one] for one in role.spellings if one in by_spelling), None)


def _only_time(known: Mapping[str, Column], free: Sequence[str], role: _Role) -> str | None:
    times = [name for name in free if known[name].kind in ("date", "datetime")]
    return times[0] if role.name == "timestamp" and len(times) == 1 else None
