"""How the HTTP server is set up: frozen, validated, each with what it means."""

import re
from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache

from device_runtime.access import AccessSettings, is_of_this_device

# A colon, where a name or address ends and a port begins, is allowed in brackets only.
_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:/\s]*):(?P<port>[0-9]{1,5})", re.ASCII)
_ROUTE = re.compile(r"(/[A-Za-z0-9._~-]+)+", re.ASCII)
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(:[0-9]*)?", re.ASCII)
_WILDCARDS = ("", "0.0.0.0", "::")
_TAKEN_ROUTES = (
    "/livez",
    "/readyz",
    "/healthz",
    "/metrics",
    "/updates",
    "/openapi.json",
    "/docs",
    "/v2",
)


@dataclass(frozen=True)
class ServerSettings:
    """Where the server listens, who may talk to it, and how large a request may be.

    Raises
    ------
    ValueError
        A setting is out of its range; the sentence says which and what is expected.

    Examples
    --------
    >>> ServerSettings(port=8081).url
    'http://127.0.0.1:8081/api/v1/recommend'
    >>> ServerSettings(port=70000)
    Traceback (most recent call last):
    ...
    ValueError: port: expected 0 to 65535, got 70000; 0 lets the system choose
    """

    host: str = "127.0.0.1"
    """Address to listen on. The default is reachable from this device only."""
    port: int = 8080
    """Port to listen on; 0: the system chooses one."""
    route: str = "/api/v1/recommend"
    """Path of the one question that is answered."""
    allowed_hosts: tuple[str, ...] = ()
    """Names, besides localhost and `host`, that a Host header may have."""
    access: AccessSettings = field(default_factory=AccessSettings)
    """Token, encryption, and pages of other sites."""
    max_body_bytes: int = 1024 * 1024
    """Largest body of a request, after decompression; a larger one is answered with 413."""
    max_candidates: int = 10_000
    """Longest ``itemIdList``, and largest answer from the catalogue."""
    max_history: int = 10_000
    """Longest ``history``."""
    max_exclude: int = 10_000
    """Longest ``exclude``."""
    max_events: int = 1_000
    """Most events in one request."""
    max_batch: int = 100
    """Most requests in one list; all together they may have `max_candidates`."""
    max_requests: int = 64
    """Most requests that are answered at a time; one more is answered 503."""
    max_connections: int = 256
    """Most connections that are open; for one more, the one that waits longest is closed."""
    max_waiting: int = 16
    """Most large requests that wait for the thread that scores; one more is answered 503.
    Among more requests than that, small ones are scored without it."""
    inline_candidates: int = 1_000
    """Requests with up to this many candidates are small: one that is alone needs no thread."""
    inline_body_bytes: int = 64 * 1024
    """Bodies of up to this many bytes are read between two others, without a thread."""
    read_seconds: float = 30.0
    """How long a head may take to arrive, and then a body; a slower body is answered with 408."""
    idle_seconds: float = 75.0
    """How long a connection stays open after an answer, without another request."""
    shutdown_seconds: float = 30.0
    """How long requests that have begun may take to finish when the server is told to stop."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError(
                f"port: expected 0 to 65535, got {self.port}; 0 lets the system choose"
            )
        taken = self.route in _TAKEN_ROUTES or f"{self.route}/".startswith("/v2/")
        if not _ROUTE.fullmatch(self.route) or taken:
            raise ValueError(
                f"route: expected a path like /api/v1/recommend, got {self.route!r}; use letters, "
                f"digits and -._~ between slashes, and none of {', '.join(_TAKEN_ROUTES)}"
            )
        access = self.access
        if access.token is None and not access.no_token and not is_of_this_device(self.host):
            raise ValueError(
                f"token: {self.host!r} is reachable from other devices, so a token is expected, "
                "got none; set one (--token-file FILE), or say that everyone there may ask "
                "(--no-token)"
            )
        # One string would be taken for a tuple of letters.
        if type(self.allowed_hosts) is not tuple:
            raise ValueError(
                f"allowed_hosts: expected a tuple of names, got {self.allowed_hosts!r}; "
                "write (name,)"
            )
        for name in self.allowed_hosts:
            has_port = name.count(":") == 1
            if has_port or not re.fullmatch(r"[A-Za-z0-9._:-]+", name) or name in _WILDCARDS:
                raise ValueError(
                    f"allowed_hosts: expected a name or address without a port, got {name!r}; "
                    "pass what stands between http:// and the port"
                )
        for setting in fields(self):
            value = getattr(self, setting.name)
            if setting.type is int and setting.name != "port" and value < 1:
                raise ValueError(f"{setting.name}: expected 1 or more, got {value}")
        if self.max_connections < self.max_requests:
            raise ValueError(
                f"max_connections: expected {self.max_requests} or more, as many as max_requests, "
                f"got {self.max_connections}; a request has a connection of its own"
            )
        for name in ("read_seconds", "idle_seconds"):
            if not 0 < getattr(self, name) <= 3600:
                raise ValueError(
                    f"{name}: expected more than 0, up to 3600, got {getattr(self, name)}"
                )
        if not 0 <= self.shutdown_seconds <= 3600:
            raise ValueError(f"shutdown_seconds: expected 0 to 3600, got {self.shutdown_seconds}")

    @property
    def url(self) -> str:
        """Where a client on this device asks.

        Returns
        -------
        str
            With 127.0.0.1 where the server listens on every address.
        """
        host = "127.0.0.1" if self.is_everywhere else self.host
        scheme = "http" if self.access.certificate is None else "https"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}{self.route}"

    @property
    def is_everywhere(self) -> bool:
        """Whether the server listens on every address of this device."""
        return self.host in _WILDCARDS

    def admits(self, host: str) -> bool:
        """Say whether a Host header names this server.

        Parameters
        ----------
        host : str
            The header, with or without a port.

        Returns
        -------
        bool
            True for localhost, the address that is listened on, and the allowed names.

        Examples
        --------
        >>> ServerSettings().admits("localhost:8080"), ServerSettings().admits("example.org")
        (True, False)
        """
        return _name_in(host) in self._host_names

    @cached_property
    def _host_names(self) -> frozenset[str]:
        named = {"localhost", "127.0.0.1", "::1", self.host, *self.allowed_hosts}
        return frozenset(map(_plain, named - set(_WILDCARDS)))


@lru_cache(maxsize=8)  # A client sends the same one each time.
def _name_in(header: str) -> str | None:
    match = _HOST.fullmatch(header)
    return None if match is None else _plain(match[1])


def _plain(host: str) -> str:
    return host.strip("[]").lower().rstrip(".")


def parse_address(address: str) -> tuple[str, int]:
    """Return host and port of an address; without a host it is this device only.

    Parameters
    ----------
    address : str
        ``HOST:PORT`` or ``:PORT``; an IPv6 host stands in brackets.

    Returns
    -------
    tuple of str and int
        Host (without brackets) and port.

    Raises
    ------
    ValueError
        It has another form.

    Examples
    --------
    >>> parse_address(":8080")
    ('127.0.0.1', 8080)
    >>> parse_address("0.0.0.0:80")
    ('0.0.0.0', 80)
    >>> parse_address("[::1]:80")
    ('::1', 80)
    """
    match = _ADDRESS.fullmatch(address)
    if match is None or int(match["port"]) > 65535:
        raise ValueError(
            f"address: expected HOST:PORT or :PORT, got {address!r}; write :8080 for this device "
            "only, 0.0.0.0:8080 for every address"
        )
    # ":8080" means every address elsewhere; here it takes a decision to be reachable from outside.
    return match["host"].strip("[]") or "127.0.0.1", int(match["port"])
