"""Scores rows in order of time, each with the history that was there before it.

Prequential (Dawid 1984): predict, then let the row join the history. A row may use what the file
knows of its user and the user's strictly earlier rows; rows of the same second see none of each
other.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgerec.errors import EvaluationError
from edgerec.evaluate.scored_rows import Evaluation, ScoredRows
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
    context: Sequence[float] = ()
    """what was known of the moment, in the file's order"""


class Question(NamedTuple):
    """What the file is asked: some items of one user, with the history before that moment."""

    user: int
    """code of the user, counted from 0 in order of appearance"""
    rows: list[Row]
    """the user's rows of that moment"""
    history: list[Interaction]
    """strictly earlier rows, oldest first; what the file knows of the user comes beside it"""
    timestamp: int

    @property
    def item_ids(self) -> list[Id]:
        """The candidates."""
        return [row.item_id for row in self.rows]

    @property
    def context(self) -> Sequence[float]:
        """Of the moment: the same for all its rows."""
        return self.rows[0].context


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
    """Score `test_rows` through the file and compute the metrics; see `score_rows`."""
    return score_rows(
        scorer,
        test_rows,
        history_rows,
        frozen=frozen,
        label_above=label_above,
        progress=progress,
    ).evaluation()


def score_rows(
    scorer: TableScorer,
    test_rows: Iterable[Row],
    history_rows: Iterable[Row] = (),
    *,
    frozen: bool = False,
    label_above: float | None = None,
    baselines: Callable[[Question], Mapping[str, NDArray[np.float64]]] | None = None,
    watch: Callable[[Question, int], None] | None = None,
    progress: Progress | None = None,
) -> ScoredRows:
    """Score `test_rows` through the file.

    Parameters
    ----------
    test_rows, history_rows : iterables of Row
        Each in order of time. A test row's history is what the file knows of the user, the
        user's strictly earlier history rows and, unless `frozen`, his strictly earlier test rows.
    frozen : bool
        True: test rows never join a history.
    label_above : float, optional
        A value above this is labelled 1; by default the rule that stands in the manifest.
    baselines : callable, optional
        Returns the scores of a question's rows by name, to be compared with the model's.
    watch : callable, optional
        Is shown each question and the position of its first row.

    Raises
    ------
    EvaluationError
        No label rule, rows out of order, ids of another kind than the file's.
    """
    progress = progress or Silent()
    threshold = scorer.label_above if label_above is None else label_above
    labels: list[float] = []
    scores: dict[str, list[float]] = {"model": []}
    users: list[int] = []
    any_by_rule = False
    progress.stage("scoring")
    for asked in questions(scorer, test_rows, history_rows, frozen=frozen):
        user_id = asked.rows[0].user_id
        if watch is not None:
            watch(asked, len(labels))
        answered = scorer.scores(
            user_id, asked.item_ids, asked.history, asked.timestamp, asked.context
        )
        scores["model"] += answered.tolist()
        for name, others in (baselines(asked) if baselines else {}).items():
            scores.setdefault(name, []).extend(others.tolist())
        labels += [label_of(row, threshold) for row in asked.rows]
        any_by_rule = any_by_rule or asked.rows[0].label is None
        users += [asked.user] * len(asked.rows)
        progress.advance(len(labels), None)
    return ScoredRows(
        protocol(frozen, threshold if any_by_rule else None),
        np.array(labels, np.float64),
        np.array(users, np.int64),
        {name: np.array(one, np.float64) for name, one in scores.items()},
    )


def questions(
    scorer: TableScorer,
    test_rows: Iterable[Row],
    history_rows: Iterable[Row] = (),
    *,
    frozen: bool = False,
) -> Iterator[Question]:
    """Yield what `evaluate_rows` asks the file, in order of time; the same parameters.

    Raises
    ------
    EvaluationError
        Rows out of order, ids of another kind than the file's.
    """
    histories = _Histories(scorer.n_history, scorer.catalogue())
    earlier = _Earlier(history_rows, "history table")
    user_codes: dict[Id, int] = {}
    for timestamp, moment in groupby(_ordered(test_rows, "test table"), lambda row: row.timestamp):
        for row in earlier.before(timestamp):
            histories.add(row)
        rows = list(moment)
        check_kinds(scorer, rows[0])
        by_user = sorted(rows, key=lambda row: user_codes.setdefault(row.user_id, len(user_codes)))
        # Rows of one moment may say it on two devices: then they are two questions.
        for (user_id, _), group in groupby(by_user, lambda row: (row.user_id, row.context)):
            yield Question(user_codes[user_id], list(group), histories.of(user_id), timestamp)
        if not frozen:
            for row in rows:
                histories.add(row)


def protocol(frozen: bool, threshold: float | None) -> str:
    """Say how rows were scored; `threshold` None: their labels were given."""
    rule = "labels as given" if threshold is None else f"label: value > {threshold:g}"
    return f"{'frozen' if frozen else 'prequential'} rows in order of time; {rule}"


def label_of(row: Row, threshold: float | None) -> float:
    """Return the label of a row: its own, or what the rule says of its value.

    Raises
    ------
    EvaluationError
        There is neither.
    """
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
