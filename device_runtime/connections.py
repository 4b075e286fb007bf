"""Bounds how many connections are open: a new one takes the place of what waits the longest."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from .slow_clients import Connection, SlowClients

_Protocol = TypeVar("_Protocol", bound=Connection)


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
