"""Splitting a table of interactions into one to train on and one to test on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from edgerec.errors import ConfigurationError
from edgerec.samples.masks import mask_file, read_mask
from edgerec.samples.split_rules import SPLIT_RULES, with_their_first
from edgerec.source import (
    Engine,
    InteractionColumns,
    RowCondition,
    copy_rows,
    read_interactions,
)

__all__ = ["SplitSummary", "rows_to_test", "split_table"]

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
    n_moved: int = 0
    """Rows that went to the side of an identical row (user, item, time) before them."""


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
    side or the other by their ids. Counts are rounded in favour of training. Rows of the same
    user, item and time all go where the first of them goes: one of them in training would tell
    the answer to another.

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
        of every user. `"time"`: the last rows of all. `"row"`: random rows. `"leave-last-out"`:
        the last row of every user who has two. `"MASKS.npz:KEY"`: the rows where the array KEY of
        that file, bool[n], is true.
    fraction : float, default=0.2
        The part of the users or rows to test; leave-last-out and masks have their own.
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
    keys = _read_keys(engine, table, columns, where, "time")
    test, n_moved = _chosen(keys, table, by, fraction, random_state)
    users, items, timestamps = keys
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
        n_moved=n_moved,
    )


def rows_to_test(
    engine: Engine,
    table: str,
    columns: InteractionColumns,
    *,
    by: str,
    fraction: float = 0.2,
    random_state: int = 0,
    where: Sequence[RowCondition] = (),
    order: Literal["time", "user"] = "time",
) -> BoolArray:
    """Return which rows `split_table` would test; write nothing.

    Returns
    -------
    bool[n]
        One per row that meets `where`, in the order in which `read_interactions` yields them.

    Raises
    ------
    ConfigurationError, SourceError
        As `split_table`.
    """
    keys = _read_keys(engine, table, columns, where, order)
    return _chosen(keys, table, by, fraction, random_state)[0]


def _chosen(
    keys: tuple[IntArray, IntArray, IntArray],
    table: str,
    by: str,
    fraction: float,
    random_state: int,
) -> tuple[BoolArray, int]:
    """Return the rows to test, in the order of the keys, and how many went where their first is."""
    if not 0 < fraction < 1:
        raise ConfigurationError(f"fraction must be between 0 and 1, got {fraction}")
    users, items, timestamps = keys
    # The database's order within one second is its collation's; the rules' order is ours.
    order = np.lexsort((items, users, timestamps))
    n_rows = len(order)
    rule = by if by in SPLIT_RULES else mask_file(by)
    is_new = _differs_from_previous(users[order], items[order], timestamps[order])
    if isinstance(rule, str):
        random = np.random.default_rng(random_state)
        by_rule = SPLIT_RULES[rule](users[order], is_new, fraction, random)
    else:
        by_rule = read_mask(*rule, n_rows, table)
    chosen = with_their_first(by_rule, is_new)
    if chosen.all() or not chosen.any():
        empty = "train on" if chosen.any() else "test on"
        raise ConfigurationError(
            f'splitting the {n_rows} rows of table "{table}" by {by} leaves none to {empty}: '
            "choose another rule, another fraction or more data"
        )
    test = np.empty(n_rows, dtype=np.bool_)
    test[order] = chosen
    return test, int(np.sum(chosen != by_rule))


def _differs_from_previous(*keys: IntArray) -> npt.NDArray[np.bool_]:
    differs = np.ones(len(keys[0]), dtype=np.bool_)
    differs[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    return differs


def _read_keys(
    engine: Engine,
    table: str,
    columns: InteractionColumns,
    where: Sequence[RowCondition],
    order: Literal["time", "user"],
) -> tuple[IntArray, IntArray, IntArray]:
    # 24 bytes a row (two codes and a time) stay in memory, 240 MB for ten million rows: every
    # rule needs to see all keys at once. The rows themselves are streamed.
    users, items, timestamps = _Codes(), _Codes(), [np.empty(0, dtype=np.int64)]
    for chunk in read_interactions(engine, table, columns, order=order, where=where):
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
