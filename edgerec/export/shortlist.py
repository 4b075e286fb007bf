"""Has the coarse scores learned by which the best of a catalogue are found, and measures them.

The graph ranks the whole catalogue for some users, from what training knows of them, and for more
users what is best by coarse scores of the first. Then other users say how many of their ten best
stand in the list; it gets more directions and is made longer until nearly all do, and left out
where that does not pay.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.export.asked import asked_by, asked_by_newcomer
from edgerec.export.coarse_scores import CoarseScores, Ranking
from edgerec.export.parity import GraphSession
from edgerec.export_settings import Precision
from edgerec.schema import Request
from edgerec.training.ranker import Ranker
from edgerec.training.shortlist import Shortlist, logits

Array = NDArray[np.float32]
LEAST_RECALL: Final = 0.99
K: Final = 10
_STEPS: Final = 4
"""a list that misses too much is made longer by such a part of what was asked for"""
_LEAST_SHARE: Final = 3
"""a list pays where the catalogue is this many times as long"""
_ANCHORS_SHARE: Final = 5
"""of what is ranked, one in so many is an anchor, and the others are the list"""
_TRIES: Final = ((80, 20), (220, 64))
"""users learned from, and directions: the first that finds enough; a direction costs four bytes
and a multiplication per item"""
_N_WHOLE: Final = 24
"""users for whom everything is ranked; for the others what is best by coarse scores of these"""
_FIRST_ANCHORS: Final = 200
"""of those coarse scores"""
_N_MEASURED: Final = 120
"""of 100 000 generated items 60 users said 99.5 to 99.8 %, these 99.4 and 240 users 98.8"""
_MOST_SCORES: Final = 12_000_000
"""that are computed for those measured by, where the catalogue is long; for as many users at
least, and a quarter as many for those learned from"""
_LEAST_USERS: Final = 12
_NEWEST: Final = (None, 20, 5, 1)
"""how much of a history is told in turn, since users of a device begin with nothing"""
_ITEMS_AT_ONCE: Final = 4096


@dataclass(frozen=True)
class ShortlistFound:
    """A list and what it misses."""

    shortlist: Shortlist | None
    why: str
    """why it is as long, or why there is none"""
    recall: float = float("nan")
    """share of the ten best that stand in the list, mean over users"""
    recall_of_all: float = float("nan")
    """the same of as many as may be asked for"""
    n_users: int = 0

    def plain(self) -> dict[str, object]:
        """Return JSON types."""
        if self.shortlist is None:
            return {"n_items": 0, "why": self.why}
        return {
            "n_items": self.shortlist.n_items,
            "n_anchors": len(self.shortlist.anchors),
            "largest_k": self.shortlist.largest_k,
            "why": self.why,
            f"recall_at_{K}": round(self.recall, 5),
            f"recall_at_{self.shortlist.largest_k}": round(self.recall_of_all, 5),
            "n_users": self.n_users,
        }


def pays(ranker: Ranker, n_items: int) -> bool:
    """Return whether a list of `n_items` is worth its cost in this catalogue."""
    return 0 < n_items * _LEAST_SHARE <= len(ranker.item_ids)


def not_needed(ranker: Ranker, n_items: int) -> ShortlistFound:
    """Return that there is none, and why."""
    if not n_items:
        return ShortlistFound(None, "none was asked for")
    return ShortlistFound(
        None, f"{len(ranker.item_ids)} items are fewer than {_LEAST_SHARE} times {n_items}"
    )


def find_shortlist(
    ranker: Ranker,
    trained: Ranker,
    session: GraphSession,
    n_items: int,
    precision: Precision,
) -> ShortlistFound:
    """Learn how `n_items` come to be ranked, or as many more as it takes, of all of `ranker`.

    A fifth of them are the anchors, the same for everyone; the others are each user's list.

    Parameters
    ----------
    ranker : Ranker
        Whose graph `session` is; it has no shortlist yet.
    trained : Ranker
        The same before users were left out: its known histories are asked with.
    """
    fitted, measured = requests_of_users(trained, len(ranker.item_ids))
    if not fitted or not measured:
        return ShortlistFound(None, "training knows no histories to learn it from")
    learning = Learning(ranker, session, fitted)
    rankings = [_ranked(ranker, session, one) for one in measured]
    n_anchors = n_items // _ANCHORS_SHARE
    n_listed, recalls = n_items - n_anchors, (0.0, 0.0)
    for n_users, n_directions in _TRIES:
        learned = learning.from_users(n_users)
        shortlist = learned.shortlist(n_listed, n_anchors, n_directions, precision)
        places = [_places(ranker, shortlist, one) for one in rankings]
        recalls = _recalls(places, shortlist)
        if recalls[0] >= LEAST_RECALL:
            break
    while recalls[0] < LEAST_RECALL:
        shortlist = replace(shortlist, n_items=shortlist.n_items + max(1, n_items // _STEPS))
        if not pays(ranker, shortlist.n_items + n_anchors):
            return ShortlistFound(None, f"a short one would miss more than 1 % of the {K} best")
        recalls = _recalls(places, shortlist)
    why = f"the ranker's {K} best stand in it: {recalls[0]:.2%}"
    return ShortlistFound(shortlist, why, *recalls, len(places))


def requests_of_users(trained: Ranker, n_items: int) -> tuple[list[Request], list[Request]]:
    """Return requests to learn from, and others to measure by: of held-out users if there are."""
    n_measured = int(np.clip(_MOST_SCORES // n_items, _LEAST_USERS, _N_MEASURED))
    known = np.flatnonzero(np.diff(trained.known.offsets) > 0)
    random = np.random.default_rng([trained.settings.random_state, 3])
    random.shuffle(known)
    held_out = np.isin(known, trained.held_out.user)
    if held_out.sum() < _LEAST_USERS:
        held_out = np.arange(len(known)) % 2 == 1
    sides = []
    for side, n_users in ((~held_out, _TRIES[-1][0]), (held_out, n_measured)):
        requests = []
        for number, user in enumerate(known[side][:n_users].tolist()):
            newest = _NEWEST[number % len(_NEWEST)]
            requests.append(
                asked_by(trained, user)
                if newest is None
                else asked_by_newcomer(trained, user, newest)
            )
        sides.append(requests)
    return sides[0], sides[1]


class Learning:
    """Learns from how the graph ranks for one request after another, of as many as are needed."""

    def __init__(self, ranker: Ranker, session: GraphSession, requests: Sequence[Request]) -> None:
        self._ranker, self._session, self._requests = ranker, session, requests
        most = _MOST_SCORES // (4 * len(ranker.item_ids))
        self._n_used = int(np.clip(most, _LEAST_USERS, _N_WHOLE))
        whole = [_ranked(ranker, session, one) for one in requests[: self._n_used]]
        self._learned = CoarseScores(ranker, whole)
        self._first = self._learned.shortlist(0, _FIRST_ANCHORS, _TRIES[0][1], "fp32")

    def from_users(self, n_users: int) -> CoarseScores:
        """Return what so many of the requests teach, or all that there are."""
        ranker, session, learned = self._ranker, self._session, self._learned
        for request in self._requests[self._n_used : n_users]:
            of_anchors = _scores(ranker, session, request, self._first.anchors)
            history = ranker.effective_history(request)
            coarse = ranker.coarse_scores(self._first, *history, of_anchors)
            rows = learned.worth_reading(request, coarse)
            learned.add(request, rows, logits(_scores(ranker, session, request, rows)))
        self._n_used = max(self._n_used, n_users)
        return learned


def _ranked(ranker: Ranker, session: GraphSession, request: Request) -> Ranking:
    scores = _scores(ranker, session, request, np.arange(1, len(ranker.item_ids) + 1))
    return Ranking(request, logits(np.append(np.float32(0.5), scores)))


def _scores(
    ranker: Ranker, session: GraphSession, request: Request, rows: NDArray[np.int64]
) -> Array:
    found = []
    for start in range(0, len(rows), _ITEMS_AT_ONCE):
        some = ranker.item_ids[rows[start : start + _ITEMS_AT_ONCE] - 1].tolist()
        found.append(session.answer(replace(request, item_ids=some, k=1)).scores)
    return np.concatenate(found)


def _places(ranker: Ranker, shortlist: Shortlist, ranking: Ranking) -> NDArray[np.int64]:
    """Return where the best items of one user, which he does not have, stand by coarse scores."""
    history, values = ranker.effective_history(ranking.request)
    of_anchors = (1 / (1 + np.exp(-ranking.logit[shortlist.anchors]))).astype(np.float32)
    coarse = ranker.coarse_scores(shortlist, history, values, of_anchors)
    logit = ranking.logit.copy()
    own = np.r_[0, history]
    coarse[own], logit[own] = -np.inf, -np.inf
    place = np.empty(len(coarse), np.int64)
    place[np.argsort(-coarse, kind="stable")] = np.arange(len(coarse))
    n_best = len(ranker.item_ids) // _LEAST_SHARE
    return place[np.argsort(-logit, kind="stable")[:n_best]]


def _recalls(places: Sequence[NDArray[np.int64]], shortlist: Shortlist) -> tuple[float, float]:
    """Return which shares of the ten best, and of as many as may be asked for, are listed."""
    means = (
        float(np.mean([(place[:k] < shortlist.n_items).mean() for place in places]))
        for k in (K, shortlist.largest_k)
    )
    return next(means), next(means)
