"""A hash table that is looked up with one probe, built once: hash and displace.

Every known id has a slot of its own. Two hashes of the id are asked for: one picks a bucket, and
the bucket's displacement moves the other to the slot:

    spread = (id mod PRIME_1) FACTOR mod PRIME_2
    bucket = spread spread mod PRIME_1 mod n_buckets
    slot   = (id mod n_slots + displacement[bucket]) mod n_slots

The displacements are chosen, largest bucket first, such that no two ids share a slot (Belazzougui,
Botelho and Dietzfelbinger 2009, "Hash, displace, and compress"). All of it is Mod, Mul, Add and
Gather, which every ONNX Runtime has; no sum or product leaves 64 bits.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

PRIME_1: Final = 2_147_483_647
PRIME_2: Final = 2_147_483_629
FACTOR: Final = 1_640_531_527
"""all below 2**31, so products stay below 2**62; the factor is 2**32 less its golden section, which
spreads consecutive ids evenly. So even, that no bucket would be small, and the last ones would
find no room; squaring makes sizes vary as those of random ids do"""
_BUCKET_SIZE: Final = 3.0
"""ids per bucket on average: more need fewer displacements, and more tries"""
_LOADS: Final = (0.95, 0.95, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5)
"""share of the slots that is filled; emptier where nothing was found in a fuller table"""
_N_ROUNDS: Final = 2000


@dataclass(frozen=True)
class StaticHash:
    """A table that gives each known id its position."""

    displacements: NDArray[np.int32]
    """[n_buckets]"""
    positions: NDArray[np.int32]
    """[n_slots]: which of the ids may stand in the slot; 0 in an empty one too, which is no
    matter, since whoever asks compares the id that stands there"""

    def find(self, ids: NDArray[np.int64], known: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the position of each id in `known`, or -1: int64 [len(ids)]."""
        position = self.positions[self._slots(ids)].astype(np.int64)
        found: NDArray[np.int64] = np.where(known[position] == ids, position, -1)
        return found

    def _slots(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        n_buckets, n_slots = len(self.displacements), len(self.positions)
        slots: NDArray[np.int64] = (
            ids % n_slots + self.displacements[_buckets(ids, n_buckets)]
        ) % n_slots
        return slots


def build_static_hash(ids: NDArray[np.int64]) -> StaticHash:
    """Return the table of distinct ids: int64 [n], n >= 1. The same ids give the same table.

    Raises
    ------
    RuntimeError
        No table was found, which random ids make less likely than a fault of the machine.

    >>> ids = np.array([-7, 5, 2**62])
    >>> build_static_hash(ids).find(np.array([2**62, 6, -7]), ids).tolist()
    [2, -1, 0]
    """
    random = np.random.default_rng(len(ids))
    for number, load in enumerate(_LOADS):
        n_buckets = _next_prime(int(len(ids) / _BUCKET_SIZE) + 1 + 13 * number)
        n_slots = _next_prime(math.ceil(len(ids) / load) + 29 * number)
        placed = _place(ids, n_buckets, n_slots, random)
        if placed is not None:
            return placed
    raise RuntimeError(f"no static hash of {len(ids)} ids was found; report this with the ids")


def _place(
    ids: NDArray[np.int64], n_buckets: int, n_slots: int, random: np.random.Generator
) -> StaticHash | None:
    bucket, home = _buckets(ids, n_buckets), ids % n_slots
    order = np.lexsort((home, bucket))
    bucket, home = bucket[order], home[order]
    if ((bucket[1:] == bucket[:-1]) & (home[1:] == home[:-1])).any():
        return None  # No displacement parts two ids that agree in both.
    sizes = np.bincount(bucket, minlength=n_buckets)
    starts = np.r_[0, np.cumsum(sizes)]
    used = np.zeros(n_slots, bool)
    displacements = np.zeros(n_buckets, np.int64)
    for size in np.unique(sizes[sizes > 1])[::-1].tolist():
        waiting = np.flatnonzero(sizes == size)
        for _ in range(_N_ROUNDS):
            if not len(waiting):
                break
            tried = random.integers(0, n_slots, len(waiting))
            slots = (home[starts[waiting][:, None] + np.arange(size)] + tried[:, None]) % n_slots
            won = _winners(slots, used)
            used[slots[won].ravel()] = True
            displacements[waiting[won]] = tried[won]
            waiting = np.delete(waiting, won)
        if len(waiting):
            return None
    alone = np.flatnonzero(sizes == 1)
    free = np.flatnonzero(~used)[: len(alone)]
    displacements[alone] = (free - home[starts[alone]]) % n_slots
    positions = np.zeros(n_slots, np.int32)
    positions[(home + displacements[bucket]) % n_slots] = order
    return StaticHash(displacements.astype(np.int32), positions)


def _winners(slots: NDArray[np.int64], used: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return which rows of slots are free, and no other winner's."""
    free = np.flatnonzero(~used[slots].any(axis=1))
    owner = np.empty(len(used), np.int64)
    owner[slots[free].ravel()] = np.repeat(free, slots.shape[1])
    won: NDArray[np.int64] = free[(owner[slots[free]] == free[:, None]).all(axis=1)]
    return won


def _buckets(ids: NDArray[np.int64], n_buckets: int) -> NDArray[np.int64]:
    spread = (ids % PRIME_1) * FACTOR % PRIME_2
    buckets: NDArray[np.int64] = spread * spread % PRIME_1 % n_buckets
    return buckets


def _next_prime(number: int) -> int:
    """Return the first prime from `number` on.

    >>> _next_prime(8), _next_prime(2)
    (11, 2)
    """
    while number < 2 or any(number % divisor == 0 for divisor in range(2, math.isqrt(number) + 1)):
        number += 1
    return number
