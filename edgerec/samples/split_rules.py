"""The rules to split rows by: which of them are tested.

Each takes the users of all rows in order of time [n], as numbers from 0, and returns bool [n]: the
rows to test on. Counts are rounded in favour of training.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
Rule = Callable[[IntArray, BoolArray, float, np.random.Generator], BoolArray]
"""users, whether each row differs from the one before it, share to test on, randomness"""


def with_their_first(chosen: BoolArray, is_new: BoolArray) -> BoolArray:
    """Put each row on the side of the first row that is identical to it.

    Rows of the same user, item and time say the same. One of them in training would tell the
    answer to another in the test.

    Parameters
    ----------
    is_new : bool [n]
        False: the row is identical to the one before it.

    >>> with_their_first(np.array([False, True, True]), np.array([True, False, True])).tolist()
    [False, False, True]
    """
    return np.asarray(chosen[is_new][np.cumsum(is_new) - 1])


def _n_test(n: int | IntArray, fraction: float) -> IntArray:
    # The tolerance undoes binary fractions: 0.29 x 100 is a little under 29.
    return np.floor(np.asarray(n) * fraction + 1e-9).astype(np.int64)


def _by_user(
    users: IntArray, _is_new: BoolArray, fraction: float, random: np.random.Generator
) -> BoolArray:
    n_users = int(users.max(initial=-1)) + 1
    is_test = np.zeros(n_users, dtype=np.bool_)
    is_test[random.permutation(n_users)[: int(_n_test(n_users, fraction))]] = True
    return is_test[users]


def _by_user_time(
    users: IntArray, _is_new: BoolArray, fraction: float, _random: np.random.Generator
) -> BoolArray:
    n_of_user = np.bincount(users)
    by_user = np.argsort(users, kind="stable")
    first = np.cumsum(n_of_user) - n_of_user
    position = np.empty(len(users), dtype=np.int64)
    position[by_user] = np.arange(len(users)) - first[users[by_user]]
    n_train = n_of_user - _n_test(n_of_user, fraction)
    return np.asarray(position >= n_train[users])


def _by_time(
    users: IntArray, _is_new: BoolArray, fraction: float, _random: np.random.Generator
) -> BoolArray:
    n_train = len(users) - int(_n_test(len(users), fraction))
    return np.asarray(np.arange(len(users)) >= n_train)


def _by_row(
    users: IntArray, _is_new: BoolArray, fraction: float, random: np.random.Generator
) -> BoolArray:
    test = np.zeros(len(users), dtype=np.bool_)
    test[random.permutation(len(users))[: int(_n_test(len(users), fraction))]] = True
    return test


def _leave_last_out(
    users: IntArray, is_new: BoolArray, _fraction: float, _random: np.random.Generator
) -> BoolArray:
    # Identical rows are one event here: a user's last is tested with all its copies, and a user
    # with one event stays in training.
    different = users[is_new]
    last = np.zeros(int(different.max(initial=-1)) + 1, dtype=np.int64)
    last[different] = np.arange(len(different))
    test = np.zeros(len(different), dtype=np.bool_)
    test[last[np.bincount(different) > 1]] = True
    return np.asarray(test[np.cumsum(is_new) - 1])


SPLIT_RULES: Final[Mapping[str, Rule]] = {
    "user": _by_user,
    "user-time": _by_user_time,
    "time": _by_time,
    "row": _by_row,
    "leave-last-out": _leave_last_out,
}
