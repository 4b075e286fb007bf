"""Keys and signatures in the formats of minisign, so that its own program verifies what we sign.

The formats are those of https://jedisct1.github.io/minisign/. A key may be encrypted by a
password, with scrypt as libsodium sets it up. The only module that imports cryptography.
"""

import base64
import binascii
import hashlib
import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from edgerec.errors import ConfigurationError, StorageError
from edgerec.files import replace_file

_ALGORITHM: Final = b"Ed"
_HASHED: Final = b"ED"
_SCRYPT, _NO_PASSWORD = b"Sc", b"\0\0"
_CHECKSUM: Final = b"B2"
# Algorithm, derivation, checksum; salt, operations, memory; id, key, checksum of these.
_SECRET: Final = struct.Struct("<2s2s2s32sQQ104s")
# What minisign itself asks for: 1 GB of memory, about a second.
_OPERATIONS: Final = 1 << 25
_MEMORY: Final = 1 << 30
_MOST_MEMORY: Final = 1 << 31
_MISSING: Final = (
    "Signing needs the package cryptography, which is not installed. Install it: "
    "pip install 'edgerec[updates]'."
)


@dataclass(frozen=True)
class SecretKey:
    """A key to sign with; it is never printed."""

    key_id: bytes
    """8 bytes that stand in every signature"""
    public: bytes
    """32 bytes"""
    seed: bytes = field(repr=False)
    """32 bytes that nobody else may know"""

    @property
    def public_text(self) -> str:
        """What devices are given: 56 letters that begin with RW."""
        return base64.b64encode(_ALGORITHM + self.key_id + self.public).decode()

    def signature(self, content: bytes, comment: str) -> str:
        """Return the text of the file NAME.minisig for a file NAME with this content.

        Parameters
        ----------
        content : bytes
            What is signed, by its BLAKE2b-512.
        comment : str
            One line that is signed too.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        key = Ed25519PrivateKey.from_private_bytes(self.seed)
        signed = key.sign(hashlib.blake2b(content).digest())
        of_both = key.sign(signed + comment.encode())
        return (
            f"untrusted comment: signature from edgeRec, key {key_number(self.key_id)}\n"
            f"{base64.b64encode(_HASHED + self.key_id + signed).decode()}\n"
            f"trusted comment: {comment}\n"
            f"{base64.b64encode(of_both).decode()}\n"
        )


def new_key(path: str | Path, password: str | None = None) -> SecretKey:
    """Make a key, write it to `path`, and its public half beside it (NAME.pub).

    Parameters
    ----------
    path : path
        Must not be there yet.
    password : str, optional
        Encrypts the file; None: whoever reads the file can sign.

    Raises
    ------
    ConfigurationError
        The file is there, or cryptography is not.
    StorageError
        It cannot be written.
    """
    path = Path(path)
    public_path = path.with_suffix(".pub")
    for one in (path, public_path):
        if one.exists():
            raise ConfigurationError(
                f"{one} is there already, and a key that devices trust must not be lost. Name "
                "another file."
            )
    seed = secrets.token_bytes(32)
    key = SecretKey(secrets.token_bytes(8), _public(seed), seed)
    body = key.key_id + seed + key.public
    # As minisign does: what stands open needs no checksum to tell a wrong password by.
    body += bytes(32) if password is None else _checksum(body)
    salt, derivation = bytes(32), _NO_PASSWORD
    if password is not None:
        salt, derivation = secrets.token_bytes(32), _SCRYPT
        body = _mixed(body, password, salt, _OPERATIONS, _MEMORY)
    limits = (_OPERATIONS, _MEMORY) if password is not None else (0, 0)
    packed = _SECRET.pack(_ALGORITHM, derivation, _CHECKSUM, salt, *limits, body)
    kind = "minisign encrypted secret key" if password is not None else "minisign secret key"
    text = f"untrusted comment: {kind}\n{base64.b64encode(packed).decode()}\n"

    def write(temporary: Path) -> None:
        # Nobody else may read it, from its first byte on.
        temporary.touch(0o600, exist_ok=False)
        temporary.write_text(text, "ascii")

    replace_file(path, write)
    public = f"untrusted comment: minisign public key {key_number(key.key_id)}\n{key.public_text}\n"
    replace_file(public_path, lambda temporary: temporary.write_text(public, "ascii"))
    return key


def read_secret_key(path: str | Path, password: Callable[[], str]) -> SecretKey:
    """Return the key that a file of minisign, or of `new_key`, holds.

    Parameters
    ----------
    path : path
        The secret key.
    password : callable
        Asked only where the file is encrypted.

    Raises
    ------
    ConfigurationError
        The file is none of a secret key, or the password is another one.
    StorageError
        It cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            lines = file.read(4096).splitlines()
    except OSError as error:
        raise StorageError(
            f"The secret key {path} cannot be read ({error.strerror}). Name the file that "
            "edgerec publish --new-key wrote."
        ) from None
    try:
        packed = base64.b64decode(lines[1], validate=True)
        algorithm, derivation, checksum, salt, operations, memory, body = _SECRET.unpack(packed)
        readable = (algorithm, checksum) == (_ALGORITHM, _CHECKSUM)
        readable = readable and derivation in (_SCRYPT, _NO_PASSWORD)
    except (IndexError, binascii.Error, struct.error):
        readable = False
    if not readable:
        raise ConfigurationError(
            f"{path} is expected to hold a secret key of minisign, but holds something else. Name "
            "the file that edgerec publish --new-key wrote, not the .pub beside it."
        )
    if derivation == _SCRYPT:
        if not 0 < memory <= _MOST_MEMORY or not 0 < operations <= 1 << 32:
            raise ConfigurationError(
                f"{path} asks for more than 2 GB of memory to be decrypted. Make another key."
            )
        body = _mixed(body, password(), salt, operations, memory)
    key_id, seed, public = body[:8], body[8:40], body[40:72]
    mistaken = derivation == _SCRYPT and _checksum(body[:72]) != body[72:]
    if mistaken or _public(seed) != public:
        reason = "the password is another one" if derivation == _SCRYPT else "it is damaged"
        raise ConfigurationError(f"{path} cannot be used, since {reason}. Try again.")
    return SecretKey(key_id, public, seed)


