"""Evaluates the file of a configuration on the rows that its section [evaluation] names."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from edgerec.declared.reading import database_url
from edgerec.declared.schema import Configuration, row_conditions
from edgerec.errors import ConfigurationError
from edgerec.evaluate.table import (
    ColumnNames,
    Evaluations,
    evaluate_table,
    rank_table,
    table_rows,
)
from edgerec.progress import Progress
from edgerec.recsys import Id

_TOP: Final = 10


def evaluate_declared(
    configuration: Configuration,
    model: str | Path,
    *,
    top: int | None = None,
    repeats: bool = False,
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
    names = _column_names(configuration)
    where = row_conditions(interactions.where)
    url = database_url(configuration)
    found = Evaluations()
    taken = configuration.label.rule == "taken"
    if not taken:
        labels = evaluate_table(
            model,
            url,
            section.test_table,
            history_table=section.history_table,
            frozen=section.frozen,
            names=names,
            where=where,
            progress=progress,
        )
        found = dataclasses.replace(found, labels=labels)
    k = top or section.top or (_TOP if taken else None)
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
            progress=progress,
        )
        found = dataclasses.replace(found, ranking=ranking)
    return found


def held_out_rows(configuration: Configuration) -> Iterator[tuple[Id, Id, int]]:
    """Yield user_id, item_id and timestamp of the rows that [evaluation] names, for the audit."""
    assert configuration.evaluation is not None
    for row in table_rows(
        database_url(configuration),
        configuration.evaluation.test_table,
        _column_names(configuration),
        where=row_conditions(configuration.interactions.where),
    ):
        yield row.user_id, row.item_id, row.timestamp


def _column_names(configuration: Configuration) -> ColumnNames:
    interactions = configuration.interactions
    return ColumnNames(
        user_id=interactions.user_id,
        item_id=interactions.item_id,
        value=interactions.value,
        timestamp=interactions.timestamp,
        has_value=interactions.value is not None,
    )
