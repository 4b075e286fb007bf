"""Which features a draft proposes for the columns of a table, from a sample of its rows."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from edgerec.declared.roles import ThingTable
from edgerec.source import ColumnDescription, Engine, describe_table, read_columns

_SAMPLE_ROWS = 2000
_SEPARATORS = ("|", ";", ",")
_YEAR = re.compile(r"\((\d{4})\)\s*$")
# Text of more different values than this is a name and no category.
_MOST_CATEGORIES = 50
_MOST_LABELS = 200

Proposal = dict[str, Any]


def propose(engine: Engine, things: ThingTable, left_out: Sequence[str]) -> list[Proposal]:
    """Return the features of a table's columns, in the order of the columns.

    Parameters
    ----------
    left_out : sequence of str
        Columns that describe an interaction and not the thing: its time, its value, the other id.
    """
    description = describe_table(engine, things.table)
    columns = [
        one
        for one in description.columns
        if one.name != things.id
        and one.name not in left_out
        and not one.primary_key
        and not _looks_like_id(one)
    ]
    if not columns:
        return []
    sample = _sample(engine, things, [one.name for one in columns])
    return [found for one in columns for found in _of_column(one, sample[one.name])]


def _looks_like_id(column: ColumnDescription) -> bool:
    return bool(re.search(r"(?:^id|_id|Id|ID|No|_no|_number)$", column.name))


def _sample(engine: Engine, things: ThingTable, columns: list[str]) -> dict[str, list[object]]:
    chunks = read_columns(
        engine, things.table, columns, order_by=things.id, chunk_rows=_SAMPLE_ROWS
    )
    nothing: dict[str, list[object]] = {column: [] for column in columns}
    first = next(chunks, nothing)
    return {
        column: [value for value in values if value is not None] for column, values in first.items()
    }


def _of_column(column: ColumnDescription, values: list[object]) -> list[Proposal]:
    if len(set(map(str, values))) < 2:
        return []
    if column.kind in ("integer", "number"):
        return [{"column": column.name, "kind": "standard"}]
    if column.kind == "boolean":
        return [{"column": column.name, "kind": "identity"}]
    if column.kind == "text":
        return _of_text(column, [str(value) for value in values])
    return []


def _of_text(column: ColumnDescription, values: list[str]) -> list[Proposal]:
    found: list[Proposal] = []
    if sum(bool(_YEAR.search(value)) for value in values) > 0.8 * len(values):
        found.append(
            {
                "column": column.name,
                "kind": "extract",
                "name": f"{column.name}_year",
                "pattern": _YEAR.pattern,
            }
        )
    for separator in _SEPARATORS:
        labels = Counter(label.strip() for value in values for label in value.split(separator))
        is_list = sum(separator in value for value in values) > 0.3 * len(values)
        if is_list and len(labels) <= min(_MOST_LABELS, len(values) / 5):
            found.append({"column": column.name, "kind": "multi_hot", "separator": separator})
            return found
    distinct = len(set(values))
    if not found and distinct <= _MOST_CATEGORIES and distinct <= len(values) / 5:
        found.append({"column": column.name, "kind": "one_hot", "min_frequency": 0.01})
    return found
