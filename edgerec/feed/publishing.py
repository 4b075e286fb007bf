"""Writes a sequence into a feed: files first, the signed manifest then, and last where to look."""

import base64
import contextlib
import hashlib
import json
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edgerec.errors import ConfigurationError, StorageError
from edgerec.feed.delta import write_delta
from edgerec.feed.keys import SecretKey, key_number
from edgerec.files import replace_file, require_writable
from edgerec.progress import Progress, Silent
from edgerec.scoring import TableScorer

_FEED_VERSION: Final = 1
_KEY_ID: Final = slice(2, 10)
"""of the key, in a signature of minisign's"""
_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*\.onnx")
# A delta of more than this is left out: the whole file takes fewer steps.
_LARGEST_SHARE: Final = 0.5
_LARGEST_SEQUENCE: Final = 2**53 - 1


@dataclass(frozen=True)
class PublishedSequence:
    """What was written."""

    sequence: int
    """what devices know the model by; the next one is larger"""
    n_bytes: int
    """of its files"""
    deltas: dict[int, int]
    """bytes that a device with an earlier sequence takes instead, by that sequence"""


def publish(
    model: str | Path,
    feed: str | Path,
    key: SecretKey,
    *,
    n_kept: int = 3,
    at_least: int = 1,
    progress: Progress | None = None,
) -> PublishedSequence:
    """Add a model to a feed, after its audit and its golden requests.

    Interrupted at any moment, devices see the feed as it was before.

    Parameters
    ----------
    model : path
        NAME.onnx, with NAME.json beside it, and NAME.ids where the manifest names it. NAME.ort
        stays where it is: a device that takes a model from a feed reads NAME.onnx.
    feed : path
        The folder; it is made where it is missing.
    key : SecretKey
        Signs the manifest.
    n_kept : int
        How many earlier models stay, and have a delta to this one.
    at_least : int
        The sequence is not less than this: for a feed whose folder was lost.
    progress : Progress, optional
        Told of the stages.

    Raises
    ------
    device_runtime.errors.BundleError
        The model is damaged, or answers otherwise than at export.
    ConfigurationError
        Its name cannot stand in an address, or it is what the feed offers already.
    StorageError
        The folder cannot be written to.
    """
    progress = progress or Silent()
    path, folder = Path(model), Path(feed)
    progress.stage("golden requests")
    name = TableScorer(path).name
    if not _NAME.fullmatch(path.name):
        raise ConfigurationError(
            f"{path.name} is to stand in an address, but has other characters than letters, "
            "digits and ._-. Export the model under another name."
        )
    require_writable(folder / "latest.json")
    try:
        return _published(path, name, folder, key, n_kept, at_least, progress)
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(
            f"{folder} cannot be written ({error.strerror or error}); devices see the feed as it "
            "was. Free some space or name another folder, and publish again."
        ) from None


def _published(
    path: Path,
    name: str,
    folder: Path,
    key: SecretKey,
    n_kept: int,
    at_least: int,
    progress: Progress,
) -> PublishedSequence:
    files = _files(path, progress)
    latest = _latest(folder)
    if latest is not None and all(
        latest["files"].get(role, {}).get("sha256") == _digest(file) for role, file in files.items()
    ):
        raise ConfigurationError(
            f"{path} is what {folder} offers already, as sequence {latest['sequence']}. Publish "
            "another model, or none."
        )
    if latest is not None:
        _say_what_changed(folder, latest, name, key, progress)
    used = [*_sequences(folder)]
    sequence = max([at_least - 1, *used]) + 1
    if not 1 <= sequence <= _LARGEST_SEQUENCE:
        raise ConfigurationError(f"The sequence {sequence} is not from 1 to {_LARGEST_SEQUENCE}.")
    # Never the same number twice: two that publish at once would make the same folder.
    own = folder / "models" / str(sequence)
    own.mkdir(parents=True)
    entries: dict[str, dict[str, Any]] = {}
    for role, file in files.items():
        shutil.copyfile(file, own / file.name)
        entries[role] = {**_entry(folder, own / file.name), "deltas": []}
    earlier = sorted(used, reverse=True)[:n_kept]
    progress.stage("deltas")
    n_taken = {}
    for at, before in enumerate(earlier):
        taken = 0
        for role in files:
            taken += _add_delta(folder, before, sequence, role, entries[role])
        if taken < _n_bytes(entries):
            n_taken[before] = taken
        progress.advance(at + 1, len(earlier))
    manifest = {
        "feed_version": _FEED_VERSION,
        "sequence": sequence,
        "name": name,
        "files": entries,
    }
    content = (json.dumps(manifest, indent=1) + "\n").encode()
    comment = f"timestamp:{int(time.time())}\tfile:{sequence}.json\thashed"
    manifests = folder / "manifests"
    manifests.mkdir(exist_ok=True)
    replace_file(manifests / f"{sequence}.json", lambda to: to.write_bytes(content))
    signature = key.signature(content, comment).encode()
    replace_file(manifests / f"{sequence}.json.minisig", lambda to: to.write_bytes(signature))
    pointer = json.dumps({"sequence": sequence}).encode() + b"\n"
    replace_file(folder / "latest.json", lambda to: to.write_bytes(pointer))
    for old in used:
        if old not in earlier:
            shutil.rmtree(folder / "models" / str(old), ignore_errors=True)
    return PublishedSequence(sequence, _n_bytes(entries), n_taken)


