"""Leaves out some of what was trained, so that a file is smaller and faster.

What is left out is chosen without any label: directions of little variance, the oldest
interactions, the smallest weights. What it costs is measured on held-out samples by the export.
"""

import dataclasses
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.export_settings import KeptSettings
from edgerec.features.neighbours.tables import Neighbours
from edgerec.features.tables import KnownHistories
from edgerec.features.taste.tables import TasteTables
from edgerec.training.ranker import Ranker

Array = NDArray[np.float32]
_WORDS: Final = {
    "n_history": "{} items of history",
    "n_known_each": "{} known interactions a user",
    "n_embedding": "{} embedding directions",
    "n_audience": "{} audience directions",
    "n_latent": "{} learned directions of taste",
    "n_content": "{} content directions of taste",
    "n_neighbours": "{} neighbours an item",
}
_VARIANCES: Final = {
    "item": "one variance an item",
    "none": "no item variances",
}


def words(kept: KeptSettings) -> str:
    """Say what is kept where it is not all.

    >>> words(KeptSettings(n_history=50, item_variance="none"))
    '50 items of history, no item variances'
    """
    said = [
        form.format(getattr(kept, name))
        for name, form in _WORDS.items()
        if getattr(kept, name) is not None
    ]
    if kept.item_variance in _VARIANCES:
        said.append(_VARIANCES[kept.item_variance])
    return ", ".join(said)


def kept_of(ranker: Ranker, kept: KeptSettings) -> Ranker:
    """Return the ranker that has only what `kept` names; as it is where that is all.

    Its tables are to be of one fit, as those of a finished ranker are.
    """
    if kept == KeptSettings():
        return ranker
    settings, tables = ranker.settings, ranker.tables
    n_history = _at_most(settings.n_history, kept.n_history)
    n_compared = min(settings.n_compared, n_history)
    neighbours = tables.neighbours
    if neighbours is not None and kept.n_neighbours is not None:
        neighbours = _best_neighbours(neighbours, kept.n_neighbours)
    return ranker.replaced(
        settings=dataclasses.replace(settings, n_history=n_history, n_compared=n_compared),
        known=newest_known(ranker.known, _at_most(n_history, kept.n_known_each)),
        tables=dataclasses.replace(
            tables,
            embedding=main_directions(tables.embedding, kept.n_embedding),
            audience=main_directions(tables.audience, kept.n_audience),
            taste=_taste(tables.taste, tables.statistics.log_count[-1], kept),
            neighbours=neighbours,
            n_compared=n_compared,
        ),
    )


def newest_known(known: KnownHistories, n_each: int) -> KnownHistories:
    """Return the newest `n_each` entries of each user.

    >>> known = KnownHistories(np.array([0, 0, 3]), np.array([5, 6, 7], np.int32),
    ...     np.float32([1, 2, 3]), np.array([10, 11, 12]))
    >>> newest_known(known, 2).rows.tolist(), newest_known(known, 2).offsets.tolist()
    ([6, 7], [0, 0, 2])
    """
    counts = np.diff(known.offsets)
    from_end = np.repeat(known.offsets[1:], counts) - np.arange(len(known.rows))
    newest = from_end <= n_each
    offsets = np.r_[0, np.cumsum(np.minimum(counts, n_each))].astype(np.int64)
    return KnownHistories(offsets, known.rows[newest], known.values[newest], known.times[newest])


def main_directions(table: Array, n_kept: int | None) -> Array:
    """Turn vectors [1, n, D] so that few directions hold most of them, and keep those.

    Products of the vectors are what is read of them, and of all tables of that width this is the
    nearest in them (truncated singular value decomposition; Eckart and Young 1936).

    >>> main_directions(np.float32([[[3, 4], [6, 8]]]), 1)[0].round(3).tolist()
    [[5.0], [10.0]]
    """
    if n_kept is None or n_kept >= table.shape[2]:
        return table
    vectors = table[0].astype(np.float64)
    _, directions = np.linalg.eigh(vectors.T @ vectors)
    largest = directions[:, ::-1][:, :n_kept]
    # A direction and its opposite are the same; which one eigh returns is chance.
    signs = np.where(largest.sum(axis=0) < 0, -1, 1)
    turned: Array = (vectors @ (largest * signs)).astype(np.float32)[None]
    return turned


def _at_most(own: int, asked: int | None) -> int:
    return own if asked is None else min(own, asked)


def _best_neighbours(neighbours: Neighbours, n_kept: int) -> Neighbours:
    # They stand best first.
    rows, weights = neighbours.rows[..., :n_kept], neighbours.weights[..., :n_kept]
    return Neighbours(neighbours.names, rows.copy(), weights.copy())


def _taste(taste: TasteTables, log_count: Array, kept: KeptSettings) -> TasteTables:
    n_content = _at_most(taste.content.shape[1], kept.n_content)
    n_latent = _at_most(taste.latent.shape[3], kept.n_latent)
    variance = taste.latent_variance
    if kept.item_variance == "none":
        variance = np.zeros_like(variance)
    elif kept.item_variance == "item" and variance.shape[3]:
        mean = variance.mean(axis=3, keepdims=True, dtype=np.float64)
        variance = np.broadcast_to(mean, variance.shape).astype(np.float32)
    taste = dataclasses.replace(taste, latent_variance=variance)
    if (n_content, n_latent) == (taste.content.shape[1], taste.latent.shape[3]):
        return taste
    n_signals = taste.latent.shape[1]
    covariance = taste.root[0].astype(np.float64)
    covariance = covariance @ covariance.swapaxes(1, 2)
    parts = taste.parts
    places = np.arange(covariance.shape[1])
    known = np.r_[places[parts["bias"]], places[parts["content"]][:n_content]]
    known = np.r_[known, places[parts["popularity"]]]
    latent, variances, roots = [], [], []
    for signal in range(n_signals):
        own = _largest_latent(taste.latent[0, signal], covariance[signal], log_count, n_latent)
        latent.append(taste.latent[:, signal][..., own])
        variances.append(variance[:, signal][..., own])
        some = np.r_[known, places[parts["latent"]][own]]
        # A normal prior of some directions alone is that part of its covariance.
        roots.append(np.linalg.cholesky(covariance[signal][np.ix_(some, some)]))
    return dataclasses.replace(
        taste,
        content=taste.content[:, :n_content].copy(),
        latent=np.stack(latent, axis=1),
        latent_variance=np.stack(variances, axis=1),
        root=np.stack(roots)[None].astype(np.float32),
    )


def _largest_latent(
    latent: Array, covariance: NDArray[np.float64], log_count: Array, n_kept: int
) -> NDArray[np.int64]:
    """Return which learned directions users differ most in, over what they meet."""
    share = np.expm1(log_count.astype(np.float64))
    squares = share @ latent.astype(np.float64) ** 2
    n_latent = latent.shape[1]
    spread = squares * np.diagonal(covariance)[len(covariance) - n_latent :]
    return np.sort(np.argsort(-spread, kind="stable")[:n_kept])
