"""Where requests are scored: in one thread of their own, or in the event loop. No HTTP."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from .errors import BusyError
from .slow_clients import SlowClients
from .stopping import InFlight

_Result = TypeVar("_Result")


class Inference:
    """Runs what scores, so that the event loop goes on turning; to be used in one event loop.

    One thread: a second large request at once would only make both slower on a device. ONNX Runtime
    lets other threads run Python while it computes, so that requests are read and answers written
    meanwhile.

    Parameters
    ----------
    max_waiting : int
        How many large requests may wait or be scored at a time, and how many small ones.
    company : tuple of InFlight and SlowClients, optional
        The requests that are being answered, and their connections. Without them no small request
        goes to the thread.

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

    def __init__(self, max_waiting: int, company: tuple[InFlight, SlowClients] | None = None) -> None:
        self._most = max_waiting
        self._company = company
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="scorer")
        self._n_small = 0
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
            return await self._in_thread(question)
        finally:
            self.n_waiting -= 1

    async def score(self, question: Callable[[], _Result], *, large: bool) -> _Result:
        """Return what a question to the graph returns, asked in the thread where that is quicker.

        That is so for small ones too where other requests can be read and written meanwhile.
        Otherwise as `run`.
        """
        if large or not await self._in_company():
            return await self.run(question, large=large)
        self._n_small += 1
        try:
            return await self._in_thread(question)
        finally:
            self._n_small -= 1

    async def _in_company(self) -> bool:
        if self._company is None:
            return False
        requests, clients = self._company
        if requests.n_requests == 1 and clients.n_connections > 1:
            await asyncio.sleep(0)  # Those that have arrived with it begin.
        # Behind a large one it would wait. Where many wait, the loop scores too, and so begins no
        # more of them meanwhile: the system keeps what comes.
        return requests.n_requests > 1 and not self.n_waiting and self._n_small < self._most

    async def _in_thread(self, question: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._worker, question)

    def close(self) -> None:
        """Finish what is in the thread, and end it."""
        self._worker.shutdown()
