"""The items' texts, asked for once, as vectors beside the features that they declare."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.config import TextSettings
from edgerec.errors import SampleError, shown
from edgerec.features.embeddings.text import TextModel, fit_text
from edgerec.ids import IdArray
from edgerec.progress import Progress
from edgerec.recsys import Id, ItemTexts, RecSys

Array = NDArray[np.float32]
# Whoever reads them from a table reads it once per batch.
_BATCH: Final = 65_536


def item_texts(rec_sys: ItemTexts, ids: IdArray) -> Iterator[str | None]:
    """Yield the text of each id; None: it has none.

    Raises
    ------
    SampleError
        What came is no list with a text or None per id; the sentence names the id.
    """
    remaining = iter(ids.tolist())
    while some := list(islice(remaining, _BATCH)):
        yield from _checked(some, rec_sys.get_item_texts(some))


def text_vectors(rec_sys: object, ids: IdArray, model: TextModel | None) -> Array:
    """Return the vector of each id's text by a fit that is there: float32 [n, text_dim].

    Of width 0 where the fit knows no texts.

    Raises
    ------
    SampleError
        There are texts in the fit, and `rec_sys` offers none.
    """
    if model is None:
        return np.zeros((len(ids), 0), np.float32)
    if not isinstance(rec_sys, ItemTexts):
        raise SampleError(
            "The model was trained with the texts of its items, but get_item_texts is missing now. "
            "Offer it; return None where an item has no text."
        )
    return model.vectors(item_texts(rec_sys, ids))


def _checked(ids: Sequence[Id], texts: object) -> Sequence[str | None]:
    if not isinstance(texts, Sequence) or isinstance(texts, str | bytes):
        raise SampleError(
            f"get_item_texts returned {shown(texts)}; expected a list with one text per id. Return "
            "a list, None where an item has no text."
        )
    if len(texts) != len(ids):
        raise SampleError(
            f"get_item_texts was asked for {len(ids)} ids and returned {len(texts)} texts; it must "
            "return one per id, in the order of the ids, None where an item has no text."
        )
    for id_, text in zip(ids, texts, strict=True):
        if text is not None and not isinstance(text, str):
            raise SampleError(
                f"get_item_texts returned {shown(text)} for item {id_!r}; expected a text, or None "
                "where there is none. Join what it consists of to one string."
            )
    return texts


def fit_texts(
    rec_sys: RecSys,
    ids: IdArray,
    settings: TextSettings,
    random_state: int,
    progress: Progress,
) -> tuple[TextModel | None, Array]:
    """Learn the vectors of the items' texts, where `rec_sys` offers texts.

    Returns
    -------
    model : TextModel or None
        None where no text is offered, or none says anything.
    vectors : float32 [n_items + 1, text_dim]
        Row 0 is zero; of width 0 where there is no model.
    """
    nothing = np.zeros((len(ids) + 1, 0), np.float32)
    if not isinstance(rec_sys, ItemTexts):
        return None, nothing
    model, vectors = fit_text(item_texts(rec_sys, ids), settings, random_state, progress)
    n_silent = int((~vectors.any(axis=1)).sum())
    if n_silent == len(ids):
        progress.message(
            f"none of the {len(ids)} items has a text with a word that occurs {settings.min_count} "
            "times, so texts are left out. Check the columns that they come from."
        )
        return None, nothing
    if n_silent:
        progress.message(
            f"{n_silent} of {len(ids)} items have no text, or none with a word that occurs "
            f"{settings.min_count} times: nothing is known of them by text."
        )
    return model, np.concatenate([np.zeros((1, settings.text_dim), np.float32), vectors])
