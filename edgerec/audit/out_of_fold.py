"""Whether a training sample's features change when the answers of its own user change.

Statistics, embeddings and whatever else is fitted on samples must serve each sample from a fit
that its user is not in. This is seen from outside, so that it holds of any table, of those too that
are yet to be written: the tables of a few users are fitted twice, by the code that training uses,
the second time with the answers of one user changed. The features of this user's samples, with his
history as it was, must stay the same; those of others may move. Where his labels and values are
changed, they stay the same to the last bit. Where his items are, a scale that all interactions
share may move by a trifle, as that of a standardised column does, but nothing that knows an item.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.audit.few_users import FitTables, KnownFeatures, few_users, written
from edgerec.audit.held_out import id_at
from edgerec.audit.report import Finding
from edgerec.features.vector import FeatureTables
from edgerec.samples.intake import Intake
from edgerec.samples.stream import sample_blocks

_CHECK: Final = "out-of-fold"
# When items change, a scale that all users share moves, and features with it. What a user's own
# features may move: in standard deviations and parts of a user, and as a share of what those of
# others do. Measured: scales up to 16 parts and .40, an item's count that he is in 13 to 32 parts
# and .45 to 1, mostly 1. Both bounds must be passed.
_N_PARTS: Final = 10.0
_SHARE_OF_OTHERS: Final = 0.5
# Of fewer items each is so large a part of any scale that the two cannot be told apart.
_N_ITEMS_NEEDED: Final = 100


def check_out_of_fold(
    fit: FitTables,
    intake: Intake,
    tables: FeatureTables,
    n_history: int,
    folder: Path,
    random_state: int,
) -> Finding:
    """Fit the tables of a few users with and without some of their answers changed.

    Parameters
    ----------
    fit : callable
        What training fits its tables by; it is called on another intake, of a few users.
    """
    random = np.random.default_rng([random_state, 6])
    few, records = few_users(intake, folder / "few", random)
    known = KnownFeatures.of(few, intake, tables)

    def features(samples: Intake) -> tuple[tuple[str, ...], NDArray[np.float32]]:
        tables, folds_of_user = fit(known, samples, folder)
        blocks = sample_blocks(few, tables, folds_of_user, n_history, known, len(records))
        return tuple(tables.names()), np.concatenate([block.features for block in blocks])

    names, before = features(few)
    part_of_user = before.std(axis=0, dtype=np.float64) / few.spool.n_users
    users = np.resize(1 + random.permutation(few.spool.n_users), len(_CHANGES)).tolist()
    looked_at = (
        f"tables fitted on {len(records)} samples of {few.spool.n_users} users, and again with the "
        "answers of one of them changed"
    )
    any_moved = False
    for user, (what, change, is_exact) in zip(users, _CHANGES, strict=True):
        if not is_exact and few.spool.n_items < _N_ITEMS_NEEDED:
            continue
        changed, own = records.copy(), records["user"] == user
        changed[own] = change(changed[own], records, random)
        spool = written(folder / "few-changed", changed, few.spool.offsets, few.spool.n_items)
        names_after, after = features(dataclasses.replace(few, spool=spool))
        if names_after != names:
            continue
        differs = before.view(np.int32) != after.view(np.int32)
        any_moved = any_moved or bool(differs[~own].any())
        if not is_exact:
            moved = np.nan_to_num(np.abs(after - before))
            of_others = moved[~own].max(axis=0, initial=0)
            differs &= moved > np.maximum(_N_PARTS * part_of_user, _SHARE_OF_OTHERS * of_others)
        if differs[own].any():
            row, column = np.argwhere(differs & own[:, None])[0]
            return Finding(
                _CHECK,
                "failed",
                looked_at,
                f"{int(differs[own].any(axis=0).sum())} of {len(names)} features change",
                f"The feature {names[column]!r} of a training sample of user "
                f"{id_at(few.user_ids, user)!r} changes from {before[row, column]:g} to "
                f"{after[row, column]:g} when the {what} of his own samples are changed and his "
                "history is not: the table that it comes from was fitted on the samples that it "
                "serves. This is a fault of edgeRec or of a change to it; fit the table once "
                "without each fold of users, and serve each sample from the fit without its user.",
            )
    if any_moved:
        figure = "none of his own features changes; those of others do"
        return Finding(_CHECK, "passed", looked_at, figure)
    return Finding(
        _CHECK,
        "not decidable",
        looked_at,
        "no feature comes from samples",
        "With so few users nothing that was fitted on one serves another; train on more.",
    )


def _other_labels(
    own: NDArray[np.void], records: NDArray[np.void], random: np.random.Generator
) -> NDArray[np.void]:
    """Turn labels round, and take values from other samples of that label.

    What has no value gets none, so that the same interactions took place, and no value is new.
    """
    own["label"] = 1 - own["label"]
    stated = ~np.isnan(own["value"])
    for label in (0, 1):
        there = records["value"][(records["label"] == label) & ~np.isnan(records["value"])]
        at = np.flatnonzero(stated & (own["label"] == label))
        if len(there):
            own["value"][at] = random.choice(there, len(at))
    return own


def _other_items(
    own: NDArray[np.void], records: NDArray[np.void], random: np.random.Generator
) -> NDArray[np.void]:
    """Draw other items."""
    own["item"] = random.integers(1, records["item"].max() + 1, len(own))
    return own


_Change = Callable[[NDArray[np.void], NDArray[np.void], np.random.Generator], NDArray[np.void]]
_CHANGES: Final[tuple[tuple[str, _Change, bool], ...]] = (
    ("labels and values", _other_labels, True),
    ("items", _other_items, False),
)
