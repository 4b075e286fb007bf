"""The catalogue in two dimensions: what is near on the map is similar in the file.

t-SNE (van der Maaten and Hinton 2008, "Visualizing data using t-SNE") of the most popular items,
begun from their two principal components, so that the same file gives the same map. Principal
components alone put most of a catalogue on one heap.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

Array = NDArray[np.float32]
MOST_ITEMS: Final = 1000
_FEWEST: Final = 60
"""fewer have no neighbourhoods to keep: their principal components are the map"""
_PERPLEXITY: Final = 25.0
_N_STEPS: Final = 600


@dataclass(frozen=True)
class ItemMap:
    """Places of the most popular items."""

    positions: NDArray[np.int64]
    """[m]: in the catalogue, the most popular first"""
    places: NDArray[np.float64]
    """[m, 2]: from 0 to 1"""
    size: NDArray[np.float64]
    """[m]: how popular each is, from 0 to 1"""


def item_map(
    vectors: Array, log_count: Array, *, most: int = MOST_ITEMS, random_state: int = 0
) -> ItemMap | None:
    """Place the items; None: fewer than three have a vector.

    Parameters
    ----------
    vectors : float32 [n, D]
    log_count : float32 [n]
        Logarithm of 1 + interactions of each item.
    """
    has_vector = (vectors != 0).any(axis=1)
    order = np.argsort(-log_count, kind="stable")
    positions = order[has_vector[order]][:most]
    if len(positions) < 3:
        return None
    chosen = vectors[positions].astype(np.float64)
    chosen /= np.linalg.norm(chosen, axis=1, keepdims=True)
    places = PCA(n_components=2, svd_solver="full").fit_transform(chosen)
    if len(positions) >= _FEWEST:
        start = places / places[:, 0].std() * 1e-4
        places = TSNE(
            init=start,
            perplexity=min(_PERPLEXITY, len(positions) / 4),
            max_iter=_N_STEPS,
            learning_rate="auto",
            random_state=random_state,
            n_jobs=1,
        ).fit_transform(chosen)
    places = np.asarray(places, np.float64)
    low, high = places.min(axis=0), places.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    popular = np.sqrt(np.expm1(log_count[positions].astype(np.float64)))
    return ItemMap(positions, (places - low) / span, popular / max(popular.max(), 1e-9))
