"""Keys and signatures are minisign's: its own are read, and ours are read by its program."""

import os
import shutil
import stat
import subprocess
import sys

import pytest

from device_runtime.errors import UpdateError
from device_runtime.updates.signatures import read_public_key, verify
from edgerec.errors import ConfigurationError, StorageError
from edgerec.feed import keys, new_key, read_secret_key

# Made by minisign 0.11: `minisign -G -W`, `minisign -S [-l] -t "sequence seven"` of "edgeRec\n".
PUBLIC = "RWQ9wnDz8pvPDfqjxh4wRqlIoMBtqIKgeQ4YOjCaO5+3Q/eD9ov17Sje"
SECRET = """untrusted comment: minisign encrypted secret key
RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAPcJw8/Kbzw1qIOdHqxFodTsixAFoe4ZA4Nlglr8IzW+CFTigDO4Lgvqjxh4wRqlIoMBtqIKgeQ4YOjCaO5+3Q/eD9ov17SjeAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
"""
MESSAGE = b"edgeRec\n"
HASHED = """untrusted comment: signature from minisign secret key
RUQ9wnDz8pvPDXmnVuDz28KV62LpD7mlNy/K5j732d4SmFI/dGB2Oz7/hOdmbl25sbwzGwER6bQ9Euo5mLXjRwFsMO/o832BIg8=
trusted comment: sequence seven
brn+5potbPb4yUx61oXmtGfKJ7fo3ysntbAu87kE8VgmdUMhCiXYZvWuQu2J4vftjeeHOXANY7C72dFnmGnXBQ==
"""
LEGACY = """untrusted comment: signature from minisign secret key
RWQ9wnDz8pvPDVH2kYu2MR5vlvKZ/sO0PoNvpRr2SCk2m/xvjpaM8XnZfjXneHThZFrD+32CAWvhv4Kw7xpn/QDKemmSShuiIgk=
trusted comment: sequence seven
zWsX6ESOWd3zX5J5EalL2iG7nd4Y4nlgoMVwJsHXG5dykHfyRRKBV7DBRcXDlk+hYNNQ5faa6xZvB8yE+qnODQ==
"""


def nobody() -> str:
    raise AssertionError("a password is asked for")


def test_its_signatures_are_verified():
    key = read_public_key(PUBLIC)
    for signature in (HASHED, LEGACY):
        assert verify("m", MESSAGE, signature.encode(), [key]) == "sequence seven"


def test_with_its_key_we_sign_as_it_does(tmp_path):
    (tmp_path / "key").write_text(SECRET)
    key = read_secret_key(tmp_path / "key", nobody)
    assert key.public_text == PUBLIC
    assert key.signature(MESSAGE, "sequence seven").splitlines()[1:] == HASHED.splitlines()[1:]
    assert "seed" not in repr(key)


@pytest.mark.parametrize(
    ("content", "signature", "sentence"),
    [
        (b"edgeRec", HASHED, "the signature is not of this content"),
        (b"edgeRec", LEGACY, "the signature is not of this content"),
        (MESSAGE, HASHED.replace("sequence seven", "sequence eight"), "is not of this content"),
        (MESSAGE, HASHED.replace("brn+5", "brn+6"), "the signature is not of this content"),
        (MESSAGE, HASHED.replace("RUQ9wnDz", "RUQ9wnDy"), "signed by the key 0DCF9BF2"),
        (MESSAGE, HASHED.replace("RUQ9", "RUx9"), "expected a signature of minisign"),
        (MESSAGE, HASHED.replace("trusted comment: s", "comment: s"), "expected a signature of"),
        (MESSAGE, "", "expected a signature of minisign"),
        (MESSAGE, HASHED + "x" * 5000, "expected a signature of minisign"),
    ],
)
def test_what_is_not_signed(content, signature, sentence):
    with pytest.raises(UpdateError, match=sentence):
        verify("m", content, signature.encode(), [read_public_key(PUBLIC)])


def test_a_public_key_is_its_text_or_its_file(tmp_path):
    key = new_key(tmp_path / "shop.key")
    assert read_public_key(str(tmp_path / "shop.pub")) == read_public_key(key.public_text)
    for wrong in ("", "RWQ", PUBLIC.replace("RWQ", "RWA")[:-4] + "!!!!", str(tmp_path), "none"):
        with pytest.raises(ValueError, match="feed-key: expected a public key of minisign"):
            read_public_key(wrong)


def test_a_new_key_is_for_its_owner_alone_and_replaces_none(tmp_path):
    made = new_key(tmp_path / "shop.key")
    assert read_secret_key(tmp_path / "shop.key", nobody) == made
    assert stat.S_IMODE((tmp_path / "shop.key").stat().st_mode) == 0o600
    with pytest.raises(ConfigurationError, match=r"shop\.key is there already"):
        new_key(tmp_path / "shop.key")
    assert new_key(tmp_path / "other.key").public_text != made.public_text


def test_a_password_keeps_it(tmp_path, monkeypatch):
    monkeypatch.setattr(keys, "_OPERATIONS", 1 << 19)
    monkeypatch.setattr(keys, "_MEMORY", 1 << 24)
    made = new_key(tmp_path / "shop.key", "correct horse")
    assert made.seed not in (tmp_path / "shop.key").read_bytes()
    assert read_secret_key(tmp_path / "shop.key", lambda: "correct horse") == made
    with pytest.raises(ConfigurationError, match="the password is another one"):
        read_secret_key(tmp_path / "shop.key", lambda: "wrong horse")


def test_what_is_no_key(tmp_path):
    new_key(tmp_path / "shop.key")
    with pytest.raises(ConfigurationError, match="expected to hold a secret key of minisign"):
        read_secret_key(tmp_path / "shop.pub", nobody)
    with pytest.raises(StorageError, match="cannot be read"):
        read_secret_key(tmp_path / "none.key", nobody)
    damaged = (tmp_path / "shop.key").read_text().splitlines()
    damaged[1] = damaged[1][:120] + "AAAA" + damaged[1][124:]
    (tmp_path / "shop.key").write_text("\n".join(damaged))
    with pytest.raises(ConfigurationError, match="since it is damaged"):
        read_secret_key(tmp_path / "shop.key", nobody)


def test_without_cryptography_it_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.ed25519", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'edgerec\[updates\]'"):
        new_key(tmp_path / "shop.key")


@pytest.mark.skipif(shutil.which("minisign") is None, reason="minisign is not installed")
def test_its_program_reads_our_keys_and_signatures(tmp_path, monkeypatch):
    monkeypatch.setattr(keys, "_OPERATIONS", 1 << 19)
    monkeypatch.setattr(keys, "_MEMORY", 1 << 24)
    (tmp_path / "message").write_bytes(MESSAGE)

    def minisign(*arguments, password=""):
        return subprocess.run(
            ["minisign", *arguments],
            cwd=tmp_path,
            input=password,
            text=True,
            capture_output=True,
            check=True,
            env={**os.environ, "LC_ALL": "C"},
        ).stdout

    for name, password in (("open", None), ("closed", "correct horse")):
        key = new_key(tmp_path / f"{name}.key", password)
        (tmp_path / "message.minisig").write_text(key.signature(MESSAGE, "sequence 7"))
        said = minisign("-V", "-p", f"{name}.pub", "-m", "message")
        assert "Trusted comment: sequence 7" in said
        minisign("-S", "-s", f"{name}.key", "-m", "message", password=f"{password}\n")
        signature = (tmp_path / "message.minisig").read_bytes()
        assert "message" in verify("m", MESSAGE, signature, [read_public_key(key.public_text)])
