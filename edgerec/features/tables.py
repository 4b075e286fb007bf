"""Static features as tables: one row per user and item, row 0 for what is unknown."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.errors import SampleError
from edgerec.ids import IdArray
from edgerec.recsys import Id, ItemFeatureBatch, RecSys, UserFeatureBatch

Array = NDArray[np.float32]
_BATCH: Final = 4096


@dataclass(frozen=True)
class KnownHistories:
    """The newest interactions of each known user, packed: what the file knows of him."""

    offsets: NDArray[np.int64]
    """[n_users + 2]: user row r has the entries offsets[r] to offsets[r + 1]; row 0 has none"""
    rows: NDArray[np.int32]
    """[n]: item rows, oldest first"""
    values: Array
    """[n]"""
    times: NDArray[np.int64]
    """[n]: Unix seconds"""


def feature_table(
    role: str,
    ids: IdArray,
    one: Callable[[Id], Sequence[float]],
    batch: Callable[[Sequence[Id]], Sequence[Sequence[float]]] | None,
) -> Array:
    """Fetch the features of each id once.

    Returns
    -------
    float32 [n + 1, width]
        Row 0 is the mean of the others: the best guess for an unknown id.

    Raises
    ------
    SampleError
        Rows of unequal width, a NaN or an infinite feature, or a batch that has not one row per
        id; the sentence names the id.
    """
    table: NDArray[np.float64] | None = None
    remaining = iter(ids.tolist())
    done = 0
    while some := list(islice(remaining, _BATCH)):
        rows = list(batch(some)) if batch else [one(id_) for id_ in some]
        if len(rows) != len(some):
            raise SampleError(
                f"get_{role}_features was asked for {len(some)} ids and returned {len(rows)} rows; "
                "it must return one row per id, in the order of the ids."
            )
        if table is None:
            table = np.zeros((len(ids) + 1, _width(role, some[0], rows[0])))
        table[done + 1 : done + 1 + len(some)] = _checked(role, some, rows, table.shape[1])
        done += len(some)
    if table is None:
        return np.zeros((1, 0), np.float32)
    table[0] = table[1:].mean(axis=0)
    return table.astype(np.float32)


def _width(role: str, id_: Id, row: Sequence[float]) -> int:
    try:
        return len(row)
    except TypeError:
        raise SampleError(
            f"The features of {role} {id_!r} are {row!r}, which is no sequence of numbers. Return "
            "a list; [] where there are none."
        ) from None


def _checked(
    role: str, ids: Sequence[Id], rows: Iterable[Sequence[float]], width: int
) -> NDArray[np.float64]:
    checked = np.zeros((len(ids), width))
    for position, (id_, row) in enumerate(zip(ids, rows, strict=True)):
        own_width = _width(role, id_, row)
        if own_width != width:
            raise SampleError(
                f"The features of {role} {id_!r} are {own_width} numbers, those of the first "
                f"{role} are {width}. Return the same number for each {role}."
            )
        try:
            checked[position] = row
        except (TypeError, ValueError):
            raise SampleError(
                f"The features of {role} {id_!r} are {list(row)!r}, which are not all numbers. "
                "Encode categories as numbers, for example one column per category."
            ) from None
    wrong = np.argwhere(~(np.abs(checked) <= np.finfo(np.float32).max))
    if len(wrong):
        position, column = wrong[0]
        raise SampleError(
            f"Feature {column} of {role} {ids[position]!r} is {checked[position, column]}; each "
            "must be a finite float32. Replace missing values, for example by the column's mean."
        )
    return checked


def user_table(rec_sys: RecSys, user_ids: IdArray) -> Array:
    """Fetch the user features: float32 [n_users + 1, width]."""
    batch = rec_sys.get_user_features if isinstance(rec_sys, UserFeatureBatch) else None
    return feature_table("user", user_ids, rec_sys.get_user_feature, batch)


def item_table(rec_sys: RecSys, item_ids: IdArray) -> Array:
    """Fetch the item features: float32 [n_items + 1, width]."""
    batch = rec_sys.get_item_features if isinstance(rec_sys, ItemFeatureBatch) else None
    return feature_table("item", item_ids, rec_sys.get_item_feature, batch)


def content_directions(features: Array) -> Array:
    """Return each item's features standardised and scaled to length 1; row 0 is zero.

    Their products are the content cosines of the dynamic features.

    >>> content_directions(np.array([[0.5], [0.0], [1.0]], np.float32)).tolist()
    [[0.0], [-1.0], [1.0]]
    """
    if len(features) < 2:
        return np.zeros_like(features)
    known = features[1:].astype(np.float64)
    spread = known.std(axis=0)
    centred = (known - known.mean(axis=0)) / np.where(spread > 1e-9, spread, 1.0)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    directions = np.zeros_like(features)
    directions[1:] = centred / np.where(length > 1e-9, length, 1.0)
    return directions
