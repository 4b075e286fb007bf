"""Tells systemd that the service is ready, alive or stopping (sd_notify(3)), where it asks."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Mapping


class Notifier:
    """Sends states to the socket that systemd names; without one it does nothing.

    Parameters
    ----------
    environment : mapping
        Where `NOTIFY_SOCKET` and `WATCHDOG_USEC` stand; usually `os.environ`.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        # A socket without a file has a name that begins with a zero byte, written as @.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        microseconds = environment.get("WATCHDOG_USEC", "")
        self._seconds = int(microseconds) / 1e6 if microseconds.isdecimal() else 0.0

    def send(self, state: str) -> None:
        """Send a state such as ``READY=1``; a systemd that is gone is no reason to stop."""
        if not self._address:
            return
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to,
        ):
            to.sendto(state.encode(), self._address)

    async def watch(self) -> None:
        """Send ``WATCHDOG=1`` twice as often as is asked, for as long as the event loop turns."""
        if not self._address or not self._seconds:
            return
        while True:
            self.send("WATCHDOG=1")
            await asyncio.sleep(self._seconds / 2)
