"""Where requests are scored: in one thread of their own, or in the event loop. No HTTP."""

import asyncio
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from device_runtime.errors import BusyError
from device_runtime.http.connections import SlowClients
from device_runtime.http.stopping import InFlight

_Result = TypeVar("_Result")


class Inference:
    """Runs what scores, so that the event loop goes on turning; to be used in one event loop.

    One thread: a second large request at once would only make both slower on a device. ONNX Runtime
    lets other threads run Python while it computes, so that requests are read and answers written
    meanwhile.

    Parameters
    ----------
    max_waiting : int
        How many large requests may wait or be scored at a time. Among more requests than that no
        small one goes to the thread.
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

    def __init__(
        self, max_waiting: int, company: tuple[InFlight, SlowClients] | None = None
    ) -> None:
        self._most = max_waiting
        self._company = company
        self._n_large = 0
        # No executor: for each question that makes two futures and a lock, and a fifth of what a
        # request costs outside the graph.
        self._asked: SimpleQueue[Any] = SimpleQueue()
        self._worker = Thread(target=self._work, name="scorer", daemon=True)
        self._worker.start()

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
        if self._n_large >= self._most:
            raise BusyError(
                f"the server is busy: {self._n_large} large requests are waiting; send this one "
                "again in a second, or fewer candidates"
            )
        self._n_large += 1
        try:
            return await self._hand_over(question)
        finally:
            self._n_large -= 1

    async def score(self, question: Callable[[], _Result], *, large: bool) -> _Result:
        """Return what a question to the graph returns, asked in the thread where that is quicker.

        That is so for small ones too where other requests can be read and written meanwhile.
        Otherwise as `run`.
        """
        if not large and self._company is not None:
            requests, clients = self._company
            if requests.n_requests == 1 and clients.n_connections > 1:
                await asyncio.sleep(0)  # Those that have arrived with it begin.
            # Behind a large one it would wait. Among many the loop scores too, and so begins no
            # more of them meanwhile: the system keeps what comes, and none is one too many.
            few = min(self._most, requests.most - 1)
            if 1 < requests.n_requests <= few and not self._n_large:
                return await self._hand_over(question)
        return await self.run(question, large=large)

    def _hand_over(self, question: Callable[[], _Result]) -> asyncio.Future[_Result]:
        answered = asyncio.get_running_loop().create_future()
        self._asked.put((answered, question))
        return answered

    def _work(self) -> None:
        while (asked := self._asked.get()) is not None:
            _answer(*asked)
            del asked  # What it asks may be replaced before there is another question.

    def close(self) -> None:
        """Finish what waits for the thread, and end it."""
        self._asked.put(None)
        self._worker.join()


def _answer(answered: asyncio.Future[Any], question: Callable[[], Any]) -> None:
    settle = answered.set_result
    try:
        value = question()
    except BaseException as error:  # Whatever it is, who asked waits for it.
        settle, value = answered.set_exception, error
    answered.get_loop().call_soon_threadsafe(_settle, answered, settle, value)
    del answered, settle, value  # Errors know the frames they were raised in: a circle.


def _settle(answered: asyncio.Future[Any], settle: Callable[[Any], None], value: object) -> None:
    if not answered.done():  # Else who asked was cancelled.
        settle(value)
