"""Splitting a table of interactions into one to train on and one to test on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgerec.errors import ConfigurationError
from edgerec.samples.masks import mask_file, read_mask
from edgerec.source import (
    Engine,
    InteractionColumns,
    RowCondition,
    copy_rows,
    read_interactions,
)

__all__ = ["SplitSummary", "split_table"]

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SplitSummary:
    """What a split wrote."""

    train_table: str
    """The table to train on."""
    test_table: str
    """The table to test on."""
    n_train: int
    """Rows of the training table."""
    n_test: int
    """Rows of the test table."""
    n_train_users: int
    """Users with a row in the training table."""
    n_test_users: int
    """Users with a row in the test table."""
    n_cold_test_users: int
    """Users of the test table that have no row in the training table."""
    n_test_items: int
    """Items with a row in the test table."""
    n_cold_test_items: int
    """Items of the test table that have no row in the training table."""


def split_table(
    engine: Engine,
    table: str,
    columns: InteractionColumns,
    *,
    by: str,
    fraction: float = 0.2,
    random_state: int = 0,
    where: Sequence[RowCondition] = (),
    overwrite: bool = False,
) -> SplitSummary:
    """Write the rows of `table` to `{table}_train` and `{table}_test`.

    Rows are taken sorted by (timestamp, user, item, value), so rows of one second fall on one
    side or the other by their ids. Counts are rounded in favour of training.

    Parameters
    ----------
    engine : edgerec.source.Engine
        The database, from `edgerec.source.open_engine`.
    table : str
        The table to split; it stays as it is.
    columns : InteractionColumns
        Its columns, from `edgerec.source.find_columns`.
    by : str
        `"user"`: all rows of a random part of the users are tested. `"user-time"`: the last rows
        of every user. `"time"`: the last rows of all. `"row"`: random rows. `"MASKS.npz:KEY"`:
        the rows where the array KEY of that file, bool[n], is true.
    fraction : float, default=0.2
        The part of the users or rows to test; a mask has its own.
    random_state : int, default=0
        The seed of the random rules.
    where : sequence of RowCondition
        What a row must meet to be split at all; other rows go to neither table.
    overwrite : bool, default=False
        Replace tables that an earlier split wrote.

    Raises
    ------
    ConfigurationError
        If `by` is no rule, its mask does not fit the table, or one side would be empty.
    SourceError
        If the table cannot be read, or the new tables' names are taken.
    """
    if not 0 < fraction < 1:
        raise ConfigurationError(f"fraction must be between 0 and 1, got {fraction}")
    rule = by if by in _BY_RULE else mask_file(by)
    users, items, timestamps = _read_keys(engine, table, columns, where)
    # The database's order within one second is its collation's; the rules' order is ours.
    order = np.lexsort((items, users, timestamps))
    n_rows = len(order)
    if isinstance(rule, str):
        chosen = _BY_RULE[rule](users[order], fraction, np.random.default_rng(random_state))
    else:
        chosen = read_mask(*rule, n_rows, table)
    if chosen.all() or not chosen.any():
        empty = "train on" if chosen.any() else "test on"
        raise ConfigurationError(
            f'splitting the {n_rows} rows of table "{table}" by {by} leaves none to {empty}: '
            "choose another rule, another fraction or more data"
        )
    test = np.empty(n_rows, dtype=np.bool_)
    test[order] = chosen
    names = (f"{table}_train", f"{table}_test")
    masks = dict(zip(names, (~test, test), strict=True))
    copy_rows(engine, table, columns, masks, timestamps, where=where, overwrite=overwrite)
    train_users, test_users = np.unique(users[~test]), np.unique(users[test])
    train_items, test_items = np.unique(items[~test]), np.unique(items[test])
    return SplitSummary(
        *names,
        n_train=int(np.sum(~test)),
        n_test=int(np.sum(test)),
        n_train_users=len(train_users),
        n_test_users=len(test_users),
        n_cold_test_users=len(np.setdiff1d(test_users, train_users)),
        n_test_items=len(test_items),
        n_cold_test_items=len(np.setdiff1d(test_items, train_items)),
    )


def _read_keys(
    engine: Engine, table: str, columns: InteractionColumns, where: Sequence[RowCondition]
) -> tuple[IntArray, IntArray, IntArray]:
    # 24 bytes a row (two codes and a time) stay in memory, 240 MB for ten million rows: every
    # rule needs to see all keys at once. The rows themselves are streamed.
    users, items, timestamps = _Codes(), _Codes(), [np.empty(0, dtype=np.int64)]
    for chunk in read_interactions(engine, table, columns, where=where):
        users.add(chunk.user_ids)
        items.add(chunk.item_ids)
        timestamps.append(chunk.timestamps)
    return users.sorted_codes(), items.sorted_codes(), np.concatenate(timestamps)


class _Codes:
    """Ids of either kind as integers that sort as the ids do."""

    def __init__(self) -> None:
        self._code_of: dict[int | str, int] = {}
        self._parts = [np.empty(0, dtype=np.int64)]

    def add(self, ids: npt.NDArray[np.int64] | npt.NDArray[np.object_]) -> None:
        distinct, places = np.unique(ids, return_inverse=True)
        code_of = self._code_of
        codes = [code_of.setdefault(each, len(code_of)) for each in distinct.tolist()]
        self._parts.append(np.array(codes, dtype=np.int64)[places])

    def sorted_codes(self) -> IntArray:
        rank = np.empty(len(self._code_of), dtype=np.int64)
        in_order = sorted(self._code_of.items())
        rank[[code for _, code in in_order]] = np.arange(len(rank))
        return rank[np.concatenate(self._parts)]


def _n_test(n: int | IntArray, fraction: float) -> IntArray:
    # The tolerance undoes binary fractions: 0.29 x 100 is a little under 29.
    return np.floor(np.asarray(n) * fraction + 1e-9).astype(np.int64)


def _by_user(users: IntArray, fraction: float, random: np.random.Generator) -> BoolArray:
    n_users = int(users.max(initial=-1)) + 1
    is_test = np.zeros(n_users, dtype=np.bool_)
    is_test[random.permutation(n_users)[: int(_n_test(n_users, fraction))]] = True
    return is_test[users]


def _by_user_time(users: IntArray, fraction: float, _random: np.random.Generator) -> BoolArray:
    n_of_user = np.bincount(users)
    by_user = np.argsort(users, kind="stable")
    first = np.cumsum(n_of_user) - n_of_user
    position = np.empty(len(users), dtype=np.int64)
    position[by_user] = np.arange(len(users)) - first[users[by_user]]
    n_train = n_of_user - _n_test(n_of_user, fraction)
    return np.asarray(position >= n_train[users])


def _by_time(users: IntArray, fraction: float, _random: np.random.Generator) -> BoolArray:
    n_train = len(users) - int(_n_test(len(users), fraction))
    return np.asarray(np.arange(len(users)) >= n_train)


def _by_row(users: IntArray, fraction: float, random: np.random.Generator) -> BoolArray:
    test = np.zeros(len(users), dtype=np.bool_)
    test[random.permutation(len(users))[: int(_n_test(len(users), fraction))]] = True
    return test


_BY_RULE = {"user": _by_user, "user-time": _by_user_time, "time": _by_time, "row": _by_row}
