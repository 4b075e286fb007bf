"""Rows that training never saw, which can be read as often as a report needs them."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from edgerec.errors import EvaluationError
from edgerec.evaluate.label_baselines import LabelBaselines
from edgerec.evaluate.owned import OwnedItems, owned_items, owned_samples
from edgerec.evaluate.prequential import Row
from edgerec.recsys import EvaluationSamples, Id, Sample
from edgerec.samples.encoding import whole_samples
from edgerec.scoring import TableScorer
from edgerec.source import (
    ColumnNames,
    RowCondition,
    open_engine,
    read_interactions,
    table_names,
)


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
    name: str = "the test rows"
    """what sentences call them"""
    has_labels: bool = True
    """False: all rows have one label, as purchases have, so that labels cannot be told apart"""
    training: Callable[[Sequence[Id]], OwnedItems] | None = None
    """takes the file's catalogue and reads what baselines are counted on; None: there are none"""

    def require_some(self) -> None:
        """Refuse rows of which there is none, before anything is computed.

        Raises
        ------
        EvaluationError
            The sentence names them.

        >>> EvaluationRows(lambda: (), name='the table "ratings_test"').require_some()
        Traceback (most recent call last):
        ...
        edgerec.errors.EvaluationError: The table "ratings_test" holds no row to evaluate on...
        """
        if next(iter(self.rows()), None) is None:
            raise EvaluationError(
                f"{self.name[:1].upper()}{self.name[1:]} holds no row to evaluate on. Fill it with "
                "rows that training does not see (`edgerec split` does), or name another."
            )

    def baselines(self, scorer: TableScorer) -> LabelBaselines | None:
        """Return what stands beside the file `scorer` on these rows; None: no training rows."""
        if self.training is None:
            return None
        above = scorer.label_above if self.label_above is None else self.label_above
        return LabelBaselines(self.training(scorer.catalogue()), above)


def rows_of_table(
    database_url: str,
    test_table: str,
    *,
    history_table: str | None = None,
    train_table: str | None = None,
    frozen: bool = False,
    label_above: float | None = None,
    has_labels: bool = True,
    names: ColumnNames | None = None,
    where: Sequence[RowCondition] = (),
) -> EvaluationRows:
    """Return the rows of tables; the parameters are those of `evaluate_table`."""
    found = names or ColumnNames()
    plain = found.without_context()

    def reader(table: str | None, names: ColumnNames) -> Callable[[], Iterable[Row]]:
        if table is None:
            return _no_rows
        return lambda: table_rows(database_url, table, names, where=where)

    return EvaluationRows(
        reader(test_table, found),
        reader(history_table, plain),
        frozen,
        label_above,
        f'the table "{test_table}"',
        has_labels,
        None
        if train_table is None
        else lambda catalogue: owned_rows(database_url, train_table, catalogue, plain, where),
    )


def rows_of_samples(
    rec_sys: EvaluationSamples, samples: Callable[[], Iterator[Sample]] | None = None
) -> EvaluationRows:
    """Return the held-out samples that a RecSys offers.

    Parameters
    ----------
    samples : callable, optional
        Its `sample_generator`, for baselines.
    """
    name = "evaluation_sample_generator"
    if samples is None:
        return EvaluationRows(lambda: sample_rows(rec_sys), name=name)
    return EvaluationRows(
        lambda: sample_rows(rec_sys),
        name=name,
        training=lambda catalogue: owned_samples(
            whole_samples(samples(), "sample_generator"), catalogue
        ),
    )


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


def owned_rows(
    database_url: str,
    train_table: str,
    catalogue: Sequence[Id],
    names: ColumnNames,
    where: Sequence[RowCondition] = (),
) -> OwnedItems:
    """Return the rows of a training table by user, over the file's catalogue."""
    engine = open_engine(database_url)
    columns = names.without_context().find(engine, train_table)
    chunks = read_interactions(engine, train_table, columns, order="user", where=where)
    return owned_items(chunks, catalogue)


def train_table_of(database_url: str, test_table: str) -> str | None:
    """Return NAME_train, where it stands beside NAME_test; None: it does not."""
    name = train_name(test_table)
    return name if name in table_names(open_engine(database_url)) else None


def train_name(test_table: str) -> str:
    """Return what `edgerec split` calls the table beside a test table.

    >>> train_name("ratings_test")
    'ratings_train'
    """
    return f"{test_table.removesuffix('_test')}_train"
