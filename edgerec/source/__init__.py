"""Reading interactions from databases: the only room that knows SQLAlchemy."""

from edgerec.source.chunk import InteractionChunk
from edgerec.source.columns import InteractionColumns, find_columns
from edgerec.source.engine import Engine, describe, open_engine
from edgerec.source.kinds import table_names
from edgerec.source.sql import read_interactions
from edgerec.source.table import (
    ColumnDescription,
    ForeignKey,
    TableDescription,
    describe_table,
    read_columns,
)
from edgerec.source.write import copy_rows

__all__ = [
    "ColumnDescription",
    "Engine",
    "ForeignKey",
    "InteractionChunk",
    "InteractionColumns",
    "TableDescription",
    "copy_rows",
    "describe",
    "describe_table",
    "find_columns",
    "open_engine",
    "read_columns",
    "read_interactions",
    "table_names",
]
