"""The rows that describe users or items: one per id, as training will see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from edgerec.columns import COLUMN_KINDS, ColumnKind
from edgerec.declared.roles import ThingTable
from edgerec.features.tabular.values import key
from edgerec.recsys import Id
from edgerec.source import Engine, describe_table, read_columns

# Things that are read: of more, the first by id stand for all.
MOST_THINGS: Final = 100_000
# Rows that are read of a table with several per thing.
_MOST_ROWS: Final = 1_000_000


@dataclass(frozen=True)
class ThingRows:
    """One row per user or item."""

    table: str
    id: str
    """the column of the id"""
    ids: list[Id]
    """ascending, as the database sorts them"""
    columns: dict[str, list[object]]
    """per column a value for each id: the first that is there"""
    kinds: dict[str, ColumnKind]
    """what each column holds"""
    agreement: dict[str, float]
    """share of an id's further values that are its first; 1: one row per id"""
    n_rows: int
    """rows that were read"""

    @property
    def has_one_row_each(self) -> bool:
        """Whether the table is of these things, and not of what happened to them."""
        return self.n_rows == len(self.ids)


def read_things(engine: Engine, things: ThingTable, left_out: Sequence[str] = ()) -> ThingRows:
    """Read the rows of a table, one per id.

    Parameters
    ----------
    left_out : sequence of str
        Columns that are not read.

    Raises
    ------
    SourceError
        The table or a cell cannot be read.
    """
    described = describe_table(engine, things.table).columns
    kinds: dict[str, ColumnKind] = {
        one.name: one.kind if one.kind in COLUMN_KINDS else "text"
        for one in described
        if one.name != things.id and one.name not in left_out
    }
    ids: list[Id] = []
    columns: dict[str, list[object]] = {name: [] for name in kinds}
    n_same, n_further = dict.fromkeys(kinds, 0), dict.fromkeys(kinds, 0)
    n_rows = 0
    chunks = read_columns(engine, things.table, [things.id, *kinds], order_by=things.id)
    for chunk in chunks:
        cells = [chunk[name] for name in kinds]
        for position, id_ in enumerate(chunk[things.id]):
            if not isinstance(id_, int | str):
                continue
            is_new = not ids or ids[-1] != id_
            if is_new and len(ids) >= MOST_THINGS:
                break
            n_rows += 1
            if is_new:
                ids.append(id_)
            for (name, kept), column in zip(columns.items(), cells, strict=True):
                value = column[position]
                if is_new:
                    kept.append(value)
                elif value is not None and kept[-1] is None:
                    kept[-1] = value
                elif value is not None:
                    n_further[name] += 1
                    n_same[name] += key(value) == key(kept[-1])
        else:
            if n_rows < _MOST_ROWS:
                continue
        break
    agreement = {name: n_same[name] / n_further[name] if n_further[name] else 1.0 for name in kinds}
    return ThingRows(things.table, things.id, ids, columns, kinds, agreement, n_rows)


def some_values(values: Sequence[object], n: int) -> list[object]:
    """Return at most `n` values that are there, evenly spread over all.

    >>> some_values([1, None, 3, 4, 5], 2)
    [1, 4]
    """
    there = [value for value in values if value is not None]
    return list(islice(there, None, None, -(-len(there) // n) or 1))
