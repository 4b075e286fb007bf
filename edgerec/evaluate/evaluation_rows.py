"""Rows that training never saw, which can be read as often as a report needs them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from edgerec.evaluate.prequential import Row
from edgerec.evaluate.table import sample_rows, table_rows
from edgerec.recsys import EvaluationSamples
from edgerec.source import ColumnNames, RowCondition


def _no_rows() -> Iterable[Row]:
    return ()


@dataclass(frozen=True)
class EvaluationRows:
    """The rows to measure on, and by which rules."""

    rows: Callable[[], Iterable[Row]]
    """in order of time; called anew for each pass"""
    history_rows: Callable[[], Iterable[Row]] = _no_rows
    """rows that a test row may use if strictly earlier"""
    frozen: bool = False
    """test rows never join a history"""
    label_above: float | None = None
    """by default the rule in the manifest"""
    has_labels: bool = True
    """False: all rows have one label, as purchases have, so that labels cannot be told apart"""


def rows_of_table(
    database_url: str,
    test_table: str,
    *,
    history_table: str | None = None,
    frozen: bool = False,
    label_above: float | None = None,
    has_labels: bool = True,
    names: ColumnNames | None = None,
    where: Sequence[RowCondition] = (),
) -> EvaluationRows:
    """Return the rows of tables; the parameters are those of `evaluate_table`."""
    found = names or ColumnNames()

    def reader(table: str | None, names: ColumnNames) -> Callable[[], Iterable[Row]]:
        if table is None:
            return _no_rows
        return lambda: table_rows(database_url, table, names, where=where)

    return EvaluationRows(
        reader(test_table, found),
        reader(history_table, found.without_context()),
        frozen,
        label_above,
        has_labels,
    )


def rows_of_samples(rec_sys: EvaluationSamples) -> EvaluationRows:
    """Return the held-out samples that a RecSys offers."""
    return EvaluationRows(lambda: sample_rows(rec_sys))
