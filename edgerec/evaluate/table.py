"""Evaluates a file on a table of a database, or on the samples of a RecSys."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgerec.errors import SourceError
from edgerec.evaluate.catalogue import CatalogueEvaluation, evaluate_catalogue
from edgerec.evaluate.owned import owned_items
from edgerec.evaluate.prequential import Evaluation, Row, evaluate_rows
from edgerec.progress import Progress
from edgerec.recsys import EvaluationSamples
from edgerec.samples.encoding import whole_samples
from edgerec.scoring import TableScorer
from edgerec.source import (
    ColumnNames,
    RowCondition,
    open_engine,
    read_interactions,
    table_names,
)


@dataclass(frozen=True)
class Evaluations:
    """What was measured of a file; None: was not asked for, or is not defined."""

    labels: Evaluation | None = None
    """how well scores tell the labels of rows apart"""
    ranking: CatalogueEvaluation | None = None
    """what stands on top of the whole catalogue"""


def table_rows(
    database_url: str,
    table: str,
    names: ColumnNames,
    *,
    order: Literal["time", "user"] = "time",
    where: Sequence[RowCondition] = (),
) -> Iterator[Row]:
    """Yield the rows of a table in order of (timestamp, user, item, value), or by user first."""
    engine = open_engine(database_url)
    columns = names.find(engine, table)
    for chunk in read_interactions(engine, table, columns, order=order, where=where):
        for user_id, item_id, value, timestamp in chunk.rows():
            yield Row(user_id, item_id, None if math.isnan(value) else value, timestamp)


def evaluate_table(
    model: str | Path,
    database_url: str,
    test_table: str,
    *,
    history_table: str | None = None,
    frozen: bool = False,
    label_above: float | None = None,
    names: ColumnNames | None = None,
    where: Sequence[RowCondition] = (),
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate the file `model` on a table of (user, item, value, timestamp).

    Rows of both tables count where all of `where` holds.

    Raises
    ------
    SourceError
        The database, a table or a column is not there.
    EvaluationError
        One class alone, or no label rule.
    """
    names = names or ColumnNames()
    history = table_rows(database_url, history_table, names, where=where) if history_table else ()
    return evaluate_rows(
        TableScorer(model),
        table_rows(database_url, test_table, names, where=where),
        history,
        frozen=frozen,
        label_above=label_above,
        progress=progress,
    )


def rank_table(
    model: str | Path,
    database_url: str,
    test_table: str,
    *,
    k: int,
    train_table: str | None = None,
    repeats: bool = False,
    label_above: float | None = None,
    names: ColumnNames | None = None,
    where: Sequence[RowCondition] = (),
    progress: Progress | None = None,
) -> CatalogueEvaluation:
    """Rank the whole catalogue for each user of a test table; see `evaluate_catalogue`.

    Parameters
    ----------
    train_table : str, optional
        The rows that the model was trained on; by default NAME_train beside NAME_test.

    Raises
    ------
    SourceError
        The database, a table or a column is not there.
    EvaluationError
        No test user has a relevant item.
    """
    names = names or ColumnNames()
    engine = open_engine(database_url)
    train_table = train_table or _train_table(test_table, table_names(engine))
    scorer = TableScorer(model)
    columns = names.find(engine, train_table)
    chunks = read_interactions(engine, train_table, columns, order="user", where=where)
    return evaluate_catalogue(
        scorer,
        table_rows(database_url, test_table, names, order="user", where=where),
        owned_items(chunks, scorer.catalogue()),
        k=k,
        repeats=repeats,
        label_above=label_above,
        progress=progress,
    )


def _train_table(test_table: str, tables: Sequence[str]) -> str:
    name = f"{test_table.removesuffix('_test')}_train"
    if name not in tables:
        raise SourceError(
            f"to rank the catalogue, the table that the model was trained on is read too, and "
            f'there is no table "{name}" beside "{test_table}". Name it with --train-table.'
        )
    return name


def evaluate_samples(
    model: str | Path, rec_sys: EvaluationSamples, *, progress: Progress | None = None
) -> Evaluation:
    """Evaluate the file `model` on the held-out samples that a RecSys offers."""
    return evaluate_rows(TableScorer(model), sample_rows(rec_sys), progress=progress)


def sample_rows(rec_sys: EvaluationSamples) -> list[Row]:
    """Return the held-out samples that a RecSys offers, in order of time."""
    rows = (
        Row(sample.user_id, sample.item_id, sample.value, sample.timestamp, sample.label)
        for sample in whole_samples(
            rec_sys.evaluation_sample_generator(), "evaluation_sample_generator"
        )
    )
    return sorted(rows, key=lambda row: row.timestamp)
