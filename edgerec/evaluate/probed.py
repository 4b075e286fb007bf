"""Scores a table through the file, and keeps what the graph saw on the way for some users."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.evaluate.metrics import compute_metrics
from edgerec.evaluate.prequential import Evaluation, Question, Row, label_of, protocol, questions
from edgerec.export.probe import FeatureProbe
from edgerec.progress import Progress, Silent
from edgerec.recsys import Id
from edgerec.schema import Request
from edgerec.scoring import TableScorer

_MOST_PROBED_ROWS: Final = 50_000


@dataclass(frozen=True)
class ProbedRows:
    """Test rows with the file's scores; some of them with their features.

    The P probed rows are all rows of a random part of the users, all users where they are few.
    """

    evaluation: Evaluation
    user_ids: list[Id]
    """by code"""
    user: NDArray[np.int64]
    """[n]: codes"""
    label: NDArray[np.float64]
    """[n]"""
    score: NDArray[np.float64]
    """[n]: as the device's scorer answered"""
    probed: NDArray[np.int64]
    """[P]: positions in the rows"""
    features: NDArray[np.float32]
    """[P, width]: as the graph computed them"""
    n_history: NDArray[np.int64]
    """[P]: length of the effective history"""
    is_known: NDArray[np.bool_]
    """[P]: the item was in training"""


def question_request(asked: Question) -> Request:
    """Return the request to the graph that a question is."""
    return Request(
        user_id=asked.rows[0].user_id,
        item_ids=asked.item_ids,
        history=[one.item_id for one in asked.history],
        history_values=[np.nan if one.value is None else one.value for one in asked.history],
        history_times=[one.timestamp for one in asked.history],
        now=asked.timestamp,
        context=asked.context,
    )


def probe_rows(
    scorer: TableScorer,
    probe: FeatureProbe,
    test_rows: Iterable[Row],
    history_rows: Iterable[Row] = (),
    *,
    frozen: bool = False,
    label_above: float | None = None,
    most_probed_rows: int = _MOST_PROBED_ROWS,
    progress: Progress | None = None,
) -> ProbedRows:
    """Score as `edgerec.evaluate.prequential.evaluate_rows` does, with the same parameters.

    Parameters
    ----------
    most_probed_rows : int
        Where there are more rows, the users are halved until theirs are no more: the memory of
        the features is bounded, and whoever stays has all of his rows.
    """
    progress = progress or Silent()
    progress.stage("scoring")
    threshold = scorer.label_above if label_above is None else label_above
    catalogue = frozenset(probe.catalogue)
    kept = _Kept(most_probed_rows)
    user_ids: list[Id] = []
    user: list[int] = []
    label: list[float] = []
    score: list[float] = []
    any_by_rule = False
    for asked in questions(scorer, test_rows, history_rows, frozen=frozen):
        user_id = asked.rows[0].user_id
        if asked.user == len(user_ids):
            user_ids.append(user_id)
        if kept.wants(user_id):
            seen = probe.see(question_request(asked))
            known = [item in catalogue for item in asked.item_ids]
            kept.add(user_id, len(label), seen.features, seen.n_history, known)
        score += scorer.scores(
            user_id, asked.item_ids, asked.history, asked.timestamp, asked.context
        ).tolist()
        label += [label_of(row, threshold) for row in asked.rows]
        user += [asked.user] * len(asked.rows)
        any_by_rule = any_by_rule or asked.rows[0].label is None
        progress.advance(len(label), None)
    arrays = np.array(label), np.array(score), np.array(user, np.int64)
    evaluation = Evaluation(
        protocol(frozen, threshold if any_by_rule else None), compute_metrics(*arrays)
    )
    return ProbedRows(
        evaluation, user_ids, arrays[2], arrays[0], arrays[1], *kept.arrays(len(probe.names))
    )


class _Kept:
    """What the graph saw, of fewer and fewer users as rows come."""

    def __init__(self, most_rows: int) -> None:
        self._most_rows = most_rows
        self._n_rows = 0
        self._share = 2**32
        self._blocks: list[tuple[int, int, NDArray[np.float32], int, list[bool]]] = []

    def wants(self, user_id: Id) -> bool:
        return _number(user_id) < self._share

    def add(
        self,
        user_id: Id,
        first: int,
        features: NDArray[np.float32],
        n_history: int,
        known: list[bool],
    ) -> None:
        self._blocks.append((_number(user_id), first, features, n_history, known))
        self._n_rows += len(features)
        while self._n_rows > self._most_rows and self._share > 1:
            self._share //= 2
            self._blocks = [block for block in self._blocks if block[0] < self._share]
            self._n_rows = sum(len(block[2]) for block in self._blocks)

    def arrays(
        self, width: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]:
        counts = [len(features) for _, _, features, _, _ in self._blocks]
        rows = [np.arange(first, first + len(known)) for _, first, _, _, known in self._blocks]
        return (
            np.concatenate([np.zeros(0, np.int64), *rows]),
            np.concatenate([np.zeros((0, width), np.float32), *(one[2] for one in self._blocks)]),
            np.repeat(np.array([one[3] for one in self._blocks], np.int64), counts),
            np.array([known for one in self._blocks for known in one[4]], bool),
        )


def _number(user_id: Id) -> int:
    """Return a number below 2**32 that depends on the id alone and looks random."""
    return zlib.crc32(repr(user_id).encode("utf-8", "surrogatepass"))
