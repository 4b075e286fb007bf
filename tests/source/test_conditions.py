"""Conditions on rows mean the same in every database."""

import datetime

import pytest
from sqlalchemy import Boolean, Column, DateTime, Float, Integer, MetaData, String, Table

from edgerec.errors import SourceError
from edgerec.source import InteractionColumns, RowCondition, read_interactions
from tests.source.conftest import Database

TABLE = Table(
    "events",
    MetaData(),
    Column("user", Integer),
    Column("item", String(20)),
    Column("value", Float(53)),
    Column("time", Integer),
    Column("at", DateTime),
    Column("kept", Boolean),
)
ROWS = [
    ("85123A", 1.0, datetime.datetime(2024, 1, 1, 23, 59, 59), True),
    ("85123a", 2.0, datetime.datetime(2024, 1, 2), False),
    ("b", None, datetime.datetime(2024, 1, 3, 12), None),
    ("é", -1.0, None, True),
]


@pytest.mark.parametrize(
    ("conditions", "left"),
    [
        ([("value", ">", 0)], ["85123A", "85123a"]),
        ([("value", "!=", 2)], ["85123A", "é"]),
        ([("item", "==", "85123a")], ["85123a"]),
        ([("item", "!=", "85123a")], ["85123A", "b", "é"]),
        ([("item", ">", "b")], ["é"]),
        ([("at", ">=", "2024-01-02")], ["85123a", "b"]),
        ([("at", "<", "2024-01-02 00:00:00")], ["85123A"]),
        ([("kept", "==", True)], ["85123A", "é"]),
        ([("kept", "==", True), ("value", ">", 0)], ["85123A"]),
        ([("value", ">", 9)], []),
    ],
)
def test_rows_that_meet_all_conditions(
    database: Database, conditions: list[tuple[str, str, object]], left: list[str]
) -> None:
    database.make(
        TABLE,
        [
            {"user": 1, "item": item, "value": value, "time": time, "at": at, "kept": kept}
            for time, (item, value, at, kept) in enumerate(ROWS)
        ],
    )
    chunks = read_interactions(
        database.engine,
        "events",
        InteractionColumns("user", "item", "value", "time"),
        where=[RowCondition(*one) for one in conditions],
    )
    assert [item for chunk in chunks for item in chunk.item_ids.tolist()] == left


def test_an_unknown_operator_is_refused() -> None:
    with pytest.raises(SourceError, match="has the operator '~'; expected one of ==, !=, <, <="):
        RowCondition("value", "~", 1)
