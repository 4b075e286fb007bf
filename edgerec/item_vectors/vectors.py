"""Vectors of items under their ids."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgerec.config import EmbeddingSettings
from edgerec.errors import SampleError
from edgerec.features.embeddings.word_vectors import WordVectors
from edgerec.ids import IdArray
from edgerec.recsys import Id


@dataclass(frozen=True)
class ItemVectors:
    """Vectors of items that were learned from who took what with what."""

    item_ids: IdArray
    """[n], in the order in which they were met"""
    words: WordVectors
    """row r is of item_ids[r - 1]"""
    settings: EmbeddingSettings
    random_state: int
    last_timestamp: int
    """Unix seconds of the newest interaction that was read"""

    def table(self, item_ids: IdArray) -> NDArray[np.float32]:
        """Return unit vectors [len(item_ids) + 1, D]: row 0 and items without one are zero."""
        row_of = {id_: row for row, id_ in enumerate(self.item_ids.tolist(), 1)}
        rows = [0, *(row_of.get(id_, 0) for id_ in item_ids.tolist())]
        return self.words.unit_vectors()[rows]

    def nearest(self, item_id: Id, k: int = 10) -> list[tuple[Id, float]]:
        """Return the `k` items most like one, most like first, with their cosine.

        Raises
        ------
        SampleError
            The item has no vector.
        """
        ids: list[Id] = self.item_ids.tolist()
        vectors = self.words.unit_vectors()[1:]
        has = (vectors != 0).any(axis=1)
        row = ids.index(item_id) if item_id in ids else None
        if row is None or not has[row]:
            raise SampleError(
                f"The item {item_id!r} has no vector: it stands beside no other item, or in too "
                "few sequences (min_count). Name another item."
            )
        cosine = vectors @ vectors[row]
        cosine[row] = -np.inf
        order = np.argsort(np.where(has, -cosine, np.inf), kind="stable")
        return [(ids[at], float(cosine[at])) for at in order[: min(k, int(has.sum()) - 1)].tolist()]
