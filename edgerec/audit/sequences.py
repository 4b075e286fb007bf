"""Sequences for embeddings that hold held-out rows: item2vec would have learned from the test.

Sequences come without a user. But whose one is shows in its items: one that is made of a user's
items, and holds much of what he has in held-out rows alone, was made of his held-out rows. For a
few users others' sequences look so too, since tastes are alike; for a quarter of them they do not.
Chance is counted beside it, with as many items that other held-out users have and he has not.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.audit.held_out import HeldOut, id_at
from edgerec.audit.overlap import TELL, UNKNOWN
from edgerec.audit.report import Finding
from edgerec.ids import require_kind, rows_of
from edgerec.recsys import ItemEmbedding, RecSys
from edgerec.samples.intake import Intake
from edgerec.samples.spool import Spool, read_records

_CHECK: Final = "held-out-sequences"
_N_USERS: Final = 128
_MAX_ITEMS: Final = 2_000
# Shorter ones are made of some user's items by chance.
_SHORTEST: Final = 5
# The samples may leave out some of what a sequence holds, such as rows without a value.
_OWN_SHARE: Final = 0.9
# A basket holds but some of what a user bought.
_HELD_OUT_SHARE: Final = 0.2
_LEAST_USERS: Final = 3
# docs/leak-audit.md has what was measured: at most .07 where training rows alone are read, and at
# least .87 where all rows are.
_LEAST_SHARE: Final = 0.25

Rows = NDArray[np.int64]


def check_sequences(
    rec_sys: RecSys, intake: Intake, held_out: HeldOut | None, random_state: int
) -> Finding:
    """Read the sequences once more and look for those of held-out rows."""
    if not isinstance(rec_sys, ItemEmbedding):
        return Finding(_CHECK, "passed", "no item_seq_generator", "made of training samples alone")
    if held_out is None:
        return Finding(_CHECK, "not decidable", UNKNOWN, "", TELL)
    users = _sampled_users(intake, held_out, random_state)
    looked_at = f"sequences of {len(users)} held-out users"
    if len(users) < _LEAST_USERS:
        return Finding(
            _CHECK,
            "not decidable",
            looked_at,
            f"fewer than {_LEAST_USERS} held-out users have items that they have not in training",
            "See to it that item_seq_generator reads training rows alone.",
        )
    found = _Found(users)
    for sequence in rec_sys.item_seq_generator():
        ids = list(sequence)
        require_kind(ids, intake.item_id_type, "item_seq_generator")
        found.add(rows_of(ids, intake.item_ids))
    n_theirs, n_chance = found.count()
    figure = f"{n_theirs} hold held-out items of theirs, by chance {n_chance}"
    if n_theirs - n_chance < max(_LEAST_USERS, _LEAST_SHARE * len(users)):
        return Finding(_CHECK, "passed", looked_at, figure)
    user, item = found.example()
    user_id, item_id = id_at(held_out.user_ids, user), id_at(intake.item_ids, item)
    return Finding(
        _CHECK,
        "failed",
        looked_at,
        figure,
        f"item_seq_generator yields sequences that hold held-out rows: those of {n_theirs} of "
        f"{len(users)} held-out users ({n_chance} would by chance), for example item "
        f"{item_id!r} of user {user_id!r}. Embeddings must not learn "
        "from rows that the model is tested on: make the sequences of training rows.",
    )


class _Items:
    """The items of one held-out user: in training, only in held-out rows, and by chance."""

    def __init__(self, user: int, trained: Rows, tested: Rows) -> None:
        self.user = user
        self.trained = trained
        self.tested = np.setdiff1d(tested[tested > 0], trained)
        self.chance = self.tested[:0]


def _sampled_users(intake: Intake, held_out: HeldOut, random_state: int) -> list[_Items]:
    random = np.random.default_rng([random_state, 4])
    found: list[_Items] = []
    for row in 1 + random.permutation(held_out.spool.n_users)[: 4 * _N_USERS]:
        training_row = int(held_out.training_row[row])
        trained = _items(intake.spool, training_row) if training_row else np.zeros(0, np.int64)
        one = _Items(int(row), trained, _items(held_out.spool, int(row)))
        if len(one.tested) and len(one.tested) + len(trained) <= _MAX_ITEMS:
            found.append(one)
        if len(found) == _N_USERS:
            break
    # What held-out users have is as popular as what this one has, and no more.
    pool = np.concatenate([one.tested for one in found]) if found else np.zeros(0, np.int64)
    for one in found:
        others = random.permutation(pool)
        others = others[~np.isin(others, np.r_[one.trained, one.tested])]
        _, first = np.unique(others, return_index=True)
        one.chance = others[np.sort(first)[: len(one.tested)]]
    return [one for one in found if len(one.chance) == len(one.tested)]


def _items(spool: Spool, row: int) -> Rows:
    with spool.path.open("rb") as file:
        start, end = int(spool.offsets[row]), int(spool.offsets[row + 1])
        records = read_records(file, start, end, spool.record)
    return np.unique(records["item"]).astype(np.int64)


class _Found:
    """Which users have a sequence of their items with many held-out ones, or chance ones."""

    def __init__(self, users: Sequence[_Items]) -> None:
        self._users = users
        everything = [np.r_[one.trained, one.tested, one.chance] for one in users]
        self._known = np.unique(np.concatenate(everything))
        self._trained = self._members(one.trained for one in users)
        self._added = [
            self._members(one.tested for one in users),
            self._members(one.chance for one in users),
        ]
        self._n_needed = np.array([_HELD_OUT_SHARE * len(one.tested) for one in users])
        self._is_found = np.zeros((2, len(users)), bool)
        self._example: tuple[int, int] | None = None

    def _members(self, items: Iterable[Rows]) -> NDArray[np.bool_]:
        """Return whether each known item is one of each user: bool [items, users]."""
        listed = list(items)
        members = np.zeros((len(self._known), len(listed)), bool)
        for user, own in enumerate(listed):
            members[np.searchsorted(self._known, own), user] = True
        return members

    def add(self, rows: Rows) -> None:
        distinct = np.unique(rows[rows > 0])
        if len(distinct) < _SHORTEST:
            return
        place = np.minimum(np.searchsorted(self._known, distinct), len(self._known) - 1)
        place = place[self._known[place] == distinct]
        if len(place) < _OWN_SHARE * len(distinct):
            return
        n_trained = self._trained[place].sum(axis=0)
        for kind, members in enumerate(self._added):
            n_added = members[place].sum(axis=0)
            is_own = n_trained + n_added >= _OWN_SHARE * len(distinct)
            found = is_own & (n_added > 0) & (n_added >= self._n_needed)
            self._is_found[kind] |= found
            if kind == 0 and found.any() and self._example is None:
                one = self._users[int(np.flatnonzero(found)[0])]
                self._example = one.user, int(np.intersect1d(distinct, one.tested)[0])

    def count(self) -> tuple[int, int]:
        """Return how many users' sequences hold held-out items, and chance ones."""
        theirs, chance = np.count_nonzero(self._is_found, axis=1).tolist()
        return theirs, chance

    def example(self) -> tuple[int, int]:
        """Return a held-out user row, and an item row that held-out rows alone give him."""
        assert self._example is not None
        return self._example
