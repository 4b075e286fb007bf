"""The product's own item statistics, counted again: over training samples alone, out of fold."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.audit.held_out import id_at
from edgerec.audit.report import Finding
from edgerec.features.statistics import ItemStatistics
from edgerec.samples.intake import Intake

_CHECK: Final = "own-statistics"
# log(1 + count) is float32: its seventh digit is one interaction in a million.
_TOLERANCE: Final = 1e-5


def check_statistics(
    intake: Intake,
    statistics: ItemStatistics,
    fold_of_user: NDArray[np.int64],
    chunk_rows: int,
) -> Finding:
    """Compare each fit's counts with a count over the samples that it may have seen.

    Parameters
    ----------
    fold_of_user : int64 [n_users + 1]
    """
    n_folds, n_rows = statistics.n_folds, statistics.log_count.shape[1]
    counted = np.zeros((n_folds, n_rows))
    for samples in intake.spool.blocks(chunk_rows):
        kept = samples[~np.isnan(samples["value"])]
        cell = fold_of_user[kept["user"]] * n_rows + kept["item"]
        counted += np.bincount(cell, minlength=counted.size).reshape(counted.shape)
    everything = counted.sum(axis=0)
    expected = np.vstack([(everything - counted) * n_folds / (n_folds - 1), everything])
    found = np.expm1(statistics.log_count.astype(np.float64))
    wrong = np.abs(found - expected) > _TOLERANCE * (expected + 10)
    wrong[:, 0] = False
    looked_at = f"{n_folds + 1} fits of {n_rows - 1:,} items"
    figure = f"{found[-1, 1:].sum():,.0f} of {intake.n_interactions:,} interactions counted"
    if not wrong.any():
        return Finding(_CHECK, "passed", looked_at, figure)
    fit, item = (int(place) for place in np.argwhere(wrong)[0])
    which = "the fit of all users" if fit == n_folds else f"the fit without fold {fit}"
    return Finding(
        _CHECK,
        "failed",
        looked_at,
        figure,
        f"The statistics of item {id_at(intake.item_ids, item)!r} in {which} count "
        f"{found[fit, item]:.1f} interactions, but its samples are {expected[fit, item]:.1f}: they "
        "were fitted on other rows than those that may be seen. This is a fault of edgeRec or of a "
        "change to edgerec/features/statistics.py; fit them on the training samples alone.",
    )
