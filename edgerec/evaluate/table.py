"""Evaluates a file on a table of a database, or on the samples of a RecSys."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgerec.evaluate.prequential import Evaluation, Row, evaluate_rows
from edgerec.progress import Progress
from edgerec.recsys import EvaluationSamples
from edgerec.samples.encoding import whole_samples
from edgerec.scoring import TableScorer
from edgerec.source import find_columns, open_engine, read_interactions


@dataclass(frozen=True)
class ColumnNames:
    """Names of columns; None: recognised by the usual spellings."""

    user_id: str | None = None
    item_id: str | None = None
    value: str | None = None
    timestamp: str | None = None


def table_rows(database_url: str, table: str, names: ColumnNames) -> Iterator[Row]:
    """Yield the rows of a table in order of (timestamp, user, item, value)."""
    engine = open_engine(database_url)
    columns = find_columns(engine, table, **vars(names))
    for chunk in read_interactions(engine, table, columns, order="time"):
        for user_id, item_id, value, timestamp in zip(
            chunk.user_ids.tolist(),
            chunk.item_ids.tolist(),
            chunk.values.tolist(),
            chunk.timestamps.tolist(),
            strict=True,
        ):
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
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate the file `model` on a table of (user, item, value, timestamp).

    Raises
    ------
    SourceError
        The database, a table or a column is not there.
    EvaluationError
        One class alone, or no label rule.
    """
    names = names or ColumnNames()
    history = table_rows(database_url, history_table, names) if history_table else ()
    return evaluate_rows(
        TableScorer(model),
        table_rows(database_url, test_table, names),
        history,
        frozen=frozen,
        label_above=label_above,
        progress=progress,
    )


def evaluate_samples(
    model: str | Path, rec_sys: EvaluationSamples, *, progress: Progress | None = None
) -> Evaluation:
    """Evaluate the file `model` on the held-out samples that a RecSys offers."""
    rows = (
        Row(sample.user_id, sample.item_id, sample.value, sample.timestamp, sample.label)
        for sample in whole_samples(
            rec_sys.evaluation_sample_generator(), "evaluation_sample_generator"
        )
    )
    in_order = sorted(rows, key=lambda row: row.timestamp)
    return evaluate_rows(TableScorer(model), in_order, progress=progress)
