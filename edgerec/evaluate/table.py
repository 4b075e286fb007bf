"""Evaluates a file on a table of a database, or on the samples of a RecSys."""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgerec.errors import EvaluationError, SourceError
from edgerec.evaluate.baselines import Baseline
from edgerec.evaluate.catalogue import CatalogueEvaluation, evaluate_catalogue
from edgerec.evaluate.label_baselines import PROBABILITIES, LabelBaselines
from edgerec.evaluate.owned import OwnedItems, owned_items
from edgerec.evaluate.prequential import Evaluation, Row, ScoredRows, evaluate_rows, score_rows
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
        for user_id, item_id, value, timestamp, _, cells in chunk.rows_in_context():
            context = () if names.context is None else names.context.row(timestamp, cells)
            stated = None if math.isnan(value) else value
            yield Row(user_id, item_id, stated, timestamp, None, context)


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
    train_table: str | None = None,
    against: str | Path | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate the file `model` on a table of (user, item, value, timestamp).

    Rows of all tables count where all of `where` holds.

    Parameters
    ----------
    train_table : str, optional
        The rows that the model was trained on: with it, the baselines of
        `edgerec.evaluate.label_baselines` stand beside the model.
    against : path, optional
        Another file, compared with `model` on the same rows.

    Raises
    ------
    SourceError
        The database, a table or a column is not there.
    EvaluationError
        One class alone, or no label rule.
    """
    names = names or ColumnNames()
    scorer = TableScorer(model)
    threshold = scorer.label_above if label_above is None else label_above

    def scored(scorer: TableScorer, baselines: LabelBaselines | None = None) -> ScoredRows:
        history = (
            table_rows(database_url, history_table, names.without_context(), where=where)
            if history_table
            else ()
        )
        return score_rows(
            scorer,
            table_rows(database_url, test_table, names, where=where),
            history,
            frozen=frozen,
            label_above=threshold,
            baselines=baselines.scores if baselines else None,
            progress=progress,
        )

    baselines = None
    if train_table is not None and threshold is not None:
        owned = _owned(scorer, database_url, train_table, names, where)
        baselines = LabelBaselines(owned, threshold)
    found = scored(scorer, baselines)
    if against is None:
        return found.evaluation(frozenset(("model", *PROBABILITIES)))
    name = Path(against).name
    other = scored(TableScorer(against)).scores["model"]
    scores = {"model": found.scores["model"], name: other, **found.scores}
    return dataclasses.replace(found, scores=scores).evaluation(
        frozenset(("model", name, *PROBABILITIES))
    )


def _owned(
    scorer: TableScorer,
    database_url: str,
    train_table: str,
    names: ColumnNames,
    where: Sequence[RowCondition],
) -> OwnedItems:
    engine = open_engine(database_url)
    columns = names.without_context().find(engine, train_table)
    chunks = read_interactions(engine, train_table, columns, order="user", where=where)
    return owned_items(chunks, scorer.catalogue())


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
    against: str | Path | None = None,
    progress: Progress | None = None,
) -> CatalogueEvaluation:
    """Rank the whole catalogue for each user of a test table; see `evaluate_catalogue`.

    Parameters
    ----------
    train_table : str, optional
        The rows that the model was trained on; by default NAME_train beside NAME_test.
    against : path, optional
        Another file, compared with `model` on the same users.

    Raises
    ------
    SourceError
        The database, a table or a column is not there.
    EvaluationError
        No test user has a relevant item, or the two files have other catalogues.
    """
    names = names or ColumnNames()
    table = train_table or train_table_of(database_url, test_table)
    if table is None:
        raise SourceError(
            f"to rank the catalogue, the table that the model was trained on is read too, and "
            f'there is no table "{_train_name(test_table)}" beside "{test_table}". Name it with '
            "--train-table."
        )

    def ranked(scorer: TableScorer, baselines: Sequence[Baseline] | None) -> CatalogueEvaluation:
        return evaluate_catalogue(
            scorer,
            table_rows(database_url, test_table, names, order="user", where=where),
            _owned(scorer, database_url, table, names, where),
            k=k,
            repeats=repeats,
            label_above=label_above,
            baselines=baselines,
            progress=progress,
        )

    found = ranked(TableScorer(model), None)
    if against is None:
        return found
    other = ranked(TableScorer(against), ())
    if other.user_ids != found.user_ids:
        raise EvaluationError(
            f"{Path(model).name} and {Path(against).name} cannot be compared: relevant items are "
            f"left to rank for {len(found.user_ids)} users by the one and {len(other.user_ids)} by "
            "the other, since their catalogues differ. Train both on the same table."
        )
    metrics = {"model": found.metrics["model"], Path(against).name: other.metrics["model"]}
    return dataclasses.replace(found, metrics={**metrics, **found.metrics})


def train_table_of(database_url: str, test_table: str) -> str | None:
    """Return NAME_train, where it stands beside NAME_test; None: it does not."""
    name = _train_name(test_table)
    return name if name in table_names(open_engine(database_url)) else None


def _train_name(test_table: str) -> str:
    return f"{test_table.removesuffix('_test')}_train"


def evaluate_samples(
    model: str | Path, rec_sys: EvaluationSamples, *, progress: Progress | None = None
) -> Evaluation:
    """Evaluate the file `model` on the held-out samples that a RecSys offers."""
    return evaluate_rows(TableScorer(model), sample_rows(rec_sys), progress=progress)


def sample_rows(rec_sys: EvaluationSamples) -> list[Row]:
    """Return the held-out samples that a RecSys offers, in order of time."""
    rows = (
        Row(
            sample.user_id,
            sample.item_id,
            sample.value,
            sample.timestamp,
            sample.label,
            tuple(sample.context),
        )
        for sample in whole_samples(
            rec_sys.evaluation_sample_generator(), "evaluation_sample_generator"
        )
    )
    return sorted(rows, key=lambda row: row.timestamp)
