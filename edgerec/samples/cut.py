"""Samples for ranking a catalogue: each user's own past, cut, and what he took after the cut.

What a file is asked for is "which of all items will he like next", so that is what its network
learns: tables are fitted on what came before every user's cut, his history ends there, and the
items to tell apart are the best candidates that those tables find. Sampled negatives are far
easier than these, and a network that learned from them ranks the catalogue worse: on a validation
cut of MovieLens latest-small NDCG@10 falls by a tenth.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.config import TrainSettings
from edgerec.features.vector import FeatureTables, Requests, feature_vectors
from edgerec.samples.history import newest_distinct
from edgerec.samples.intake import Intake
from edgerec.samples.pool import CandidatePool
from edgerec.samples.stream import SampleBlock

# Rows that are made at most; of more users a random part is asked.
_MOST_ROWS: Final = 2_000_000
# Candidates that may stand in memory for each sample that tells epochs apart.
_CANDIDATES_OF_A_SAMPLE: Final = 32
# The fit of what came before the cuts; the one behind it is of everything.
BEFORE: Final = 0
ALL_USERS: Final = -1
"""a fold that no user is in"""


def interactions_before_cuts(intake: Intake, settings: TrainSettings) -> Iterator[NDArray[np.void]]:
    """Yield the interactions of whole users, without the last `cut_share` of each."""
    for records in interactions(intake, settings):
        yield records[~is_after_cut(records["user"], settings.cut_share)]


def interactions(intake: Intake, settings: TrainSettings) -> Iterator[NDArray[np.void]]:
    """Yield the interactions of whole users: no sampled negatives."""
    for records in intake.spool.blocks(settings.chunk_rows):
        yield records[~np.isnan(records["value"])]


def cut_blocks(
    intake: Intake,
    tables: FeatureTables,
    embedding_fit_of_user: NDArray[np.int64],
    settings: TrainSettings,
) -> Iterator[SampleBlock]:
    """Yield, for each user who liked something after his cut, a sample per candidate.

    The history is what was strictly before his first interaction after the cut. Candidates are
    the best of `CandidatePool`; items that he had are among them where anybody liked such an item
    again, and else are left out. What he liked weighs what that interaction does, the heaviest
    where there are several; the other candidates were never weighed, and weigh 1.
    """
    assert tables.neighbours is not None
    pool = CandidatePool(
        tables.neighbours.transposed(BEFORE),
        tables.statistics.log_count[BEFORE],
        settings.n_candidates,
    )
    repeats = any(
        len(_again(own, settings.cut_share))
        for records in interactions(intake, settings)
        for own in _by_user(records)
    )
    is_asked = _asked_users(intake.spool.n_users, settings)
    for records in interactions(intake, settings):
        blocks = [
            block
            for own in _by_user(records)
            if is_asked[own["user"][0]]
            and (block := _of_user(own, tables, pool, embedding_fit_of_user, settings, repeats))
        ]
        if blocks:
            yield SampleBlock(
                np.concatenate([block.user for block in blocks]),
                np.concatenate([block.features for block in blocks]),
                np.concatenate([block.label for block in blocks]),
                np.concatenate([block.weight for block in blocks]),
            )


def _of_user(
    own: NDArray[np.void],
    tables: FeatureTables,
    pool: CandidatePool,
    embedding_fit_of_user: NDArray[np.int64],
    settings: TrainSettings,
    repeats: bool,
) -> SampleBlock | None:
    is_after = is_after_cut(own["user"], settings.cut_share)
    before, after = own[~is_after], own[is_after]
    had = np.unique(before["item"]).astype(np.int64)
    liked = after[after["label"] == 1]
    wanted = np.unique(liked["item"]).astype(np.int64)
    if not repeats:
        wanted = np.setdiff1d(wanted, had)
    if not len(wanted):
        return None
    past = before[before["timestamp"] < after["timestamp"][0]]
    newest = newest_distinct(past["item"].astype(np.int64), settings.n_history)
    history = past["item"][newest].astype(np.int64)
    candidates = pool.best(history, had)
    if repeats:
        candidates = np.union1d(candidates, had)
    # Only what the pool finds: an item from outside of it, seen as a positive and never as a
    # negative, would teach that such items are liked.
    label = np.isin(candidates, wanted)
    weight = np.ones(len(candidates), np.float32)
    weight[label] = [liked["weight"][liked["item"] == item].max() for item in candidates[label]]
    user = int(own["user"][0])
    requests = Requests(
        user=np.array([user]),
        candidates=candidates[None],
        history=np.r_[history, 0][None],
        values=np.r_[past["value"][newest], np.float32(np.nan)][None],
        fit=np.array([BEFORE]),
        embedding_fit=embedding_fit_of_user[[user]],
        as_of=after["timestamp"][:1],
        # He is asked about at the first row after the cut, and so in its context.
        context=after["context"][:1] if len(tables.context) else None,
    )
    features = feature_vectors(requests, tables)[0]
    return SampleBlock(np.full(len(label), user), features, label.astype(np.float32), weight)


def is_after_cut(user: NDArray[np.int32], share: float) -> NDArray[np.bool_]:
    """Say which rows of whole users are after their cut: the last floor(share * n) of each."""
    first = np.searchsorted(user, user, side="left")
    count = np.searchsorted(user, user, side="right") - first
    # In favour of what is before, as a split by user-time does; 1e-9: .15 * 20 is 3.
    n_after = np.floor(share * count + 1e-9).astype(np.int64)
    after: NDArray[np.bool_] = np.arange(len(user)) - first >= count - n_after
    return after


def samples_to_tell(
    n_interactions: NDArray[np.int64], settings: TrainSettings
) -> NDArray[np.int64]:
    """Return how many samples each user is worth where epochs are told apart.

    Of all his candidates only those that he took tell anything: about `cut_share` of his
    interactions. All of them stand in memory, so none is worth less than his share of that.

    >>> samples_to_tell(np.array([0, 5, 200]), TrainSettings()).tolist()
    [10, 10, 30]
    """
    taken = np.ceil(settings.cut_share * n_interactions - 1e-9)
    least = -(-settings.n_candidates // _CANDIDATES_OF_A_SAMPLE)
    worth: NDArray[np.int64] = np.maximum(taken, least).astype(np.int64)
    return worth


def _again(own: NDArray[np.void], share: float) -> NDArray[np.int32]:
    """Return what one user liked after his cut and had before."""
    is_after = is_after_cut(own["user"], share)
    liked = own["item"][is_after & (own["label"] == 1)]
    again: NDArray[np.int32] = np.intersect1d(liked, own["item"][~is_after])
    return again


def _by_user(records: NDArray[np.void]) -> Iterator[NDArray[np.void]]:
    for start, end in pairwise(np.flatnonzero(np.diff(records["user"], prepend=-1, append=-1))):
        yield records[start:end]


def _asked_users(n_users: int, settings: TrainSettings) -> NDArray[np.bool_]:
    asked = np.zeros(n_users + 1, bool)
    order = np.random.default_rng([settings.random_state, 4]).permutation(n_users) + 1
    asked[order[: max(2, _MOST_ROWS // settings.n_candidates)]] = True
    return asked
