"""Fits what samples see of one another, so that none sees what it is asked about."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from edgerec.config import TrainSettings
from edgerec.features.neighbours.fit import fit_neighbours
from edgerec.features.neighbours.tables import Neighbours, stacked
from edgerec.features.statistics import ItemStatistics, fit_statistics
from edgerec.progress import Progress
from edgerec.samples.cut import ALL_USERS, interactions, interactions_before_cuts
from edgerec.samples.intake import Intake


def fit_tables(
    intake: Intake, fold_of_user: NDArray[np.int64], settings: TrainSettings, progress: Progress
) -> tuple[ItemStatistics, Neighbours | None]:
    """Fit statistics and neighbours several times; the last fit is of everything.

    By the objective "samples" fit k leaves out the users of fold k, and serves their samples. By
    "top" there is one fit beside the last: of what came before every user's cut.
    """
    if settings.objective == "top":
        everyone = np.full(intake.spool.n_users + 1, ALL_USERS)
        before, whole = (
            _fit_once(partial(blocks, intake, settings), intake, everyone, 0, settings, progress)
            for blocks in (interactions_before_cuts, interactions)
        )
        assert before[1] is not None and whole[1] is not None
        scale = 1 / (1 - settings.cut_share)
        return before[0].scaled(scale).followed_by(whole[0]), stacked([before[1], whole[1]])
    return _fit_once(
        lambda: intake.spool.blocks(settings.chunk_rows),
        intake,
        fold_of_user,
        settings.n_folds,
        settings,
        progress,
    )


def _fit_once(
    blocks: Callable[[], Iterator[NDArray[np.void]]],
    intake: Intake,
    fold_of_user: NDArray[np.int64],
    n_folds: int,
    settings: TrainSettings,
    progress: Progress,
) -> tuple[ItemStatistics, Neighbours | None]:
    n_items = len(intake.item_ids)
    progress.stage("statistics")
    statistics = fit_statistics(blocks, n_items, fold_of_user, n_folds, progress)
    if not settings.n_neighbours:
        return statistics, None
    progress.stage("neighbours")
    return statistics, fit_neighbours(
        blocks,
        n_items,
        fold_of_user,
        n_folds,
        settings.n_neighbours,
        by_liking=not intake.only_liked_have_values,
    )
