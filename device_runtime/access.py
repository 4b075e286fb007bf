"""Who may ask: a bearer token, pages of other sites, and encryption. No HTTP library."""

import hmac
import ipaddress
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SHORTEST_TOKEN: Final = 16
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]+", re.ASCII)
_ORIGIN: Final = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?", re.ASCII)


@dataclass(frozen=True)
class AccessSettings:
    """What a client must bring.

    Raises
    ------
    ValueError
        A setting cannot be used; the sentence says which and what is expected.

    Examples
    --------
    >>> access = AccessSettings(token="correct-horse-battery")
    >>> access.admits("Bearer correct-horse-battery"), access.admits("Bearer another")
    (True, False)
    """

    token: str | None = None
    """What follows `Bearer` in the Authorization header of every request; None: nothing is asked.
    It is never printed"""
    no_token: bool = False
    """Whether a server that other devices reach may do without a token"""
    certificate: str | None = None
    """File of the certificate chain (PEM); with `private_key`, the server speaks TLS alone"""
    private_key: str | None = None
    """File of the certificate's private key (PEM)"""
    allowed_origins: tuple[str, ...] = ()
    """Origins (https://shop.example) whose pages may ask; the answers of other requests say
    nothing about origins"""

    def __repr__(self) -> str:
        token = "None" if self.token is None else "'…'"
        return (
            f"AccessSettings(token={token}, no_token={self.no_token}, "
            f"certificate={self.certificate!r}, allowed_origins={self.allowed_origins!r})"
        )

    def __post_init__(self) -> None:
        if self.token is not None and (
            len(self.token) < _SHORTEST_TOKEN or not _TOKEN.fullmatch(self.token)
        ):
            raise ValueError(
                f"token: expected {_SHORTEST_TOKEN} or more letters, digits and -._~+/= without "
                f"blanks, got another one of {len(self.token)} characters; make one with: "
                "python -c 'import secrets; print(secrets.token_urlsafe())'"
            )
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError(
                "certificate: expected two files, the certificate and its private key, got one; "
                "name both"
            )
        if type(self.allowed_origins) is not tuple:
            raise ValueError(
                f"allowed_origins: expected a tuple, got {self.allowed_origins!r}; write (origin,)"
            )
        for origin in self.allowed_origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    f"allowed_origins: expected an origin like https://shop.example, got "
                    f"{origin!r}; leave out the path, and name each origin by itself"
                )

    def admits(self, authorization: str | None) -> bool:
        """Say whether an Authorization header has the token; in time that does not tell how far."""
        if self.token is None:
            return True
        scheme, _, brought = (authorization or "").partition(" ")
        same = hmac.compare_digest(brought.strip().encode(), self.token.encode())
        return same and scheme.lower() == "bearer"

    def tls(self) -> ssl.SSLContext | None:
        """Return the context of a server that speaks TLS; None: it speaks plain HTTP.

        Raises
        ------
        ValueError
            The files cannot be read, or are not a certificate and its key.
        """
        if self.certificate is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate, self.private_key)
        except (OSError, ssl.SSLError) as error:
            reason = getattr(error, "reason", None) or error.strerror or str(error)
            raise ValueError(
                f"certificate: {self.certificate} and {self.private_key} cannot be used "
                f"({reason}); name a PEM file with the chain, and one with its key"
            ) from None
        return context


def read_token(path: str | Path) -> str:
    """Return the token that a file holds, without the end of its line.

    Raises
    ------
    ValueError
        The file cannot be read, or is no text.
    """
    try:
        return Path(path).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no ASCII text"
        raise ValueError(f"token: {path} cannot be read: {reason}; name another file") from None


def is_of_this_device(host: str) -> bool:
    """Say whether an address to listen on is reachable from this device alone.

    >>> [is_of_this_device(one) for one in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "")]
    [True, True, True, False, False]
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
