"""Reading interactions from databases: the only room that knows SQLAlchemy."""

from edgerec.source.aggregates import column_statistics
from edgerec.source.chunk import InteractionChunk, RowInContext, chosen, rows_by_user
from edgerec.source.columns import (
    ColumnNames,
    InteractionColumns,
    find_columns,
    recognised_columns,
)
from edgerec.source.conditions import RowCondition
from edgerec.source.engine import Engine, describe, open_engine, with_variables
from edgerec.source.groups import (
    GroupStatistics,
    grouped_statistics,
    top_values,
)
from edgerec.source.kinds import table_names
from edgerec.source.quantiles import quantiles
from edgerec.source.sql import read_interactions
from edgerec.source.table import (
    ColumnDescription,
    ForeignKey,
    TableDescription,
    describe_table,
    read_columns,
)
from edgerec.source.titles import read_titles
from edgerec.source.write import copy_rows

__all__ = [
    "ColumnDescription",
    "ColumnNames",
    "Engine",
    "ForeignKey",
    "GroupStatistics",
    "InteractionChunk",
    "InteractionColumns",
    "RowCondition",
    "RowInContext",
    "TableDescription",
    "chosen",
    "column_statistics",
    "copy_rows",
    "describe",
    "describe_table",
    "find_columns",
    "grouped_statistics",
    "open_engine",
    "quantiles",
    "read_columns",
    "read_interactions",
    "read_titles",
    "recognised_columns",
    "rows_by_user",
    "table_names",
    "top_values",
    "with_variables",
]