def _public(seed: bytes) -> bytes:
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError:
        raise ConfigurationError(_MISSING) from None
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def _checksum(of_id_and_key: bytes) -> bytes:
    return hashlib.blake2b(_ALGORITHM + of_id_and_key, digest_size=32).digest()


def _mixed(body: bytes, password: str, salt: bytes, operations: int, memory: int) -> bytes:
    """Encrypt or decrypt the id, the key and their checksum."""
    cost, parallel = _scrypt_parameters(operations, memory)
    stream = hashlib.scrypt(
        password.encode(),
        salt=salt,
        n=cost,
        r=8,
        p=parallel,
        maxmem=_MOST_MEMORY - 1,
        dklen=len(body),
    )
    return bytes(a ^ b for a, b in zip(body, stream, strict=True))


def _scrypt_parameters(operations: int, memory: int) -> tuple[int, int]:
    """Return N and p, as libsodium's crypto_pwhash_scryptsalsa208sha256 chooses them (r is 8).

    >>> _scrypt_parameters(1 << 25, 1 << 30)
    (1048576, 1)
    """
    operations = max(operations, 1 << 15)
    if operations < memory // 32:
        largest, parallel = operations // 32, 1
        return 1 << max(1, (largest // 2).bit_length()), parallel
    cost = 1 << max(1, (memory // 1024 // 2).bit_length())
    return cost, min(operations // 4 // cost, 0x3FFFFFFF) // 8


def key_number(key_id: bytes) -> str:
    """Return a key's id as minisign writes it.

    >>> key_number(bytes(range(8)))
    '0706050403020100'
    """
    return key_id[::-1].hex().upper()
