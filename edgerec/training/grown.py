"""A ranker with items that training never saw: rows computed from what training fitted.

Nothing is fitted again. A new item has what an item of the catalogue has that nobody met: its
features, the statistics of the prior, no vector by who took it, and the intercept that its content
lets expect. Rows stand where their ids belong, so that ids stay ascending; the rows of all other
items move and keep every bit, and so do their scores.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgerec.features.history import kinds_of_items, scales
from edgerec.features.neighbours.tables import Neighbours
from edgerec.features.nothing import features_of_nothing
from edgerec.features.statistics import ItemStatistics
from edgerec.features.tables import content_directions
from edgerec.features.taste.basis import content_like
from edgerec.features.taste.stiffness import no_stiffer
from edgerec.features.taste.tables import TasteTables, taste_to_arrays
from edgerec.features.vector import FeatureTables
from edgerec.ids import IdArray
from edgerec.training.ranker import Ranker

Array = NDArray[np.float32]
_LARGEST_HALF: Final = float(np.finfo(np.float16).max)
_OF_ITEMS: Final = ("mean_value", "liked_rate", "log_count", "first_seen")
_OF_TASTES: Final = ("popularity", "latent", "latent_variance", "intercept_variance")


@dataclass(frozen=True)
class _Places:
    """Where rows stand in the grown tables."""

    source: NDArray[np.int64]
    """[M + k]: the row of the old table, or M + the number of the new item"""
    row_of_old: NDArray[np.int64]
    """[M]"""
    rows_of_new: NDArray[np.int64]
    """[k]"""

    def grown(self, table: NDArray[Any], new: NDArray[Any], axis: int = 0) -> NDArray[Any]:
        """Return the table with rows for the new items."""
        both = np.concatenate([table, new.astype(table.dtype)], axis=axis)
        return both.take(self.source, axis=axis)

    def grown_by_first(self, table: NDArray[Any], axis: int) -> NDArray[Any]:
        """Return the table where each new row is row 0, that of an item nobody knows."""
        first = table.take([0], axis=axis)
        return self.grown(table, first.repeat(len(self.rows_of_new), axis=axis), axis)


def with_items(ranker: Ranker, ids: IdArray, features: Array, vectors: Array) -> Ranker:
    """Return the ranker with new items.

    Parameters
    ----------
    ids : [k]
        Distinct, and none of the ranker's.
    features : float32 [k, width]
        What the items declare; beyond half floats it is cut where all of training fits into them,
        and where a feature was the same for all of training it says nothing.
    vectors : float32 [k, text_dim]
        Of the items' texts; of width 0 where the ranker knows no texts.
    """
    places = _places(ranker.item_ids, ids)
    tables = _tables(ranker, places, np.concatenate([features, vectors], axis=1))
    known = ranker.known
    before = places.row_of_old[ranker.added_items]
    return ranker.replaced(
        item_ids=np.concatenate([ranker.item_ids, ids])[places.source[1:] - 1],
        tables=tables,
        known=dataclasses.replace(
            known, rows=places.row_of_old[known.rows].astype(known.rows.dtype)
        ),
        held_out=dataclasses.replace(
            ranker.held_out,
            item=places.row_of_old[ranker.held_out.item].astype(ranker.held_out.item.dtype),
        ),
        added_items=np.sort(np.concatenate([before, places.rows_of_new])),
    )


def _places(old: IdArray, new: IdArray) -> _Places:
    order = np.argsort(np.concatenate([old, new]), kind="stable")
    source = np.concatenate([[0], order + 1])
    row_of_source = np.empty(len(source), np.int64)
    row_of_source[source] = np.arange(len(source))
    n_rows = len(old) + 1
    return _Places(source, row_of_source[:n_rows], row_of_source[n_rows:])


def _tables(ranker: Ranker, places: _Places, new: Array) -> FeatureTables:
    tables, n_text = ranker.tables, ranker.tables.n_text
    n_rows = len(tables.item_features)
    fitted = np.ones(n_rows, bool)
    fitted[0] = False
    fitted[ranker.added_items] = False
    features = np.concatenate([tables.item_features, _like(tables.item_features[fitted], new)])
    fitted = np.concatenate([fitted, np.zeros(len(new), bool)])
    declared = features[:, : features.shape[1] - n_text]
    content = content_directions(features, n_text, fitted)
    basis = content_like(features, n_text, fitted, tables.taste.content)
    kinds = kinds_of_items(
        *(declared, basis, ranker.settings.taste.n_content, fitted),
        nothing=features_of_nothing(ranker.item_rules),
        texts=features[:, features.shape[1] - n_text :],
    )

    def told(table: Array, own: Array) -> Array:
        grown: Array = places.grown(table, own[n_rows:])
        return grown

    statistics = {
        name: places.grown_by_first(getattr(tables.statistics, name), 1)
        if name in _OF_ITEMS
        else getattr(tables.statistics, name)
        for name in ItemStatistics.__dataclass_fields__
    }
    n_new = len(new)
    is_new = np.zeros(n_rows + n_new, bool)
    is_new[places.rows_of_new] = True
    n_compared = min(ranker.settings.n_compared, ranker.settings.n_history)
    taste = _taste(tables.taste, basis[n_rows:], places)
    return dataclasses.replace(
        tables,
        item_features=told(tables.item_features, features),
        content=told(tables.content, content),
        kinds=told(tables.kinds, kinds),
        scales=told(tables.scales, scales(declared, fitted)),
        embedding=_with_nothing(tables.embedding, n_new, places),
        audience=_with_nothing(tables.audience, n_new, places),
        statistics=ItemStatistics(**statistics),
        taste=no_stiffer(taste, is_new, n_compared),
        neighbours=_neighbours(tables.neighbours, n_new, places),
    )


def _like(fitted: Array, new: Array) -> Array:
    """Return the new rows within what tables and network were made for."""
    if np.abs(fitted).max(initial=0) <= _LARGEST_HALF:
        new = np.clip(new, -_LARGEST_HALF, _LARGEST_HALF)
    constant = (fitted == fitted[:1]).all(axis=0)
    return np.where(constant, fitted[:1], new).astype(np.float32)


def _with_nothing(table: Array, n_new: int, places: _Places) -> Array:
    nothing = np.zeros((len(table), n_new, table.shape[2]), np.float32)
    grown: Array = places.grown(table, nothing, 1)
    return grown


def _taste(taste: TasteTables, content: Array, places: _Places) -> TasteTables:
    arrays = taste_to_arrays(taste)
    arrays["content"] = places.grown(taste.content, content)
    for name in _OF_TASTES:
        table = arrays[name]
        arrays[name] = places.grown_by_first(table, 1 if name == "popularity" else 2)
    # What the known directions let expect, as of an item that nobody met in training.
    n_fits, n_new = len(taste.popularity), len(content)
    popularity = np.broadcast_to(taste.popularity[:, :1], (n_fits, n_new, 2))
    basis = np.concatenate(
        [
            np.ones((n_fits, n_new, 1), np.float32),
            np.broadcast_to(content, (n_fits, *content.shape)),
            popularity,
        ],
        axis=2,
    )
    expected = np.matmul(basis[:, None], taste.coefficients[..., None])[..., 0]
    arrays["intercept"] = places.grown(taste.intercept, expected, 2)
    return TasteTables(**arrays)


def _neighbours(neighbours: Neighbours | None, n_new: int, places: _Places) -> Neighbours | None:
    if neighbours is None:
        return None
    shape = (len(neighbours.rows), n_new, *neighbours.rows.shape[2:])
    rows = places.grown(neighbours.rows, np.zeros(shape, np.int32), 1)
    return Neighbours(
        neighbours.names,
        places.row_of_old[rows].astype(np.int32),
        places.grown(neighbours.weights, np.zeros(shape, np.float32), 1),
    )
