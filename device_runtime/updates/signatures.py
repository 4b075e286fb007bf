"""Verify signatures in the format of minisign: Ed25519, with a comment that is signed too.

The format is that of https://jedisct1.github.io/minisign/ (both kinds: ``Ed`` signs the file,
``ED`` its BLAKE2b-512). The only module that imports cryptography, and only when it is used.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from device_runtime.errors import UpdateError, shown

MAX_SIGNATURE_BYTES: Final = 4096
_LEGACY, _HASHED = b"Ed", b"ED"
_TRUSTED: Final = "trusted comment: "
_MISSING: Final = (
    "feed: its signatures are verified by the package cryptography, which is not installed here; "
    "install it (pip install 'edgerec-device-runtime[updates]'), or start without --feed"
)


@dataclass(frozen=True)
class PublicKey:
    """Whose signatures are believed."""

    key_id: bytes
    """8 bytes that a signature names its key by"""
    key: bytes
    """32 bytes"""


def read_public_key(text_or_path: str) -> PublicKey:
    """Return a key from its base64 text, or from the file that holds it.

    Raises
    ------
    ValueError
        It is neither; the sentence says what is expected.

    Examples
    --------
    >>> read_public_key("RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3").key_id.hex()
    '1fe8b442180f62e7'
    """
    text = text_or_path.strip()
    if not _decoded(text, 42):
        try:
            with Path(text_or_path).open(encoding="ascii") as file:
                text = (file.read(1000).splitlines() or [""])[-1].strip()
        except (OSError, UnicodeDecodeError):
            pass
    raw = _decoded(text, 42)
    if raw is None or raw[:2] != _LEGACY:
        raise ValueError(
            f"feed-key: expected a public key of minisign (56 letters that begin with RW) or the "
            f"file that holds one, got {shown(text_or_path)}; edgerec publish --new-key makes one"
        )
    return PublicKey(raw[2:10], raw[10:])


def require_cryptography() -> None:
    """Refuse, by a sentence, to go on without the package that verifies.

    Raises
    ------
    ValueError
        It is not installed.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: F401
    except ImportError:
        raise ValueError(_MISSING) from None


def verify(name: str, content: bytes, signature: bytes, keys: Sequence[PublicKey]) -> str:
    """Return the comment that was signed with `content`.

    Parameters
    ----------
    name : str
        Of the file, for messages.
    content : bytes
        Of the file.
    signature : bytes
        Of the file ``NAME.minisig`` beside it.
    keys : sequence of PublicKey
        Any of them may have signed.

    Raises
    ------
    UpdateError
        The signature has another form, is of another key, or not of this content.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    raw, comment, of_both = _parts(name, signature)
    kind, key_id, signed = raw[:2], raw[2:10], raw[10:]
    key = next((one for one in keys if one.key_id == key_id), None)
    if key is None:
        raise UpdateError(
            f"{name}: signed by the key {key_id[::-1].hex().upper()}, which is not the one given "
            "by --feed-key; publish with the key that belongs to it"
        )
    message = content if kind == _LEGACY else hashlib.blake2b(content).digest()
    public = Ed25519PublicKey.from_public_bytes(key.key)
    try:
        public.verify(signed, message)
        public.verify(of_both, signed + comment.encode())
    except InvalidSignature:
        raise UpdateError(
            f"{name}: the signature is not of this content; the file was altered or cut, publish "
            "it again"
        ) from None
    return comment


def _parts(name: str, signature: bytes) -> tuple[bytes, str, bytes]:
    """Return kind, key and signature (74 bytes), the trusted comment, and the signature of both."""
    try:
        lines = signature.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        lines = []
    if len(signature) <= MAX_SIGNATURE_BYTES and len(lines) == 4 and lines[2].startswith(_TRUSTED):
        raw, of_both = _decoded(lines[1], 74), _decoded(lines[3], 64)
        if raw is not None and of_both is not None and raw[:2] in (_LEGACY, _HASHED):
            return raw, lines[2][len(_TRUSTED) :], of_both
    raise UpdateError(f"{name}.minisig: expected a signature of minisign, got another file")


def _decoded(text: str, n_bytes: int) -> bytes | None:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if len(raw) == n_bytes else None
