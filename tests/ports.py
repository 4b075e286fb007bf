"""Ports for servers that cannot choose one themselves."""

import random
import socket

__all__ = ["free_port"]

# Below the ports that systems hand out to clients and to who asks for any (from 32768 on Linux):
# none of those, in this process or beside it, can take a port before its server has started.
_PORTS = range(20_000, 32_000)
# Not the generator that tests seed: tests run in several processes, which must not draw alike.
_RANDOM = random.SystemRandom()


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    for port in _RANDOM.sample(_PORTS, 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"100 ports between {_PORTS[0]} and {_PORTS[-1]} are all taken")
