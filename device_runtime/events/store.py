"""What users did on this device: in memory at once, on the disk in time. No HTTP.

An event is taken in memory and counts at once; a commit that is due within `commit_seconds` puts
it on the disk with those that came meanwhile, so that a flash card is not written for each tap.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from device_runtime.errors import StorageError
from device_runtime.events.table import Event, EventSettings, EventTable, Row

_SECONDS_BETWEEN_AGEINGS: Final = 3_600.0


class EventStore:
    """Keeps events. `add` and `events_of` may be called from one thread, the rest from another.

    Parameters
    ----------
    path : path
        Of the database; it is made where there is none.
    settings : EventSettings, optional

    Raises
    ------
    StorageError
        The file cannot be used: no place to write, no database, or of a later version.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, EventStore(f"{folder}/e.db") as store:
    ...     store.add([Event(1, 7, "liked", 4.5, 1700000000)])
    ...     [one.item_id for one in store.events_of(1, 10)], store.commit()
    ([7], 1)
    """

    def __init__(self, path: str | Path, settings: EventSettings | None = None) -> None:
        self.path = Path(path)
        self.settings = settings or EventSettings()
        self._lock = threading.Lock()
        # One commit, erasure or listing at a time.
        self._writing = threading.Lock()
        self._waiting: list[Row] = []
        # Of each user, what is not on the disk yet, in order; a commit that is under way included.
        self._fresh: dict[int | str, list[Row]] = {}
        self._next_ageing = 0.0
        self._table = EventTable(self.path, self.settings)
        self._last = self._table.last_sequence

    def __enter__(self) -> "EventStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Commit what is waiting, and close the files.

        Raises
        ------
        StorageError
            The disk takes nothing; what was waiting is lost.
        """
        try:
            self.commit()
        finally:
            self._table.close()

    @property
    def n_events(self) -> int:
        """How many are on the disk."""
        return self._table.n_events

    @property
    def n_waiting(self) -> int:
        """How many are in memory alone."""
        return len(self._waiting)

    def add(self, events: Sequence[Event]) -> None:
        """Take events, oldest first; `events_of` knows them from now on.

        Raises
        ------
        StorageError
            Too many are waiting for the disk; none of these is taken.
        """
        with self._lock:
            if len(self._waiting) + len(events) > self.settings.max_waiting:
                raise StorageError(
                    f"{self.path}: {len(self._waiting)} events are waiting for the disk, so "
                    f"{len(events)} more are not taken; make room on it, and send them again"
                )
            for event in events:
                self._last += 1
                row = Row(self._last, event)
                self._waiting.append(row)
                self._fresh.setdefault(event.user_id, []).append(row)

    def events_of(self, user_id: int | str, n_events: int) -> list[Event]:
        """Return the newest events of a user, oldest first."""
        with self._lock:
            fresh = list(self._fresh.get(user_id, ()))[-n_events:]
        # Fresh ones first: what a commit moves meanwhile is then found twice, and never not at all.
        kept = dict(self._table.newest_of(user_id, n_events))
        kept.update(fresh)
        return list(kept.values())[-n_events:]

    def commit(self) -> int:
        """Put what is waiting on the disk, and delete what is beyond the bounds.

        Returns
        -------
        int
            How many events were waiting.

        Raises
        ------
        StorageError
            The disk takes nothing; the events wait on.
        """
        with self._writing:
            with self._lock:
                batch, self._waiting = self._waiting, []
            with_old = time.monotonic() >= self._next_ageing
            if not batch and not with_old:
                return 0
            try:
                self._table.insert(batch, with_old=with_old)
            except sqlite3.Error as error:
                with self._lock:
                    self._waiting = batch + self._waiting
                raise StorageError(
                    f"{self.path}: {len(batch)} events cannot be written ({error}); they wait in "
                    "memory, make room on the disk"
                ) from None
            with self._lock:
                for row in batch:
                    own = self._fresh.get(row.event.user_id)
                    if own:
                        own.remove(row)
                        if not own:
                            del self._fresh[row.event.user_id]
            if with_old:
                self._next_ageing = time.monotonic() + _SECONDS_BETWEEN_AGEINGS
            return len(batch)

    def erase(self, user_id: int | str) -> int:
        """Delete all of a user, so that no byte of it stays in the files.

        Returns
        -------
        int
            How many events there were.

        Raises
        ------
        StorageError
            The disk takes nothing, so some of it may still be there.
        """
        with self._writing:
            with self._lock:
                fresh = self._fresh.pop(user_id, [])
                self._waiting = [row for row in self._waiting if row.event.user_id != user_id]
            try:
                return self._table.erase(user_id) + len(fresh)
            except sqlite3.Error as error:
                raise StorageError(
                    f"{self.path}: the events of a user cannot be erased ({error}); make room on "
                    "the disk, and erase again"
                ) from None

    def every(self) -> Iterator[Event]:
        """Yield all events that are on the disk, in the order they came."""
        return self._table.every()
