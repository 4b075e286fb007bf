"""Where requests are scored: small ones at once, large ones in one thread of their own. No HTTP."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from .errors import BusyError

_Result = TypeVar("_Result")


class Inference:
    """Runs what scores, so that the event loop goes on turning; to be used in one event loop.

    One thread: a second large request at once would only make both slower on a device.

    Parameters
    ----------
    max_waiting : int
        How many large requests may wait or be scored at a time.

    Examples
    --------
    >>> async def ask() -> int:
    ...     inference = Inference(max_waiting=2)
    ...     try:
    ...         return await inference.run(lambda: 7, large=True)
    ...     finally:
    ...         inference.close()
    >>> asyncio.run(ask())
    7
    """

    def __init__(self, max_waiting: int) -> None:
        self._most = max_waiting
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="scorer")
        self.n_waiting = 0
        """large requests that wait for the thread, or are in it"""

    async def run(self, question: Callable[[], _Result], *, large: bool) -> _Result:
        """Return what a question returns, asked in the thread where it is large.

        Parameters
        ----------
        question : callable
            Without arguments.
        large : bool
            Whether it takes so long that others would notice.

        Raises
        ------
        BusyError
            So many large requests wait already that this one is not taken.
        """
        if not large:
            return question()
        if self.n_waiting >= self._most:
            raise BusyError(
                f"the server is busy: {self.n_waiting} large requests are waiting; send this one "
                "again in a second, or fewer candidates"
            )
        self.n_waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, question)
        finally:
            self.n_waiting -= 1

    def close(self) -> None:
        """Finish what is in the thread, and end it."""
        self._worker.shutdown()
