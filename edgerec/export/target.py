"""What a file holds for where it will run: a phone's or a web page's knows no user at all."""

import dataclasses

import numpy as np

from edgerec.export_settings import ExportSettings
from edgerec.features.tables import KnownHistories
from edgerec.ids import id_array
from edgerec.training.ranker import Ranker


def aimed(ranker: Ranker, settings: ExportSettings) -> Ranker:
    """Return the ranker that the file is to be.

    For a phone or a web page it has no user table, no user id and nobody's history: whoever gets
    the file gets no person's data with it. The app passes the history that it keeps.
    """
    if not settings.without_users:
        return ranker
    nothing = KnownHistories(
        offsets=np.zeros(2, np.int64),
        rows=np.zeros(0, np.int32),
        values=np.zeros(0, np.float32),
        times=np.zeros(0, np.int64),
    )
    # Row 0, of an unknown user, is a mean of all.
    tables = dataclasses.replace(
        ranker.tables, user_features=ranker.tables.user_features[:1].copy()
    )
    return ranker.replaced(
        user_ids=id_array([], ranker.user_id_type),
        tables=tables,
        known=nothing,
        embedding_fit_of_user=np.zeros(1, np.int64),
    )
