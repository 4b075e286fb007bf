"""Connections that hold a place and send or read nothing are closed in time. No HTTP library."""

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol, TypeVar

_LOOKS_PER_WAIT: Final = 4


class Connection(Protocol):
    """What a protocol of aiohttp is here."""

    @property
    def transport(self) -> asyncio.Transport | None:
        """None once it is closed."""


_Any = TypeVar("_Any")


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
