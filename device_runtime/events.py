"""What users did on this device, kept in SQLite: bounded, durable, erasable. No HTTP.

An event is taken in memory and counts at once; a commit that is due within `commit_seconds` puts
it on the disk with those that came meanwhile, so that a flash card is not written for each tap.
"""

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, NamedTuple

from .errors import StorageError

_FORMAT: Final = 1
# Columns without a type keep what they are given: ids that are numbers, and ids that are text.
_SCHEMA: Final = (
    """CREATE TABLE event (sequence INTEGER PRIMARY KEY, user NOT NULL, item NOT NULL,
    kind TEXT NOT NULL, value REAL, time INTEGER NOT NULL)""",
    "CREATE INDEX event_of_user ON event (user, sequence)",
)
_SECONDS_PER_DAY: Final = 86_400
_SECONDS_BETWEEN_AGEINGS: Final = 3_600.0


@dataclass(frozen=True)
class EventSettings:
    """How much is kept, and how safely.

    Raises
    ------
    ValueError
        A setting is out of its range; the sentence says which and what is expected.
    """

    commit_seconds: float = 0.5
    """Events are on the disk after this long, which is what a power cut may lose; 0: before they
    are answered"""
    max_per_user: int = 1_000
    """The newest events of a user that are kept"""
    max_events: int = 1_000_000
    """Of all users together, about 100 bytes each"""
    max_age_days: int = 365
    """Older ones are deleted"""
    max_waiting: int = 10_000
    """Events in memory while the disk takes none; more are refused"""

    def __post_init__(self) -> None:
        if not 0 <= self.commit_seconds <= 60:
            raise ValueError(f"commit_seconds: expected 0 to 60, got {self.commit_seconds}")
        for setting in fields(self):
            value = getattr(self, setting.name)
            if setting.type is int and value < 1:
                raise ValueError(f"{setting.name}: expected 1 or more, got {value}")

    @property
    def durability(self) -> str:
        """What is promised, for answers and logs."""
        if not self.commit_seconds:
            return "on the disk when it is answered"
        return f"on the disk within {self.commit_seconds:g} s"


class Event(NamedTuple):
    """What a user did."""

    user_id: int | str
    item_id: int | str
    kind: str
    """As the manifest's `event_values` names it."""
    value: float | None
    """None: not stated."""
    timestamp: int
    """Unix seconds."""


class _Row(NamedTuple):
    sequence: int
    event: Event


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
        self._waiting: list[_Row] = []
        # Of each user, what is not on the disk yet, in order; a commit that is under way included.
        self._fresh: dict[int | str, list[_Row]] = {}
        self._next_ageing = 0.0
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = _open(self.path)
            try:
                self._prepare()
                self._reader = _open(self.path)
            except BaseException:
                self._writer.close()
                raise
        except (sqlite3.Error, OSError) as error:
            raise StorageError(
                f"{self.path}: expected a place where events can be kept, but {error}; choose "
                "another with --events, or move the file away"
            ) from None
        found = self._writer.execute("SELECT count(*), max(sequence) FROM event").fetchone()
        self._n_events, self._last = int(found[0]), int(found[1] or 0)

    def _prepare(self) -> None:
        (version,) = self._writer.execute("PRAGMA user_version").fetchone()
        if version > _FORMAT:
            raise StorageError(
                f"{self.path}: expected events of format {_FORMAT}, got format {version}, of a "
                "later version; update edgerec-device-runtime, or choose another file"
            )
        if version < _FORMAT:
            with self._writer:
                self._writer.execute("BEGIN IMMEDIATE")
                for statement in _SCHEMA:
                    self._writer.execute(statement)
                self._writer.execute(f"PRAGMA user_version = {_FORMAT}")

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
            self._reader.close()
            self._writer.close()

    @property
    def n_events(self) -> int:
        """How many are on the disk."""
        return self._n_events

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
                row = _Row(self._last, event)
                self._waiting.append(row)
                self._fresh.setdefault(event.user_id, []).append(row)

    def events_of(self, user_id: int | str, n_events: int) -> list[Event]:
        """Return the newest events of a user, oldest first."""
        with self._lock:
            fresh = list(self._fresh.get(user_id, ()))[-n_events:]
        # Fresh ones first: what a commit moves meanwhile is then found twice, and never not at all.
        found = self._reader.execute(
            "SELECT sequence, user, item, kind, value, time FROM event WHERE user = ? "
            "ORDER BY sequence DESC LIMIT ?",
            (user_id, n_events),
        ).fetchall()
        kept = {row[0]: Event(*row[1:]) for row in reversed(found)}
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
            if not batch and time.monotonic() < self._next_ageing:
                return 0
            try:
                n_deleted = self._write(batch)
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
            self._n_events += len(batch) - n_deleted
            return len(batch)

    def _write(self, batch: Sequence[_Row]) -> int:
        """Insert rows and delete others, in one transaction; returns how many were deleted."""
        settings, n_deleted = self.settings, 0
        ages = time.monotonic() >= self._next_ageing
        with self._writer as writer:
            writer.execute("BEGIN IMMEDIATE")
            writer.executemany(
                "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)",
                [(row.sequence, *row.event) for row in batch],
            )
            for user_id in dict.fromkeys(row.event.user_id for row in batch):
                n_deleted += writer.execute(
                    "DELETE FROM event WHERE user = ?1 AND sequence <= (SELECT sequence FROM event "
                    "WHERE user = ?1 ORDER BY sequence DESC LIMIT 1 OFFSET ?2)",
                    (user_id, settings.max_per_user),
                ).rowcount
            if ages:
                oldest = int(time.time()) - settings.max_age_days * _SECONDS_PER_DAY
                n_deleted += writer.execute("DELETE FROM event WHERE time < ?", (oldest,)).rowcount
            n_over = self._n_events + len(batch) - n_deleted - settings.max_events
            if n_over > 0:
                n_deleted += writer.execute(
                    "DELETE FROM event WHERE sequence IN "
                    "(SELECT sequence FROM event ORDER BY sequence LIMIT ?)",
                    (n_over,),
                ).rowcount
        if ages:
            self._next_ageing = time.monotonic() + _SECONDS_BETWEEN_AGEINGS
        return n_deleted

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
                with self._writer as writer:
                    writer.execute("BEGIN IMMEDIATE")
                    deleted = writer.execute("DELETE FROM event WHERE user = ?", (user_id,))
                # What was deleted stands in the log too, until it is emptied.
                (busy, *_) = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.Error as error:
                raise StorageError(
                    f"{self.path}: the events of a user cannot be erased ({error}); make room on "
                    "the disk, and erase again"
                ) from None
            if busy:
                raise StorageError(
                    f"{self.path}: the log cannot be emptied while another process reads it; stop "
                    "that one, and erase again"
                )
            self._n_events -= deleted.rowcount
            return deleted.rowcount + len(fresh)

    def every(self) -> Iterator[Event]:
        """Yield all events that are on the disk, in the order they came."""
        with closing(_open(self.path)) as reader:
            rows: Iterable[tuple[int | str, int | str, str, float | None, int]] = reader.execute(
                "SELECT user, item, kind, value, time FROM event ORDER BY sequence"
            )
            for row in rows:
                yield Event(*row)


def _open(path: Path) -> sqlite3.Connection:
    # No implicit transactions, and used by one thread at a time, which is not always the same.
    connection = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    # Each commit waits for the disk: NORMAL would lose commits at a power cut.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    return connection
