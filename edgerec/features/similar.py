"""Similar items: the cosine of each candidate with a sum of items, some of them taken away.

"king - man + woman" of Mikolov et al. 2013, "Linguistic regularities in continuous space word
representations", with items for words. `edgerec.graph.similar` is the same in ONNX.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.features.vector import FeatureTables

Array = NDArray[np.float32]
SMALLEST_LENGTH: Final = 1e-3
"""a shorter sum, of items that cancel each other out, points nowhere"""
KINDS_LENGTH: Final = 0.8
"""of the part of a vector that says of which kinds an item is; who took it has length 1, twice"""
TEXTS_LENGTH: Final = 0.5
"""of the part that says what is written of it, where kinds do not tell"""
BEHIND: Final = -2.0
"""the place of what is not listed: no cosine is as low"""


def similarity_vectors(tables: FeatureTables) -> Array:
    """Return what is compared: item2vec and audience of length 1, kinds of .8 and text of .5.

    Each knows what the others do not, and an item that nobody has touched has kinds and text. Where
    the last fifth of each user's training interactions on MovieLens latest-small was held out,
    the next item stood, among what resembles the last five, at a mean reciprocal rank of .024 by
    item2vec of what was liked, .029 by audience, .031 by both, and of .020 by popularity. With
    item2vec of all that was rated, and items of five interactions and more: .067 by both (.031 by
    popularity), .069 with kinds of length .5, .065 of .8 and .063 of 1, no two of which are
    certain to differ. Kinds bring films for children near to one: among the ten nearest of Kung Fu
    Panda there, films of its kind or years are 4, 4, 7 and 9.

    Texts, where each of up to 30 next items was asked for, with item2vec of all: titles beside
    genres on MovieLens latest-small .0595 without, .0622 with texts of length .3, .0641 of .5,
    .0614 of .8 and .0577 of 1; descriptions beside prices on Online Retail (1 356 customers)
    .0758, .0801, .0838, .0844 and .0828. Of .3 and .5 the gain is above chance on both (95 %
    intervals over users). Among a fifth of the items, taken for ones that nobody has touched, it
    is .0332 with texts of .5 and .0177 without, and .0574 and .0050.

    Returns
    -------
    float32 [n_items + 1, D]
        Row 0, and the row of an item of which nothing is known, is zero.
    """
    texts = tables.content[:, first_text_column(tables) :] if tables.texts_beside_kinds else None
    return joined_vectors(tables.embedding[-1], tables.audience[-1], tables.kinds, texts)


def first_text_column(tables: FeatureTables) -> int:
    """Return from which column on the rows of `tables.content` are those of the texts."""
    width: int = tables.content.shape[1]
    return width - tables.n_text


def joined_vectors(
    embedding: Array, audience: Array, kinds: Array, texts: Array | None = None
) -> Array:
    """Return them beside each other, kinds and texts of the lengths above, whatever theirs are.

    >>> none = np.zeros((1, 0), np.float32)
    >>> joined_vectors(none, none, np.float32([[2]]), np.float32([[0, -3]])).round(3).tolist()
    [[0.800000011920929, 0.0, -0.5]]
    """
    parts = [embedding, audience, _of_length(kinds, KINDS_LENGTH)]
    if texts is not None:
        parts.append(_of_length(texts, TEXTS_LENGTH))
    vectors: Array = np.concatenate(parts, axis=1)
    return vectors


def _of_length(rows: Array, wanted: float) -> Array:
    """Return the rows of that length; those that are nothing stay so."""
    length = lengths(rows)[:, None]
    unit = rows / np.where(length > 0, length, np.float32(1))
    scaled: Array = (unit * np.float32(wanted)).astype(np.float32)
    return scaled


def lengths(vectors: Array) -> Array:
    """Return the length of each row: float32 [n]."""
    length: Array = np.sqrt(np.sum(vectors * vectors, axis=1))
    return length


def direction_of(vectors: Array, signs: Array) -> NDArray[np.float64] | None:
    """Return the unit direction of a signed sum; None: it points nowhere.

    Parameters
    ----------
    vectors : float32 [H, D]
    signs : float32 [H]
        1 or -1.

    Returns
    -------
    float64 [D]

    >>> direction_of(np.float32([[3, 0], [0, 4]]), np.float32([1, -1])).tolist()
    [0.6, -0.8]
    """
    # In double precision: what cancels out must leave nothing, in whatever order it is summed.
    total = signs.astype(np.float64) @ vectors.astype(np.float64)
    length = np.sqrt(total @ total)
    return None if length < SMALLEST_LENGTH else total / length


def most_similar(
    vectors: Array, direction: NDArray[np.float64] | None, allowed: NDArray[np.bool_], k: int
) -> tuple[NDArray[np.int64], Array]:
    """Return positions and cosines of the `k` most similar candidates, the nearest first.

    Parameters
    ----------
    vectors : float32 [N, D]
        Of the candidates. One without a vector, all zeros, is similar to nothing.
    direction : float64 [D]
        As `direction_of` returned it; None: nothing is similar.
    allowed : bool [N]
        What may be listed.

    Returns
    -------
    int64 [S], float32 [S]
        S = min(k, candidates that are allowed and have a vector); ties: the lower position first.
    """
    length = lengths(vectors)
    listed = allowed & (length > 0)
    if direction is None or not listed.any():
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    cosine = (vectors @ direction.astype(np.float32)) / np.where(length > 0, length, np.float32(1))
    order = np.argsort(-np.where(listed, cosine, np.float32(BEHIND)), kind="stable")
    best = order[: min(k, int(listed.sum()))]
    return best, cosine[best].astype(np.float32)
