"""Stop a server without breaking what it has begun: signals, and requests in flight."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Iterator


class InFlight:
    """Counts the requests that have begun and not been answered.

    aiohttp alone would drop what a client is still sending when the server is told to stop.

    Parameters
    ----------
    most : int
        How many there may be.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.stopping = False
        self._n_requests = 0
        self._none = asyncio.Event()
        self._none.set()

    @property
    def n_requests(self) -> int:
        """How many have begun and not been answered."""
        return self._n_requests

    def begin(self) -> None:
        """Note that a request has begun."""
        self._n_requests += 1
        self._none.clear()

    def end(self) -> None:
        """Note that a request has been answered, or its client is gone."""
        self._n_requests -= 1
        if not self._n_requests:
            self._none.set()

    async def finish(self, seconds: float) -> None:
        """Wait until every request has been answered.

        Parameters
        ----------
        seconds : float
            After this long, what has not finished is left to be cancelled.
        """
        self.stopping = True
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._none.wait(), seconds)


@contextlib.contextmanager
def stop_signals(stop: asyncio.Event) -> Iterator[None]:
    """Set an event when the process is told to stop, and give the signals back afterwards.

    Off the main thread, where no signal arrives, this does nothing.

    Parameters
    ----------
    stop : asyncio.Event
        Of the running loop.

    Yields
    ------
    None
        While SIGTERM and SIGINT set the event.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()

    def note(*_: object) -> None:
        loop.call_soon_threadsafe(stop.set)

    # Not the loop's own handlers: Windows has none.
    previous = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
