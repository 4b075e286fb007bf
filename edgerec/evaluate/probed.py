"""Scores a table through the file, and keeps what the graph saw on the way for some users."""

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.evaluate.prequential import Question, Row, score_rows
from edgerec.evaluate.scored_rows import ScoredRows
from edgerec.export.probe import FeatureProbe
from edgerec.progress import Progress
from edgerec.recsys import Id
from edgerec.schema import Request
from edgerec.scoring import TableScorer

_MOST_PROBED_ROWS: Final = 50_000


@dataclass(frozen=True)
class ProbedRows:
    """Test rows with the file's scores; some of them with their features.

    The P probed rows are all rows of a random part of the users, all users where they are few.
    """

    scored: ScoredRows
    """all n rows, as the device's scorer answered, and the baselines"""
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
    baselines: Callable[[Question], Mapping[str, NDArray[np.float64]]] | None = None,
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
    kept = _Kept(probe, most_probed_rows)
    scored = score_rows(
        scorer,
        test_rows,
        history_rows,
        frozen=frozen,
        label_above=label_above,
        baselines=baselines,
        watch=kept.see,
        progress=progress,
    )
    return ProbedRows(scored, *kept.arrays())


class _Kept:
    """What the graph saw, of fewer and fewer users as rows come."""

    def __init__(self, probe: FeatureProbe, most_rows: int) -> None:
        self._probe = probe
        self._catalogue = frozenset(probe.catalogue)
        self._most_rows = most_rows
        self._n_rows = 0
        self._share = 2**32
        self._blocks: list[tuple[int, int, NDArray[np.float32], int, list[bool]]] = []

    def see(self, asked: Question, first: int) -> None:
        """Look at a question whose rows begin at position `first`, if its user is among them."""
        number = _number(asked.rows[0].user_id)
        if number >= self._share:
            return
        seen = self._probe.see(question_request(asked))
        known = [item in self._catalogue for item in asked.item_ids]
        self._blocks.append((number, first, seen.features, seen.n_history, known))
        self._n_rows += len(known)
        while self._n_rows > self._most_rows and self._share > 1:
            self._share //= 2
            self._blocks = [block for block in self._blocks if block[0] < self._share]
            self._n_rows = sum(len(block[2]) for block in self._blocks)

    def arrays(
        self,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]:
        counts = [len(features) for _, _, features, _, _ in self._blocks]
        rows = [np.arange(first, first + len(known)) for _, first, _, _, known in self._blocks]
        nothing = np.zeros((0, len(self._probe.names)), np.float32)
        return (
            np.concatenate([np.zeros(0, np.int64), *rows]),
            np.concatenate([nothing, *(one[2] for one in self._blocks)]),
            np.repeat(np.array([one[3] for one in self._blocks], np.int64), counts),
            np.array([known for one in self._blocks for known in one[4]], bool),
        )


def _number(user_id: Id) -> int:
    """Return a number below 2**32 that depends on the id alone and looks random."""
    return zlib.crc32(repr(user_id).encode("utf-8", "surrogatepass"))
