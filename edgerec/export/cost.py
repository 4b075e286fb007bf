"""What rounding cost: two graphs of one ranker, asked the same of held-out users."""

import dataclasses
import math
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from edgerec.areas import grouped_auc
from edgerec.errors import PrecisionError
from edgerec.export.asked import asked_by
from edgerec.export.parity import GraphSession
from edgerec.training.ranker import Ranker

_MOST_LISTS: Final = 50
_K: Final = 10


@dataclass(frozen=True)
class Quality:
    """How well one graph tells held-out samples apart. NaN: not defined, of one label alone."""

    auc: float
    gauc: float


@dataclass(frozen=True)
class RoundingCost:
    """Two graphs on the same held-out samples.

    The network was not fitted on these users' samples; item tables were. The difference is what
    counts here, and the figures themselves are no test.
    """

    exact: Quality
    rounded: Quality
    top_10_overlap: float
    """share of the ten best of the whole catalogue that are in both lists, mean over users"""
    n_samples: int
    n_users: int

    @property
    def loss(self) -> float:
        """The larger loss, of AUC and of GAUC; 0 where neither is defined."""
        losses = [
            self.exact.auc - self.rounded.auc,
            self.exact.gauc - self.rounded.gauc,
        ]
        return max((one for one in losses if not math.isnan(one)), default=0.0)

    def plain(self) -> dict[str, object]:
        """Return JSON types; None where a figure is not defined."""
        described: dict[str, object] = {
            side: {name: None if math.isnan(one) else one for name, one in figures.items()}
            for side, figures in (
                ("exact", dataclasses.asdict(self.exact)),
                ("rounded", dataclasses.asdict(self.rounded)),
            )
        }
        overlap = None if math.isnan(self.top_10_overlap) else self.top_10_overlap
        return {
            **described,
            "top_10_overlap": overlap,
            "n_samples": self.n_samples,
            "n_users": self.n_users,
        }


@dataclass(frozen=True)
class HeldOutAnswers:
    """What one graph says of held-out samples and users."""

    scores: NDArray[np.float32]
    """[n_samples]"""
    best: tuple[frozenset[object], ...]
    """raw ids of the ten best of the catalogue, of each of the first users"""


def held_out_answers(
    session: GraphSession, ranker: Ranker, n_known: int | None = None
) -> HeldOutAnswers:
    """Ask a graph about the held-out samples of `ranker`, who was trained and knows users.

    Parameters
    ----------
    n_known : int, optional
        Newest interactions of a user that are known at the moment that is asked about; None: all.
    """
    users = np.unique(ranker.held_out.user)[:_MOST_LISTS].tolist()
    best = tuple(frozenset(_best(session, ranker, user, n_known)) for user in users)
    return HeldOutAnswers(_scores(session, ranker, n_known), best)


def rounding_cost(exact: HeldOutAnswers, rounded: HeldOutAnswers, ranker: Ranker) -> RoundingCost:
    """Compare what two graphs said of the held-out samples of `ranker`."""
    held_out = ranker.held_out
    qualities = [_quality(held_out.label, one.scores, held_out.user) for one in (exact, rounded)]
    n_best = min(_K, len(ranker.item_ids))
    overlaps = [
        len(one & other) / n_best for one, other in zip(exact.best, rounded.best, strict=True)
    ]
    return RoundingCost(
        exact=qualities[0],
        rounded=qualities[1],
        top_10_overlap=float(np.mean(overlaps)) if overlaps else math.nan,
        n_samples=len(held_out.label),
        n_users=len(np.unique(held_out.user)),
    )


def require_small_loss(cost: RoundingCost, most: float, precision: str, left_out: str = "") -> None:
    """Refuse to go on where rounding, and what was left out, cost more than `most`.

    Raises
    ------
    PrecisionError
        The sentence says which figure fell, and by how much.
    """
    if cost.loss <= most:
        return
    exact, rounded = cost.exact, cost.rounded
    said = f"Stored as {precision}" + (f" with {left_out}" if left_out else "")
    raise PrecisionError(
        f"{said}, the model loses {cost.loss:.5f} on {cost.n_samples} held-out "
        f"samples (AUC {exact.auc:.4f} to {rounded.auc:.4f}, GAUC {exact.gauc:.4f} to "
        f"{rounded.gauc:.4f}); at most {most:g} is allowed, so no file was written. Choose a "
        "higher precision, or allow more with max_loss (--max-loss)."
    )


def _scores(session: GraphSession, ranker: Ranker, n_known: int | None) -> NDArray[np.float32]:
    held_out = ranker.held_out
    keys = zip(held_out.user.tolist(), held_out.as_of.tolist(), strict=True)
    ids = ranker.item_ids[held_out.item - 1].tolist()
    scores = np.empty(len(ids), np.float32)
    at = 0
    for (user, as_of), same in groupby(keys):
        end = at + sum(1 for _ in same)
        asked = asked_by(ranker, user, n_known, as_of)
        request = dataclasses.replace(asked, item_ids=ids[at:end], now=as_of)
        scores[at:end] = session.answer(request).scores
        at = end
    return scores


def _best(session: GraphSession, ranker: Ranker, user: int, n_known: int | None) -> list[object]:
    asked = asked_by(ranker, user, n_known, ranker.facts.last_timestamp + 1)
    found: list[object] = session.answer(dataclasses.replace(asked, k=_K)).top_ids.tolist()
    return found


def _quality(
    label: NDArray[np.float32], score: NDArray[np.float32], user: NDArray[np.int32]
) -> Quality:
    if not 0 < label.sum() < len(label):
        return Quality(math.nan, math.nan)
    wide = label.astype(np.float64), score.astype(np.float64), user.astype(np.int64)
    return Quality(float(roc_auc_score(label, score)), grouped_auc(*wide)[0])
