"""Whether what is asked of a user by the objective "top" moves what his samples see.

By it each user's past is cut: tables are fitted on what came before the cuts, and the samples ask
what he liked after his own. The tables of a few users are fitted twice, by the code that training
uses, the second time with what one user did after his cut exchanged for something else: the
features of his candidates must stay the same to the last bit, whatever table they come from.
"""

import dataclasses
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.audit.few_users import FitTables, KnownFeatures, few_users, written
from edgerec.audit.held_out import id_at
from edgerec.audit.report import Finding
from edgerec.config import TrainSettings
from edgerec.features.vector import FeatureTables
from edgerec.samples.cut import cut_blocks, is_after_cut
from edgerec.samples.intake import Intake

_CHECK: Final = "out-of-fold"
_N_CHANGED: Final = 4


def check_after_cut(
    fit: FitTables, intake: Intake, tables: FeatureTables, settings: TrainSettings, folder: Path
) -> Finding:
    """Fit the tables of a few users with and without other events after the cut of one of them.

    Parameters
    ----------
    fit : callable
        What training fits its tables by; it is called on another intake, of a few users.
    """
    random = np.random.default_rng([settings.random_state, 6])
    few, records = few_users(intake, folder / "few", random)
    known = KnownFeatures.of(few, intake, tables)
    names = tables.names()

    def features(samples: Intake) -> dict[int, NDArray[np.float32]]:
        fitted, folds = fit(known, samples, folder)
        found: dict[int, NDArray[np.float32]] = {}
        for block in cut_blocks(samples, fitted, folds.embedding, settings):
            for user in np.unique(block.user).tolist():
                found[user] = block.features[block.user == user]
        return found

    before = features(few)
    looked_at = (
        f"tables fitted on {len(records)} samples of {few.spool.n_users} users, and again with "
        "what one of them did after his cut changed"
    )
    n_compared = 0
    for user in random.permutation(sorted(before))[:_N_CHANGED].tolist():
        changed = _with_other_ends(records, user, settings.cut_share, random)
        spool = written(folder / "few-changed", changed, few.spool.offsets, few.spool.n_items)
        after = features(dataclasses.replace(few, spool=spool)).get(user)
        if after is None or after.shape != before[user].shape:
            continue
        n_compared += 1
        differs = before[user].view(np.int32) != after.view(np.int32)
        if differs.any():
            row, column = np.argwhere(differs)[0]
            return Finding(
                _CHECK,
                "failed",
                looked_at,
                f"{int(differs.any(axis=0).sum())} of {len(names)} features change",
                f"The feature {names[column]!r} of a candidate of user "
                f"{id_at(few.user_ids, user)!r} changes from {before[user][row, column]:g} to "
                f"{after[row, column]:g} when what he did after his cut is changed, which is what "
                "is asked of it. This is a fault of edgeRec or of a change to it; fit the table on "
                "what came before the cuts, and serve the samples from that fit.",
            )
    if n_compared:
        return Finding(_CHECK, "passed", looked_at, "no feature of his candidates changes")
    return Finding(
        _CHECK,
        "not decidable",
        looked_at,
        "nobody has candidates",
        "With so few users nobody is asked for what he liked after a cut; train on more.",
    )


def _with_other_ends(
    records: NDArray[np.void], user: int, share: float, random: np.random.Generator
) -> NDArray[np.void]:
    """Exchange what a user did after his cut for items that he never had, all of them liked."""
    changed = records.copy()
    own = np.flatnonzero((records["user"] == user) & ~np.isnan(records["value"]))
    after = own[is_after_cut(records["user"][own], share)]
    others = np.setdiff1d(np.arange(1, records["item"].max() + 1), records["item"][own])
    if len(others):
        changed["item"][after] = random.choice(others, len(after))
    liked = records["value"][(records["label"] == 1) & ~np.isnan(records["value"])]
    changed["label"][after] = 1
    if len(liked):
        changed["value"][after] = random.choice(liked, len(after))
    return changed
