"""Puts events on the disk from a thread of its own, some time after they came. No HTTP."""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from device_runtime.errors import StorageError
from device_runtime.events.store import EventStore
from device_runtime.events.table import Event

_log = logging.getLogger(__name__)
# A disk that takes nothing is asked again after so long, then twice as long, up to a minute.
_FIRST_WAIT: Final = 1.0
_LONGEST_WAIT: Final = 60.0


class EventKeeper:
    """Adds events to a store and commits them in time; to be used in one event loop.

    Parameters
    ----------
    store : EventStore
        It is closed by whoever opened it, after `close`.
    """

    def __init__(self, store: EventStore) -> None:
        self.store = store
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="events")
        self._due: asyncio.TimerHandle | None = None
        self._under_way: asyncio.Task[None] | None = None
        self._wait = _FIRST_WAIT

    async def add(self, events: Sequence[Event]) -> None:
        """Take events. They are on the disk in time or, where that is promised, on return.

        Raises
        ------
        StorageError
            The disk takes nothing: they were refused, or are in memory alone.
        """
        self.store.add(events)
        seconds = self.store.settings.commit_seconds
        if not seconds:
            await self._run()
        elif self._due is None and self._under_way is None:
            self._due = asyncio.get_running_loop().call_later(seconds, self._begin)

    async def erase(self, user_id: int | str) -> int:
        """Erase a user; returns how many events there were.

        Raises
        ------
        StorageError
            Some of it may still be there.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._worker, self.store.erase, user_id)

    async def close(self) -> None:
        """Commit what is waiting, as well as the disk allows."""
        if self._due is not None:
            self._due.cancel()
        try:
            await self._run()
        except StorageError as error:
            _log.error("%s", error)
        self._worker.shutdown()

    def _begin(self) -> None:
        self._due = None
        self._under_way = asyncio.get_running_loop().create_task(self._commit())

    async def _commit(self) -> None:
        wait = self.store.settings.commit_seconds
        try:
            await self._run()
            self._wait = _FIRST_WAIT
        except StorageError as error:
            _log.error("%s", error)
            wait, self._wait = self._wait, min(2 * self._wait, _LONGEST_WAIT)
        self._under_way = None
        # What came while this was written.
        if self.store.n_waiting:
            self._due = asyncio.get_running_loop().call_later(wait, self._begin)

    async def _run(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._worker, self.store.commit)
