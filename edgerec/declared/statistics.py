"""What the database computes of a table, so that feature rules are fitted without its rows."""

from collections.abc import Mapping, Sequence
from typing import Final

from edgerec.columns import ColumnStatistics, StatisticsNeeded
from edgerec.declared.schema import Things
from edgerec.features.tabular.rules import FeatureRule, statistics_needed
from edgerec.features.tabular.values import LARGEST
from edgerec.source import Engine, column_statistics

_LARGEST_WHOLE: Final = 2.0**53


def table_statistics(
    engine: Engine, things: Things, rules: Sequence[FeatureRule]
) -> Mapping[str, ColumnStatistics]:
    """Return aggregates of the columns that `rules` are fitted to, equal to the rows' own.

    A column is left out, so that its rows are read, where SQL does not say the same: numbers that
    the features cut, texts among numbers. So are all columns of a table that has several rows
    of one id, since its features are those of one row each.
    """
    if not statistics_needed(rules):
        return {}
    counted = column_statistics(
        engine, things.table, {things.id: StatisticsNeeded(n_distinct=True)}, exact=True
    )
    ids = counted.get(things.id)
    if ids is None or ids.n_null or ids.n_distinct != ids.n_rows:
        return {}
    needed = statistics_needed(rules, ids.n_rows)
    found = column_statistics(engine, things.table, needed, exact=True)
    return {column: one for column, one in found.items() if _is_as_read(one)}


def _is_as_read(statistics: ColumnStatistics) -> bool:
    """Return whether features read the same numbers: as doubles, in the range of float32."""
    edges = [edge for edge in (statistics.minimum, statistics.maximum) if edge is not None]
    return all(
        abs(edge) <= (_LARGEST_WHOLE if isinstance(edge, int) else LARGEST) for edge in edges
    )