def _say_what_changed(
    folder: Path, latest: dict[str, Any], name: str, key: SecretKey, progress: Progress
) -> None:
    """Say what devices that follow the feed would meet, and nobody is there to see."""
    before = latest.get("name")
    if before != name:
        progress.message(
            f"{folder} offered a model called {before}, and this one is called {name}: clients "
            f"that ask for a model by its name (/v2/models/{before}) find none. Export it as "
            f"{before}.onnx if there are such clients."
        )
    signature = folder / "manifests" / f"{latest['sequence']}.json.minisig"
    with contextlib.suppress(OSError, ValueError, IndexError):
        signer = base64.b64decode(signature.read_text("utf-8").splitlines()[1])[_KEY_ID]
        own = key.key_id
        if signer != own:
            progress.message(
                f"{folder} was signed with the key {key_number(signer)} until now, and "
                f"this is {key_number(own)}: devices that were told of that key alone "
                "(--feed-key) refuse it."
            )


def _files(path: Path, progress: Progress) -> dict[str, Path]:
    """Return what a device needs of a model, whose audit names whatever is missing, by role."""
    files = {"graph": path, "manifest": path.with_suffix(".json")}
    manifest = json.loads(files["manifest"].read_text("utf-8"))
    if "ids" in manifest:
        files["ids"] = path.with_suffix(".ids")
    if "mapped" in manifest:
        progress.message(
            f"{manifest['mapped']['file']} stays here: from a feed devices take {path.name}, and "
            "read it into memory instead of mapping it. Both answer alike."
        )
    return files


def _latest(folder: Path) -> dict[str, Any] | None:
    """Return the manifest that devices see now; None: the feed is new."""
    pointer = folder / "latest.json"
    if not pointer.exists():
        return None
    try:
        sequence = json.loads(pointer.read_text("utf-8"))["sequence"]
        manifest = json.loads((folder / "manifests" / f"{int(sequence)}.json").read_text("utf-8"))
        if {"graph", "manifest"} <= set(manifest["files"]):
            return dict(manifest)
    except (ValueError, KeyError, TypeError, FileNotFoundError):
        pass
    raise ConfigurationError(
        f"{folder} is expected to be a feed, but its latest.json leads to no manifest. Name "
        "another folder, or restore this one."
    )


def _sequences(folder: Path) -> Iterator[int]:
    """Yield every sequence that was begun, published or not."""
    named = {file.name.split(".")[0] for file in (folder / "manifests").glob("*.json*")}
    for name in named | {one.name for one in (folder / "models").glob("*")}:
        if name.isdecimal():
            yield int(name)


def _add_delta(folder: Path, before: int, sequence: int, role: str, entry: dict[str, Any]) -> int:
    """Write the delta from an earlier sequence, and return what a device with it takes."""
    whole = folder / entry["path"]
    (old, *others) = [*(folder / "models" / str(before)).glob(f"*{whole.suffix}"), None]
    if old is None or len(others) > 1:
        return int(entry["bytes"])
    if _digest(old) == entry["sha256"]:
        return 0
    delta = whole.with_name(f"from-{before}{whole.suffix}.delta")
    write_delta(old, whole, delta)
    if delta.stat().st_size > _LARGEST_SHARE * entry["bytes"]:
        delta.unlink()
        return int(entry["bytes"])
    made = {"from_sha256": _digest(old), **_entry(folder, delta)}
    entry["deltas"].append(made)
    return int(made["bytes"])


def _entry(folder: Path, file: Path) -> dict[str, Any]:
    return {
        "path": file.relative_to(folder).as_posix(),
        "bytes": file.stat().st_size,
        "sha256": _digest(file),
    }


def _n_bytes(entries: dict[str, dict[str, Any]]) -> int:
    return sum(entry["bytes"] for entry in entries.values())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
