"""The table of events in SQLite: each method one statement or one transaction."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, NamedTuple

from device_runtime.errors import StorageError

_FORMAT: Final = 1
# Columns without a type keep what they are given: ids that are numbers, and ids that are text.
_SCHEMA: Final = (
    """CREATE TABLE event (sequence INTEGER PRIMARY KEY, user NOT NULL, item NOT NULL,
    kind TEXT NOT NULL, value REAL, time INTEGER NOT NULL)""",
    "CREATE INDEX event_of_user ON event (user, sequence)",
)
_SECONDS_PER_DAY: Final = 86_400


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

    def oldest(self) -> int:
        """Return the time of the oldest events that are kept now, in Unix seconds."""
        return int(time.time()) - self.max_age_days * _SECONDS_PER_DAY

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


class Row(NamedTuple):
    """An event and its place among all."""

    sequence: int
    event: Event


class EventTable:
    """A database of one table. One thread writes, one reads.

    Parameters
    ----------
    path : path
        It is made where there is none.
    settings : EventSettings

    Raises
    ------
    StorageError
        The file cannot be used: no place to write, no database, or of a later version.
    """

    def __init__(self, path: Path, settings: EventSettings) -> None:
        self._path, self._settings = path, settings
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = _open(path)
            try:
                self._prepare()
                self._reader = _open(path)
            except BaseException:
                self._writer.close()
                raise
        except (sqlite3.Error, OSError) as error:
            raise StorageError(
                f"{path}: expected a place where events can be kept, but {error}; choose "
                "another with --events, or move the file away"
            ) from None
        found = self._writer.execute("SELECT count(*), max(sequence) FROM event").fetchone()
        self.n_events, self.last_sequence = int(found[0]), int(found[1] or 0)

    def _prepare(self) -> None:
        (version,) = self._writer.execute("PRAGMA user_version").fetchone()
        if version > _FORMAT:
            raise StorageError(
                f"{self._path}: expected events of format {_FORMAT}, got format {version}, of a "
                "later version; update edgerec-device-runtime, or choose another file"
            )
        if version < _FORMAT:
            with self._writer:
                self._writer.execute("BEGIN IMMEDIATE")
                for statement in _SCHEMA:
                    self._writer.execute(statement)
                self._writer.execute(f"PRAGMA user_version = {_FORMAT}")

    def close(self) -> None:
        """Close the files."""
        self._reader.close()
        self._writer.close()

    def newest_of(self, user_id: int | str, n_events: int) -> list[Row]:
        """Return the newest events of a user, oldest first."""
        found = self._reader.execute(
            "SELECT sequence, user, item, kind, value, time FROM event WHERE user = ? "
            "ORDER BY sequence DESC LIMIT ?",
            (user_id, n_events),
        ).fetchall()
        return [Row(row[0], Event(*row[1:])) for row in reversed(found)]

    def insert(self, rows: Sequence[Row], *, with_old: bool) -> None:
        """Insert rows and delete what is beyond the bounds; the oldest by time `with_old`."""
        settings, n_deleted = self._settings, 0
        with self._writer as writer:
            writer.execute("BEGIN IMMEDIATE")
            writer.executemany(
                "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)",
                [(row.sequence, *row.event) for row in rows],
            )
            for user_id in dict.fromkeys(row.event.user_id for row in rows):
                n_deleted += writer.execute(
                    "DELETE FROM event WHERE user = ?1 AND sequence <= (SELECT sequence FROM event "
                    "WHERE user = ?1 ORDER BY sequence DESC LIMIT 1 OFFSET ?2)",
                    (user_id, settings.max_per_user),
                ).rowcount
            if with_old:
                n_deleted += writer.execute(
                    "DELETE FROM event WHERE time < ?", (settings.oldest(),)
                ).rowcount
            n_over = self.n_events + len(rows) - n_deleted - settings.max_events
            if n_over > 0:
                n_deleted += writer.execute(
                    "DELETE FROM event WHERE sequence IN "
                    "(SELECT sequence FROM event ORDER BY sequence LIMIT ?)",
                    (n_over,),
                ).rowcount
        self.n_events += len(rows) - n_deleted

    def erase(self, user_id: int | str) -> int:
        """Delete a user's rows and empty the log, so that no byte of them stays in the files.

        Raises
        ------
        StorageError
            Another process reads the log, so it still holds them.
        """
        with self._writer as writer:
            writer.execute("BEGIN IMMEDIATE")
            n_deleted = writer.execute("DELETE FROM event WHERE user = ?", (user_id,)).rowcount
        self.n_events -= n_deleted
        # What was deleted stands in the log too, until that is emptied.
        (busy, *_) = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StorageError(
                f"{self._path}: the log cannot be emptied while another process reads it; stop "
                "that one, and erase again"
            )
        return n_deleted

    def every(self) -> Iterator[Event]:
        """Yield all events, in the order they came."""
        with closing(_open(self._path)) as reader:
            for row in reader.execute(
                "SELECT user, item, kind, value, time FROM event ORDER BY sequence"
            ):
                yield Event(*row)


def _open(path: Path) -> sqlite3.Connection:
    # No implicit transactions, and used by one thread at a time, which is not always the same.
    connection = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    # Each commit waits for the disk: NORMAL would lose commits at a power cut.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    return connection
