"""A TCP relay that counts the bytes which a client and a server send each other."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_BUFFER = 65_536


@dataclass
class Counted:
    """What went through a relay."""

    port: int
    """Where a client connects to."""
    to_server: int = 0
    to_client: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def total(self) -> int:
        with self.lock:
            return self.to_server + self.to_client

    def add(self, n: int, *, to_client: bool) -> None:
        with self.lock:
            if to_client:
                self.to_client += n
            else:
                self.to_server += n


@contextmanager
def relay(port: int) -> Iterator[Counted]:
    """Pass on connections to `port` of this machine, counting what they carry."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        counted = Counted(listener.getsockname()[1])
        threading.Thread(target=_accept, args=(listener, port, counted), daemon=True).start()
        yield counted


def _accept(listener: socket.socket, port: int, counted: Counted) -> None:
    with suppress(OSError):  # the listener is closed at the end
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(("127.0.0.1", port))
            for source, target in ((client, server), (server, client)):
                arguments = (source, target, counted, source is server)
                threading.Thread(target=_pass_on, args=arguments, daemon=True).start()


def _pass_on(
    source: socket.socket, target: socket.socket, counted: Counted, to_client: bool
) -> None:
    with suppress(OSError):  # either side may hang up
        while data := source.recv(_BUFFER):
            counted.add(len(data), to_client=to_client)
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
