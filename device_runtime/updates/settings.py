"""How new models are taken from a feed: frozen, validated, each with what it means."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from device_runtime.updates.signatures import PublicKey, read_public_key, require_cryptography

_URL: Final = re.compile(r"https?://[^\s/?#@]+(/[^\s?#@]*)?")


@dataclass(frozen=True)
class UpdateSettings:
    """Where new models come from, who signs them, and what they must keep to here.

    Raises
    ------
    ValueError
        A setting cannot be used; the sentence says which and what is expected.
    """

    feed: str
    """Address of the folder that `edgerec publish` wrote"""
    keys: tuple[PublicKey, ...]
    """Whose signatures are believed"""
    folder: str
    """Where models from the feed are kept, and which is served"""
    every_seconds: float = 3600.0
    """How long to wait from one look at the feed to the next; a fifth more or less, by chance"""
    longest_wait_seconds: float = 6 * 3600.0
    """The longest wait after failures in a row, each of which doubles it"""
    max_latency_ms: float = 500.0
    """Longest median time to rank 100 candidates with a full history"""
    max_memory_bytes: int | None = None
    """Most memory that the process may have with both models loaded; None: what its control group
    allows, where it has one"""
    max_model_bytes: int = 512 * 1024 * 1024
    """Largest file that is taken, whatever a manifest says"""
    reserve_bytes: int = 16 * 1024 * 1024
    """What a download leaves free on the disk"""
    quiet_seconds: float = 30.0
    """How long the feed may send nothing"""
    download_seconds: float = 3600.0
    """How long one file may take; what has come is kept, and the rest asked for the next time"""
    trial_answers: int = 1000
    """How many requests a new model must answer until it is accepted, …"""
    trial_seconds: float = 600.0
    """… or how long it must have served"""
    max_trial_starts: int = 5
    """How often the server may start with a model on trial before it goes back"""

    def __post_init__(self) -> None:
        if not _URL.fullmatch(self.feed):
            raise ValueError(
                "feed: expected an address like https://shop.example/feed, got "
                f"{re.sub('//[^/]*@', '//...@', self.feed)!r}; "
                "leave out names, passwords and what follows ? or #"
            )
        if not self.keys:
            raise ValueError(
                "feed_key: a feed is believed by its signature, so a public key is expected, got "
                "none; add --feed-key KEY, as edgerec publish printed it"
            )
        if not self.folder:
            raise ValueError(
                "feed_folder: expected a folder to keep models from the feed in, got none; add "
                "--feed-folder DIR"
            )
        for name in ("every_seconds", "max_latency_ms", "quiet_seconds", "download_seconds"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected more than 0, got {getattr(self, name)}")


def update_settings(
    feed: str | None,
    keys: Sequence[str],
    folder: str | None,
    minutes: int,
    max_latency: int,
    max_memory: int | None,
) -> UpdateSettings | None:
    """Return the settings that the options of the command line say; None: no feed is followed.

    Parameters
    ----------
    feed, folder : str or None
        ``--feed`` and ``--feed-folder``.
    keys : sequence of str
        ``--feed-key``: texts or files.
    minutes : int
        From one look at the feed to the next.
    max_latency : int
        Milliseconds.
    max_memory : int or None
        Megabytes.

    Raises
    ------
    ValueError
        One cannot be used, or the package that verifies signatures is not installed.
    """
    if feed is None:
        if keys or folder is not None:
            raise ValueError(
                "feed: expected an address, since --feed-key or --feed-folder is given, got none; "
                "add --feed URL"
            )
        return None
    require_cryptography()
    return UpdateSettings(
        feed=feed,
        keys=tuple(map(read_public_key, keys)),
        folder=folder or "",
        every_seconds=60.0 * minutes,
        max_latency_ms=float(max_latency),
        max_memory_bytes=None if max_memory is None else 1_000_000 * max_memory,
    )
