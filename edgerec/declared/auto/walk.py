"""One pass over the interactions: what screening asks of all, and a sample of users to try on."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgerec.declared.auto.leaks import Halves
from edgerec.progress import Progress
from edgerec.recsys import Id, Sample

_CHUNK: Final = 16_384
_NEVER: Final = np.iinfo(np.int64).max
_DAY: Final = 86_400
# The cut that separates what is new: this share of the sampled interactions is before it.
_CUT: Final = 0.8


@dataclass(frozen=True)
class Side:
    """What the pass is told of users or items."""

    ids: list[Id]
    moments: Mapping[str, NDArray[np.float64]]
    """per column of dates Unix seconds [n_things], NaN: none"""


@dataclass(frozen=True)
class Seen:
    """What it found of them."""

    halves: Halves
    first_time: NDArray[np.int64]
    """[n_things]: Unix seconds of the first interaction; the largest integer: none"""
    n_earlier: Mapping[str, int]
    """per column of dates the interactions that precede their own thing's date by over a day"""
    n_dated: Mapping[str, int]
    """per column of dates the interactions of things that have one"""


@dataclass(frozen=True)
class Walk:
    """All of it."""

    seen: Mapping[str, Seen]
    """by role, users and items"""
    samples: list[Sample]
    """all samples of some users, user by user, in order of time"""
    n_samples: int
    last_time: int
    cut: int
    """Unix seconds"""


def share_of(id_: Id, random_state: int) -> float:
    """Return a number from 0 to 1 that depends on the id and the seed alone.

    >>> share_of(7, 0) == share_of(7, 0) != share_of(7, 1)
    True
    """
    text = f"{random_state} {id_}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=4).digest()) / 2**32


def walk(
    samples: Iterable[Sample],
    sides: Mapping[str, Side],
    share: float,
    most_samples: int,
    random_state: int,
    progress: Progress,
) -> Walk:
    """Read all samples once; memory holds some numbers per thing and the samples of some users.

    Parameters
    ----------
    share : float
        Share of the users whose samples are kept.
    most_samples : int
        From this many kept samples on, no further user is begun.
    """
    progress.stage("interactions")
    users, items = _Ids(random_state), _Ids(random_state)
    tallies = {role: _Tally(side) for role, side in sides.items()}
    kept: list[Sample] = []
    last_user: Id | None = None
    is_kept, n_samples, last_time = False, 0, -_NEVER
    for chunk in _chunks(iter(samples)):
        for sample in chunk:
            if sample.user_id != last_user:
                last_user = sample.user_id
                is_kept = users.share(last_user) < share and len(kept) < most_samples
            if is_kept:
                kept.append(sample)
        n_samples += len(chunk)
        last_time = max(last_time, max(sample.timestamp for sample in chunk))
        for role, tally in tallies.items():
            # The halves of items are halves of users, and the other way round.
            other = users if role == "items" else items
            tally.add(chunk, role, other)
        progress.advance(n_samples, None)
    times = [sample.timestamp for sample in kept if sample.value is not None]
    cut = int(np.quantile(times, _CUT)) if times else last_time
    seen = {role: tally.seen() for role, tally in tallies.items()}
    return Walk(seen, kept, n_samples, last_time, cut)


class _Ids:
    """Remembers the share of each id."""

    def __init__(self, random_state: int) -> None:
        self._random_state = random_state
        self._shares: dict[Id, float] = {}

    def share(self, id_: Id) -> float:
        found = self._shares.get(id_)
        if found is None:
            found = self._shares[id_] = share_of(id_, self._random_state)
        return found

    def half(self, id_: Id) -> int:
        # The lower digits, so that the halves are not those that the sample of users is cut by.
        return int(self.share(id_) * 2**16) % 2


class _Tally:
    def __init__(self, side: Side) -> None:
        self._row = {id_: row for row, id_ in enumerate(side.ids)}
        n = len(side.ids)
        self._moments = side.moments
        self._sums = np.zeros((4, 2, n))
        self._first = np.full(n, _NEVER)
        self._n_earlier = dict.fromkeys(side.moments, 0)
        self._n_dated = dict.fromkeys(side.moments, 0)

    def add(self, chunk: list[Sample], role: str, other: _Ids) -> None:
        is_item = role == "items"
        rows = np.array(
            [self._row.get(one.item_id if is_item else one.user_id, -1) for one in chunk], np.int64
        )
        half = np.array([other.half(one.user_id if is_item else one.item_id) for one in chunk])
        label = np.array([one.label for one in chunk], np.float64)
        value = np.array([np.nan if one.value is None else one.value for one in chunk], np.float64)
        time = np.array([one.timestamp for one in chunk], np.int64)
        known = rows >= 0
        rows, half, label = rows[known], half[known], label[known]
        value, time = value[known], time[known]
        stated = ~np.isnan(value)
        for number, signal in enumerate(
            (label, np.ones(len(rows)), stated.astype(np.float64), np.nan_to_num(value))
        ):
            np.add.at(self._sums[number], (half, rows), signal)
        # A sampled negative did not happen.
        rows, time = rows[stated], time[stated]
        np.minimum.at(self._first, rows, time)
        for name, seconds in self._moments.items():
            own = seconds[rows]
            self._n_dated[name] += int((~np.isnan(own)).sum())
            self._n_earlier[name] += int((time < own - _DAY).sum())

    def seen(self) -> Seen:
        return Seen(Halves(*self._sums), self._first, self._n_earlier, self._n_dated)


def _chunks(samples: Iterator[Sample]) -> Iterator[list[Sample]]:
    while chunk := list(islice(samples, _CHUNK)):
        yield chunk
