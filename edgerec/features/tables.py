"""Static features as tables: one row per user and item, row 0 for what is unknown."""

from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.errors import SampleError, shown
from edgerec.ids import IdArray
from edgerec.recsys import Id, ItemFeatureBatch, RecSys, UserFeatureBatch

Array = NDArray[np.float32]
_BATCH: Final = 4096
# Of the content cosine, where an item has both text and other features.
_TEXT_SHARE: Final = 0.3


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
        A row that is no list of numbers, rows of unequal width, a NaN or an infinite feature, or
        a batch that has not one row per id; the sentence names the method and the id.
    """

    def returned(id_: Id) -> str:
        if batch:
            return f"get_{role}_features returned for {role} {id_!r}"
        return f"get_{role}_feature({id_!r}) returned"

    table: NDArray[np.float64] | None = None
    remaining = iter(ids.tolist())
    done = 0
    while some := list(islice(remaining, _BATCH)):
        rows = _batch_rows(role, some, batch(some)) if batch else [one(id_) for id_ in some]
        if table is None:
            table = np.zeros((len(ids) + 1, _width(rows[0], returned(some[0]))))
        for id_, row in zip(some, rows, strict=True):
            done += 1
            table[done] = _numbers(row, table.shape[1], role, returned(id_))
        first = done + 1 - len(some)
        wrong = np.argwhere(~(np.abs(table[first : done + 1]) <= np.finfo(np.float32).max))
        if len(wrong):
            position, column = wrong[0]
            raise SampleError(
                f"{returned(some[position])} {table[first + position, column]} as feature "
                f"{column}; each must be a finite float32. Replace missing values, for example by "
                "the column's mean."
            )
    if table is None:
        return np.zeros((1, 0), np.float32)
    table[0] = table[1:].mean(axis=0)
    return table.astype(np.float32)


def _batch_rows(role: str, ids: Sequence[Id], rows: object) -> list[Sequence[float]]:
    if not isinstance(rows, Collection) or isinstance(rows, str | bytes | Mapping | Set):
        raise SampleError(
            f"get_{role}_features returned {shown(rows)}; expected one list of numbers per id. "
            "Return a list of lists, in the order of the ids."
        )
    if len(rows) != len(ids):
        raise SampleError(
            f"get_{role}_features was asked for {len(ids)} ids and returned {len(rows)} rows; "
            "it must return one row per id, in the order of the ids."
        )
    return list(rows)


def _width(row: Sequence[float], returned: str) -> int:
    # The letters of a text and the keys of a dict have a length, but are no numbers.
    if not isinstance(row, str | bytes | Mapping | Set):
        try:
            return len(row)
        except TypeError:
            pass
    raise SampleError(
        f"{returned} {shown(row)}; expected a list of numbers. Return a list, [] where there are "
        "no features."
    )


def _numbers(row: Sequence[float], width: int, role: str, returned: str) -> NDArray[np.float64]:
    own_width = _width(row, returned)
    if own_width != width:
        raise SampleError(
            f"{returned} {own_width} numbers, but for the first {role} there were {width}. Return "
            f"the same number for each {role}."
        )
    try:
        given = np.asarray(row)
        # Texts of digits would pass for numbers, and a row of one for a row of many.
        if given.ndim != 1 or given.dtype.kind not in "biufO":
            raise TypeError
        return given.astype(np.float64)
    except (TypeError, ValueError):
        raise SampleError(
            f"{returned} {shown(list(row))}, which are not all numbers. Encode categories as "
            "numbers, for example one column per category."
        ) from None


def user_table(rec_sys: RecSys, user_ids: IdArray) -> Array:
    """Fetch the user features: float32 [n_users + 1, width]."""
    batch = rec_sys.get_user_features if isinstance(rec_sys, UserFeatureBatch) else None
    return feature_table("user", user_ids, rec_sys.get_user_feature, batch)


def item_table(rec_sys: RecSys, item_ids: IdArray) -> Array:
    """Fetch the item features: float32 [n_items + 1, width]."""
    batch = rec_sys.get_item_features if isinstance(rec_sys, ItemFeatureBatch) else None
    return feature_table("item", item_ids, rec_sys.get_item_feature, batch)


def content_directions(
    features: Array, n_text: int = 0, fitted: NDArray[np.bool_] | None = None
) -> Array:
    """Return each item's features standardised and scaled to length 1; row 0 is zero.

    Their products are the content cosines of the dynamic features. The last `n_text` columns are
    the vector of a text, of length 1 already: standardised, its many columns would drown the
    declared ones, so it has a fixed share of the square beside them.

    Parameters
    ----------
    features : float32 [n_items + 1, width]
    fitted : bool [n_items + 1], optional
        The items that means and spreads are of; by default all.

    >>> content_directions(np.array([[0.5], [0.0], [1.0]], np.float32)).tolist()
    [[0.0], [-1.0], [1.0]]
    """
    if len(features) < 2:
        return np.zeros_like(features)
    n_declared = features.shape[1] - n_text
    own = features[1:, :n_declared].astype(np.float64)
    known = own if fitted is None else own[fitted[1:]]
    spread = known.std(axis=0)
    centred = (own - known.mean(axis=0)) / np.where(spread > 1e-9, spread, 1.0)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    directions = np.zeros_like(features)
    directions[1:, :n_declared] = centred / np.where(length > 1e-9, length, 1.0)
    if n_text:
        directions[1:, n_declared:] = features[1:, n_declared:]
        if n_declared:
            directions[:, :n_declared] *= np.float32(np.sqrt(1 - _TEXT_SHARE))
            directions[:, n_declared:] *= np.float32(np.sqrt(_TEXT_SHARE))
    return directions
