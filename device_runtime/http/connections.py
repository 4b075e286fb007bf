"""Which connections stay open: what waits too long is closed, or gives its place. No HTTP."""

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Generic, Protocol, TypeVar

_LOOKS_PER_WAIT: Final = 4


class Connection(Protocol):
    """What a protocol of aiohttp is here."""

    @property
    def transport(self) -> asyncio.Transport | None:
        """None once it is closed."""


_Any = TypeVar("_Any")
_Protocol = TypeVar("_Protocol", bound=Connection)


class SlowClients:
    """Knows until when each connection may stay without a request that is being answered.

    aiohttp waits for ever for a head that never ends, and for a client that does not read.

    Parameters
    ----------
    head_seconds : float
        From opening a connection to the end of its first head.
    idle_seconds : float
        From an answer to the end of the next head; the answer must have been read by then.

    Examples
    --------
    >>> clients = SlowClients(head_seconds=30, idle_seconds=75)
    >>> clients.overdue(["a", "b"], now=0), clients.begin("b"), clients.overdue(["a", "b"], now=31)
    ([], None, ['a'])
    """

    def __init__(self, head_seconds: float, idle_seconds: float) -> None:
        self._head_seconds = head_seconds
        self._idle_seconds = idle_seconds
        self._until: dict[Any, float] = {}

    @property
    def n_connections(self) -> int:
        """How many had a request; those that are closed count until `overdue` is asked."""
        return len(self._until)

    def begin(self, connection: object) -> None:
        """Note that a request of a connection is being answered."""
        self._until[connection] = math.inf

    def end(self, connection: object) -> None:
        """Note that its answer has been handed over."""
        self._until[connection] = time.monotonic() + self._idle_seconds

    def overdue(self, connections: Iterable[_Any], now: float) -> list[_Any]:
        """Return those whose time is up; others than those given are forgotten."""
        known = self._until
        until = {one: known.get(one, now + self._head_seconds) for one in connections}
        self._until = until
        return [one for one, end in until.items() if end < now]

    def waits_longest(self, connections: Sequence[_Any]) -> _Any | None:
        """Return the one without a request whose time is up first; None: every one has one.

        Examples
        --------
        >>> clients = SlowClients(head_seconds=30, idle_seconds=75)
        >>> clients.begin("a"), clients.waits_longest(["a", "b", "c"]), clients.waits_longest(["a"])
        (None, 'b', None)
        """
        soon = time.monotonic() + self._head_seconds
        until = [self._until.get(one, soon) for one in connections]
        first = min(until, default=math.inf)
        return None if first == math.inf else connections[until.index(first)]

    async def watch(self, connections: Callable[[], Iterable[Connection]]) -> None:
        """Close what is overdue, until cancelled.

        Parameters
        ----------
        connections : callable
            Returns those that are open.
        """
        while True:
            await asyncio.sleep(self._head_seconds / _LOOKS_PER_WAIT)
            for connection in self.overdue(connections(), time.monotonic()):
                transport = connection.transport
                if transport is not None:
                    # Not close(): that would wait until what was written has been read.
                    transport.abort()


class Connections(Generic[_Protocol]):
    """Makes the protocol of each new connection, as ``loop.create_server`` asks for it.

    Parameters
    ----------
    protocol : callable
        Returns the protocol of a new connection.
    opened : callable
        Returns those that are open, in the order they were opened.
    clients : SlowClients
        Knows which of them wait for a request, and how long already.
    most : int
        How many may be open at a time, those whose TLS has only begun included. For one more, the
        connection is closed that has waited longest for a request; where every one has a request
        that is being answered, the new one is.
    """

    def __init__(
        self,
        protocol: Callable[[], _Protocol],
        opened: Callable[[], Sequence[_Protocol]],
        clients: SlowClients,
        most: int,
    ) -> None:
        self._protocol = protocol
        self._opened = opened
        self._clients = clients
        self._most = most
        self._beginning: dict[asyncio.Task[object], None] = {}

    def __call__(self) -> _Protocol:
        """Return the protocol of a connection that has just been accepted."""
        # asyncio asks in a task that ends when the connection is made, TLS and all. Where it does
        # not (Windows), those that are only beginning are not counted.
        task = asyncio.current_task()
        if task is not None:
            self._beginning[task] = None
            task.add_done_callback(self._beginning.pop)
        opened = [one for one in self._opened() if _is_open(one)]
        if len(opened) + len(self._beginning) > self._most:
            waiting = self._clients.waits_longest(opened)
            if waiting is not None and waiting.transport is not None:
                waiting.transport.abort()
            elif self._beginning:
                next(iter(self._beginning)).cancel()
        return self._protocol()


def _is_open(connection: Connection) -> bool:
    return connection.transport is not None and not connection.transport.is_closing()
