"""Asks a RecSys about items that training never saw, and checks what comes."""

from collections.abc import Sequence

import numpy as np

from edgerec.errors import SampleError
from edgerec.features.tables import feature_table
from edgerec.features.texts import text_vectors
from edgerec.ids import IdArray, IdIndex, require_kind, rows_of
from edgerec.progress import Progress
from edgerec.recsys import Id, ItemFeatureBatch, ItemFeatures
from edgerec.training.grown import with_items
from edgerec.training.ranker import Ranker


def with_new_items(
    ranker: Ranker, rec_sys: ItemFeatures, item_ids: Sequence[Id], progress: Progress
) -> Ranker:
    """Return the ranker with those of `item_ids` that it does not know yet.

    Parameters
    ----------
    rec_sys : ItemFeatures
        Features of the new items, and their texts where the ranker was trained with texts.

    Raises
    ------
    SampleError
        There is no id, none that is new, one twice or one of another kind; or features or texts
        cannot be used. The sentence names the id.
    """
    ids = _new(ranker, item_ids, progress)
    batch = rec_sys.get_item_features if isinstance(rec_sys, ItemFeatureBatch) else None
    features = feature_table("item", ids, rec_sys.get_item_feature, batch)[1:]
    width = ranker.tables.item_features.shape[1] - ranker.tables.n_text
    if features.shape[1] != width:
        raise SampleError(
            f"The model was trained on {width} features of each item; of the new items there are "
            f"{features.shape[1]}. Give the features that training had, in the same order."
        )
    vectors = text_vectors(rec_sys, ids, ranker.text)
    n_silent = int((~vectors.any(axis=1)).sum()) if ranker.text is not None else 0
    if n_silent:
        progress.message(
            f"{n_silent} of {len(ids)} new items have no text with a word of training: nothing is "
            "known of them by text."
        )
    return with_items(ranker, ids, features, vectors)


def _new(ranker: Ranker, item_ids: Sequence[Id], progress: Progress) -> IdArray:
    """Return the ids that the ranker does not know, ascending."""
    if not len(item_ids):
        raise SampleError("There is no new item: the list of ids is empty. Name one or more.")
    require_kind(item_ids, ranker.item_id_type, "The list of new items")
    index = IdIndex("item")
    codes = index.encode(item_ids)
    if len(index) < len(codes):
        twice = item_ids[int(np.flatnonzero(np.bincount(codes)[codes] > 1)[0])]
        raise SampleError(
            f"The new item {twice!r} is there twice. Give each once, with the features that count."
        )
    ids, _ = index.finish()
    is_known = rows_of(ids.tolist(), ranker.item_ids) > 0
    if is_known.all():
        raise SampleError(
            f"All {len(ids)} items, such as {ids.tolist()[0]!r}, are in the model already: there "
            "is nothing to add. Name items that it does not know; to change one, train again."
        )
    if is_known.any():
        progress.message(
            f"{int(is_known.sum())} of {len(ids)} items, such as {ids[is_known].tolist()[0]!r}, "
            "are in the model already and stay as they are."
        )
    new: IdArray = ids[~is_known]
    return new
