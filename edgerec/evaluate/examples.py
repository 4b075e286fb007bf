"""A few test users in the middle of their test rows: what they did, what the file recommends."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from edgerec.evaluate.catalogue import is_relevant
from edgerec.evaluate.prequential import Question, Row, questions
from edgerec.evaluate.probed import question_request
from edgerec.export.probe import FeatureProbe
from edgerec.recsys import Id
from edgerec.scoring import TableScorer

RowSource = Callable[[], Iterable[Row]]

# Users that are looked at, of whom a few are shown.
_N_LOOKED_AT: Final = 60
_N_HISTORY_SHOWN: Final = 8


@dataclass(frozen=True)
class Recommended:
    """One place of a list."""

    item_id: Id
    score: float
    became: float | None
    """the label that the user gave it later; None: he has not met it in the test rows"""


@dataclass(frozen=True)
class ExampleUser:
    """A user at a moment."""

    user_id: Id
    as_of: int
    """Unix seconds"""
    n_history: int
    """length of the effective history"""
    newest: tuple[tuple[Id, float | None], ...]
    """its newest items, the newest first, with their values; None: not stated"""
    recommended: tuple[Recommended, ...]
    """best first; what stands in the history is left out"""
    n_liked_later: int
    """items that the user liked in the test rows from this moment on"""


def example_users(
    scorer: TableScorer,
    probe: FeatureProbe,
    test_rows: RowSource,
    history_rows: RowSource,
    *,
    n_examples: int,
    k: int = 10,
    frozen: bool = False,
    label_above: float | None = None,
    random_state: int = 0,
) -> list[ExampleUser]:
    """Choose users at random, from those with short to those with long histories.

    Only users who liked something later are chosen, so that a list can be compared with what
    happened. Nothing else is looked at: they are no selection of the best.

    Parameters
    ----------
    test_rows, history_rows : callables
        Called twice each, to read the rows of the chosen users alone.
    """
    threshold = scorer.label_above if label_above is None else label_above
    liked = partial(is_relevant, threshold=threshold)
    everyone = sorted({row.user_id for row in test_rows() if liked(row)}, key=repr)
    random = np.random.default_rng([random_state, 3])
    chosen = {everyone[at] for at in random.permutation(len(everyone))[:_N_LOOKED_AT].tolist()}
    asked: dict[Id, list[Question]] = {}
    for question in questions(
        scorer, _of(chosen, test_rows()), _of(chosen, history_rows()), frozen=frozen
    ):
        asked.setdefault(question.rows[0].user_id, []).append(question)
    found = [
        _example(scorer, probe, asked[user_id], liked, k) for user_id in sorted(asked, key=repr)
    ]
    usable = sorted((one for one in found if one.n_liked_later), key=lambda one: one.n_history)
    places = np.linspace(0, len(usable) - 1, min(n_examples, len(usable))).round().astype(int)
    return [usable[place] for place in places.tolist()]


def _of(chosen: set[Id], rows: Iterable[Row]) -> Iterable[Row]:
    return (row for row in rows if row.user_id in chosen)


def _example(
    scorer: TableScorer,
    probe: FeatureProbe,
    asked: list[Question],
    liked: Callable[[Row], bool],
    k: int,
) -> ExampleUser:
    middle = len(asked) // 2
    question = asked[middle]
    user_id, now = question.rows[0].user_id, question.timestamp
    later = {row.item_id: float(liked(row)) for one in asked[middle:] for row in one.rows}
    seen = probe.see(question_request(question))
    ids = scorer.top(user_id, question.history, now, seen.history, k, question.context)
    scores = (
        scorer.scores(user_id, ids, question.history, now, question.context).tolist() if ids else []
    )
    newest = zip(seen.history[::-1], seen.history_values[::-1].tolist(), strict=True)
    return ExampleUser(
        user_id=user_id,
        as_of=now,
        n_history=seen.n_history,
        newest=tuple(
            (item, None if np.isnan(value) else value)
            for item, value in list(newest)[:_N_HISTORY_SHOWN]
        ),
        recommended=tuple(
            Recommended(item, score, later.get(item))
            for item, score in zip(ids, scores, strict=True)
        ),
        n_liked_later=int(sum(later.values())),
    )
