"""Evaluates the file of a configuration on the rows that its section [evaluation] names."""

import dataclasses
from pathlib import Path
from typing import Final

from edgerec.declared.reading import database_url
from edgerec.declared.schema import Configuration, Evaluation, interaction_names, row_conditions
from edgerec.errors import ConfigurationError, OneClassError
from edgerec.evaluate.evaluation_rows import EvaluationRows, rows_of_table
from edgerec.evaluate.table import Evaluations, evaluate_test, rank_table
from edgerec.progress import Progress

_TOP: Final = 10


def evaluate_declared(
    configuration: Configuration,
    model: str | Path,
    *,
    top: int | None = None,
    repeats: bool = False,
    with_labels: bool = True,
    against: str | Path | None = None,
    progress: Progress | None = None,
) -> Evaluations:
    """Evaluate as the section [evaluation] says, on the rows that [interactions] counts.

    By the rule "above" labels are told apart, and with `top` the catalogue is ranked too. By the
    rule "taken" a table has one label alone, so the catalogue is ranked, ten places unless `top`
    says otherwise.

    Parameters
    ----------
    top, repeats
        Override what the section says, where they are given.
    with_labels : bool
        False: the catalogue alone, for a report, which measures the labels itself.
    against : path, optional
        Another file, compared with `model`.

    Raises
    ------
    ConfigurationError
        There is no section [evaluation].
    SourceError, EvaluationError
        The rows cannot be read or do not allow the metrics.
    """
    section, interactions = configuration.evaluation, configuration.interactions
    if section is None:
        raise ConfigurationError(
            "The configuration has no section [evaluation]. Add one that names test_table, a "
            "table of rows that training does not see; `edgerec split` writes one."
        )
    names, where = interaction_names(configuration), row_conditions(interactions.where)
    url = database_url(configuration)
    found = Evaluations()
    taken = configuration.label.rule == "taken"
    k = top or section.top or (_TOP if taken else None)
    if with_labels and not taken:
        rows = _rows(configuration, section)
        try:
            labels = evaluate_test(model, rows, against=against, progress=progress)
        except OneClassError:
            # Only what was taken stands in the table: a ranking is all that can be measured.
            if k is None:
                raise
            labels = None
        found = dataclasses.replace(found, labels=labels)
    if k is not None:
        ranking = rank_table(
            model,
            url,
            section.test_table,
            k=k,
            train_table=interactions.table,
            repeats=repeats or section.repeats,
            names=names,
            where=where,
            against=against,
            progress=progress,
        )
        found = dataclasses.replace(found, ranking=ranking)
    return found


def evaluation_rows(configuration: Configuration) -> EvaluationRows | None:
    """Return the rows that the section [evaluation] names, for a report; None: there is none."""
    section = configuration.evaluation
    return None if section is None else _rows(configuration, section)


def _rows(configuration: Configuration, section: Evaluation) -> EvaluationRows:
    return rows_of_table(
        database_url(configuration),
        section.test_table,
        history_table=section.history_table,
        train_table=configuration.interactions.table,
        frozen=section.frozen,
        has_labels=configuration.label.rule != "taken",
        names=interaction_names(configuration),
        where=row_conditions(configuration.interactions.where),
    )
