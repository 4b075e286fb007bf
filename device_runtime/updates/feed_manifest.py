"""What a feed says: which sequence is the newest, and which files it is made of. No HTTP.

The format is described in ``docs/updates.md``. A manifest is parsed after its signature was
verified; even so, no number in it is believed beyond a bound.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from device_runtime.errors import UpdateError, shown

FEED_VERSION: Final = 1
MAX_POINTER_BYTES: Final = 1024
MAX_FEED_MANIFEST_BYTES: Final = 64 * 1024
MAX_FILE_BYTES: Final = 1 << 31
MAX_SEQUENCE: Final = 2**53 - 1
_MAX_DELTAS: Final = 64
_PATH: Final = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)*[A-Za-z0-9_-][A-Za-z0-9._-]*")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class FeedFile:
    """A file of the feed: where it is, and what it must be."""

    path: str
    """Relative to the feed; parts of letters, digits and ``._-``, none of which begins with a dot.
    """
    n_bytes: int
    """How long it is."""
    sha256: str
    """64 lower-case hex digits."""

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class Delta:
    """The way from a file that a device may have to one of this sequence."""

    from_sha256: str
    """Of the file that it begins with."""
    file: FeedFile
    """The delta itself."""


@dataclass(frozen=True)
class Published:
    """A file of a model, and the shorter ways to it."""

    file: FeedFile
    """The whole file."""
    deltas: tuple[Delta, ...]
    """May be none."""


@dataclass(frozen=True)
class FeedManifest:
    """What one sequence consists of."""

    sequence: int
    """1 or more; a later one is larger."""
    graph: Published
    """``NAME.onnx``"""
    manifest: Published
    """``NAME.json``"""
    ids: Published | None = None
    """``NAME.ids``, where the manifest names one: the ids of the catalogue, which are hashed."""

    @property
    def files(self) -> tuple[Published, ...]:
        """All of them; the graph, which is the largest, last."""
        ids = () if self.ids is None else (self.ids,)
        return (self.manifest, *ids, self.graph)


def manifest_path(sequence: int) -> str:
    """Return where the manifest of a sequence is, relative to the feed."""
    return f"manifests/{sequence}.json"


def parse_pointer(content: bytes) -> int:
    """Return the sequence that ``latest.json`` names; unsigned, it only says where to look.

    Raises
    ------
    UpdateError
        It is something else.

    Examples
    --------
    >>> parse_pointer(b'{"sequence": 7}')
    7
    """
    return _sequence("latest.json", _object("latest.json", content))


def parse_feed_manifest(content: bytes, sequence: int) -> FeedManifest:
    """Return what a signed manifest says.

    Parameters
    ----------
    content : bytes
        JSON, whose signature has been verified.
    sequence : int
        What it was asked for by.

    Raises
    ------
    UpdateError
        It is of another version or sequence, or a key is not what is expected.
    """
    name = manifest_path(sequence)
    found = _object(name, content)
    version = found.get("feed_version")
    if version != FEED_VERSION:
        raise UpdateError(
            f"{name}: this runtime reads feed version {FEED_VERSION}, the feed has "
            f"{shown(version)}; install a runtime of its version"
        )
    if _sequence(name, found) != sequence:
        raise UpdateError(
            f"{name}: expected sequence {sequence}, got {shown(found['sequence'])}; the feed "
            "repeats an older manifest under a new name"
        )
    files = found.get("files")
    if not isinstance(files, dict):
        raise _wrong(name, "files", "an object", files)
    manifest = FeedManifest(
        sequence,
        _published(name, files, "graph"),
        _published(name, files, "manifest"),
        _published(name, files, "ids") if "ids" in files else None,
    )
    graph, beside = manifest.graph.file.name, manifest.manifest.file.name
    if not graph.endswith(".onnx") or beside != graph.removesuffix("onnx") + "json":
        raise _wrong(name, "files", "NAME.onnx and NAME.json", [graph, beside])
    if manifest.ids and manifest.ids.file.name != graph.removesuffix("onnx") + "ids":
        raise _wrong(name, "files", "NAME.onnx and NAME.ids", [graph, manifest.ids.file.name])
    return manifest


def _object(name: str, content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UpdateError(f"{name}: expected an object of JSON, got something else; publish again")
    return found


def _sequence(name: str, found: dict[str, Any]) -> int:
    sequence = found.get("sequence")
    if type(sequence) is not int or not 1 <= sequence <= MAX_SEQUENCE:
        raise _wrong(name, "sequence", "an integer of 1 or more", sequence)
    return sequence


def _published(name: str, files: dict[str, Any], key: str) -> Published:
    entry = files.get(key)
    file = _file(name, key, entry)
    deltas = files[key].get("deltas", [])
    if not isinstance(deltas, list) or len(deltas) > _MAX_DELTAS:
        raise _wrong(name, f"{key}.deltas", f"at most {_MAX_DELTAS} objects", deltas)
    return Published(
        file,
        tuple(
            Delta(_digest(name, key, one, "from_sha256"), _file(name, f"{key}.deltas", one))
            for one in deltas
        ),
    )


def _file(name: str, key: str, entry: Any) -> FeedFile:
    if not isinstance(entry, dict):
        raise _wrong(name, key, "an object", entry)
    path, n_bytes = entry.get("path"), entry.get("bytes")
    if not isinstance(path, str) or len(path) > 200 or not _PATH.fullmatch(path):
        raise _wrong(name, f"{key}.path", "a path inside the feed", path)
    if type(n_bytes) is not int or not 0 < n_bytes <= MAX_FILE_BYTES:
        raise _wrong(name, f"{key}.bytes", f"1 to {MAX_FILE_BYTES}", n_bytes)
    return FeedFile(path, n_bytes, _digest(name, key, entry, "sha256"))


def _digest(name: str, key: str, entry: Any, which: str) -> str:
    digest = entry.get(which) if isinstance(entry, dict) else entry
    if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
        raise _wrong(name, f"{key}.{which}", "64 lower-case hex digits", digest)
    return digest


def _wrong(name: str, key: str, expected: str, value: object) -> UpdateError:
    return UpdateError(f"{name}: {key}: expected {expected}, got {shown(value)}; publish again")
