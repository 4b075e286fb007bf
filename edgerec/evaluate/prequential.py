"""Scores rows in order of time, each with the history that was there before it.

Prequential (Dawid 1984): predict, then let the row join the history. A row may use what the file
knows of its user and the user's strictly earlier rows; rows of the same second see none of each
other.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import numpy as np

from edgerec.errors import EvaluationError
from edgerec.evaluate.metrics import Metrics, compute_metrics
from edgerec.progress import Progress, Silent
from edgerec.recsys import Id, Interaction
from edgerec.scoring import TableScorer


class Row(NamedTuple):
    """One row of a test or history table, in order of (timestamp, user, item)."""

    user_id: Id
    item_id: Id
    value: float | None
    timestamp: int
    label: float | None = None
    """None: the label rule decides"""


@dataclass(frozen=True)
class Evaluation:
    """Metrics and the protocol they were measured by."""

    protocol: str
    metrics: Metrics


class _Histories:
    """The newest distinct items of each user: as much as the file would use, and no more."""

    def __init__(self, n_history: int, catalogue: Iterable[Id]) -> None:
        self._n_history = n_history
        self._catalogue = frozenset(catalogue)
        self._of_user: dict[Id, dict[Id, Interaction]] = {}

    def add(self, row: Row) -> None:
        # A sampled negative (no value) never enters; an unknown item would be dropped anyway.
        if row.value is None or row.item_id not in self._catalogue:
            return
        own = self._of_user.setdefault(row.user_id, {})
        own.pop(row.item_id, None)
        own[row.item_id] = Interaction(row.item_id, row.value, row.timestamp)
        if len(own) > self._n_history:
            del own[next(iter(own))]

    def of(self, user_id: Id) -> list[Interaction]:
        return list(self._of_user.get(user_id, {}).values())


def evaluate_rows(
    scorer: TableScorer,
    test_rows: Iterable[Row],
    history_rows: Iterable[Row] = (),
    *,
    frozen: bool = False,
    label_above: float | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Score `test_rows` through the file and compute the metrics.

    Parameters
    ----------
    test_rows, history_rows : iterables of Row
        Each in order of time. A test row's history is what the file knows of the user, the
        user's strictly earlier history rows and, unless `frozen`, his strictly earlier test rows.
    frozen : bool
        True: test rows never join a history.
    label_above : float, optional
        A value above this is labelled 1; by default the rule that stands in the manifest.

    Raises
    ------
    EvaluationError
        No label rule, rows out of order, ids of another kind than the file's, one class alone.
    """
    progress = progress or Silent()
    threshold = scorer.label_above if label_above is None else label_above
    histories = _Histories(scorer.n_history, scorer.catalogue())
    earlier = _Earlier(history_rows, "history table")
    labels: list[float] = []
    scores: list[float] = []
    user_codes: dict[Id, int] = {}
    users: list[int] = []
    any_by_rule = False
    progress.stage("scoring")
    for timestamp, moment in groupby(_ordered(test_rows, "test table"), lambda row: row.timestamp):
        for row in earlier.before(timestamp):
            histories.add(row)
        rows = list(moment)
        check_kinds(scorer, rows[0])
        by_user = sorted(rows, key=lambda row: user_codes.setdefault(row.user_id, len(user_codes)))
        for user_id, group in groupby(by_user, lambda row: row.user_id):
            own = list(group)
            items = [row.item_id for row in own]
            scores += scorer.scores(user_id, items, histories.of(user_id), timestamp).tolist()
            labels += [_label(row, threshold) for row in own]
            any_by_rule = any_by_rule or own[0].label is None
            users += [user_codes[user_id]] * len(own)
        if not frozen:
            for row in rows:
                histories.add(row)
        progress.advance(len(labels), None)
    rule = f"label: value > {threshold:g}" if any_by_rule else "labels as given"
    protocol = f"{'frozen' if frozen else 'prequential'} rows in order of time; {rule}"
    metrics = compute_metrics(
        np.array(labels, np.float64), np.array(scores, np.float64), np.array(users, np.int64)
    )
    return Evaluation(protocol, metrics)


def _label(row: Row, threshold: float | None) -> float:
    if row.label is not None:
        return row.label
    if threshold is None:
        raise EvaluationError(
            "The model has no label rule, since its values did not decide its labels. "
            "Give one with --label-above VALUE."
        )
    return float(row.value is not None and row.value > threshold)


def check_kinds(scorer: TableScorer, row: Row) -> None:
    """Refuse a row whose ids are not of the file's kinds.

    Raises
    ------
    EvaluationError
        The sentence names the id.
    """
    for role, id_, kind in (
        ("user", row.user_id, scorer.user_id_type),
        ("item", row.item_id, scorer.item_id_type),
    ):
        if isinstance(id_, str) != (kind == "string"):
            raise EvaluationError(
                f"The test table's {role} id {id_!r} is no {kind}, but the model's {role} ids are. "
                "Name another column or evaluate the model that was trained on these ids."
            )


class _Earlier:
    """Hands out rows strictly before a moment that only moves forward."""

    def __init__(self, rows: Iterable[Row], where: str) -> None:
        self._rows = _ordered(rows, where)
        self._next = next(self._rows, None)

    def before(self, timestamp: int) -> Iterator[Row]:
        while self._next is not None and self._next.timestamp < timestamp:
            yield self._next
            self._next = next(self._rows, None)


def _ordered(rows: Iterable[Row], where: str) -> Iterator[Row]:
    previous = None
    for row in rows:
        if previous is not None and row.timestamp < previous:
            raise EvaluationError(
                f"The {where} yields user {row.user_id!r}, item {row.item_id!r} at "
                f"{row.timestamp} after a row at {previous}; rows must come in order of time."
            )
        previous = row.timestamp
        yield row
