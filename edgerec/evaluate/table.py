"""Evaluates a file on a table of a database, or on other rows."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgerec.errors import EvaluationError, SourceError
from edgerec.evaluate.baselines import Baseline
from edgerec.evaluate.catalogue import CatalogueEvaluation, evaluate_catalogue
from edgerec.evaluate.evaluation_rows import (
    EvaluationRows,
    owned_rows,
    rows_of_table,
    table_rows,
    train_name,
    train_table_of,
)
from edgerec.evaluate.label_baselines import PROBABILITIES, LabelBaselines
from edgerec.evaluate.prequential import score_rows
from edgerec.evaluate.scored_rows import Evaluation, ScoredRows
from edgerec.progress import Progress
from edgerec.scoring import TableScorer
from edgerec.source import ColumnNames, RowCondition


@dataclass(frozen=True)
class Evaluations:
    """What was measured of a file; None: was not asked for, or is not defined."""

    labels: Evaluation | None = None
    """how well scores tell the labels of rows apart"""
    ranking: CatalogueEvaluation | None = None
    """what stands on top of the whole catalogue"""


def evaluate_test(
    model: str | Path,
    test: EvaluationRows,
    *,
    against: str | Path | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate the file `model` on rows from wherever they come, beside the baselines they allow.

    Parameters
    ----------
    against : path, optional
        Another file, compared with `model` on the same rows.

    Raises
    ------
    EvaluationError
        One class alone, or no label rule.
    """

    def scored(scorer: TableScorer, baselines: LabelBaselines | None = None) -> ScoredRows:
        return score_rows(
            scorer,
            test.rows(),
            test.history_rows(),
            frozen=test.frozen,
            label_above=threshold,
            baselines=baselines.scores if baselines else None,
            progress=progress,
        )

    scorer = TableScorer(model)
    threshold = scorer.label_above if test.label_above is None else test.label_above
    found = scored(scorer, test.baselines(scorer))
    if against is None:
        return found.evaluation(frozenset(("model", *PROBABILITIES)))
    name = Path(against).name
    other = scored(TableScorer(against)).scores["model"]
    scores = {"model": found.scores["model"], name: other, **found.scores}
    return dataclasses.replace(found, scores=scores).evaluation(
        frozenset(("model", name, *PROBABILITIES))
    )


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
    test = rows_of_table(
        database_url,
        test_table,
        history_table=history_table,
        train_table=train_table,
        frozen=frozen,
        label_above=label_above,
        names=names,
        where=where,
    )
    return evaluate_test(model, test, against=against, progress=progress)


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
            f'there is no table "{train_name(test_table)}" beside "{test_table}". Name it with '
            "--train-table."
        )

    def ranked(scorer: TableScorer, baselines: Sequence[Baseline] | None) -> CatalogueEvaluation:
        return evaluate_catalogue(
            scorer,
            table_rows(database_url, test_table, names, order="user", where=where),
            owned_rows(database_url, table, scorer.catalogue(), names, where),
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
