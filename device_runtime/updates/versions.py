"""The folder of models that came from a feed: each verified before it is used, one named to serve.

    state.json          which is served, which was before, and the floor (`state`)
    versions/7/         a model as it was signed: NAME.onnx, NAME.json, feed.json, feed.json.minisig
    incoming/           what is being downloaded

A version appears whole: it is put together in ``versions/7.new``, whose files are on the disk
before it gets its name.
"""

import contextlib
import hashlib
import logging
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Final

from device_runtime.bundle import Bundle, read_bundle
from device_runtime.durable import sync_folder, synced_file
from device_runtime.errors import BundleError, StorageError, UpdateError
from device_runtime.updates.feed_manifest import (
    MAX_FEED_MANIFEST_BYTES,
    FeedManifest,
    parse_feed_manifest,
)
from device_runtime.updates.signatures import MAX_SIGNATURE_BYTES, PublicKey, verify
from device_runtime.updates.state import PACKAGE, UpdateState, read_state, write_state

_log = logging.getLogger(__name__)
_SIGNED: Final = "feed.json"


class VersionFolder:
    """Models from a feed on this device's disk; used by one thread at a time.

    Parameters
    ----------
    path : path
        The folder; it is made where it is missing, if the disk allows.
    keys : sequence of PublicKey
        Whose signatures are believed, now and of what is there already.
    """

    def __init__(self, path: str | Path, keys: Sequence[PublicKey]) -> None:
        self.path = Path(path)
        self._keys = keys
        self._versions = self.path / "versions"
        self.incoming = self.path / "incoming"
        self.state = self._first_state()

    def _first_state(self) -> UpdateState:
        try:
            found = read_state(self.path / "state.json")
        except OSError as error:
            raise StorageError(
                f"{self.path}: cannot be read ({error.strerror}); name another --feed-folder, or "
                "make it readable"
            ) from None
        if found is not None:
            return found
        # Lost: the newest that is whole and signed. What it says of itself is the floor.
        for sequence in sorted(self._present(), reverse=True):
            try:
                self.bundle(sequence)
            except (UpdateError, BundleError, OSError):
                continue
            _log.warning("%s: no state.json is there; sequence %d is", self.path, sequence)
            return UpdateState(serving=sequence, floor=sequence)
        return UpdateState()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out; on a disk that takes nothing, nobody can write anyway.

        Raises
        ------
        StorageError
            Another process has the folder.
        """
        file: IO[bytes] | None = None
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            file = (self.path / "lock").open("ab")
        except OSError as error:
            _log.warning("%s: cannot be written (%s); no update is taken", self.path, error)
        with contextlib.ExitStack() as opened:
            if file is not None:
                opened.enter_context(file)
                _lock(file, self.path)
            yield

    def _present(self) -> list[int]:
        try:
            return [int(one.name) for one in self._versions.iterdir() if one.name.isdecimal()]
        except OSError:
            return []

    def bundle(self, sequence: int) -> Bundle:
        """Return a version after its signature, its sizes and its hashes were checked.

        Raises
        ------
        UpdateError, BundleError, OSError
            It is not there, or not as it was signed.
        """
        manifest = self.signed_manifest(sequence)
        folder = self._versions / str(sequence)
        beside = manifest.manifest.file
        path = folder / beside.name
        if path.stat().st_size != beside.n_bytes or file_sha256(path) != beside.sha256:
            raise UpdateError(f"{path}: is not the file that was signed; it is taken again")
        bundle = read_bundle(folder / manifest.graph.file.name)
        stated = bundle.manifest["graph"]
        graph = manifest.graph.file
        if (stated["bytes"], stated["sha256"]) != (graph.n_bytes, graph.sha256):
            raise UpdateError(f"{bundle.onnx_path}: is not the file that was signed")
        return bundle

    def signed_manifest(self, sequence: int) -> FeedManifest:
        """Return the manifest of a version after its signature was checked.

        Raises
        ------
        UpdateError, OSError
            It is not there, or its signature is another one.
        """
        path = self._versions / str(sequence) / _SIGNED
        with path.open("rb") as file:
            content = file.read(MAX_FEED_MANIFEST_BYTES)
        with path.with_name(f"{_SIGNED}.minisig").open("rb") as file:
            signature = file.read(MAX_SIGNATURE_BYTES)
        verify(str(path), content, signature, self._keys)
        return parse_feed_manifest(content, sequence)

    def note_signed(self, sequence: int, content: bytes) -> None:
        """Raise the floor to a sequence whose manifest is signed.

        Raises
        ------
        UpdateError
            It is below the floor, or another manifest of this sequence was signed before.
        OSError
            The disk takes nothing.
        """
        digest = hashlib.sha256(content).hexdigest()
        self.require_not_older(sequence)
        if sequence > self.state.floor:
            self._save(replace(self.state, floor=sequence, floor_sha256=digest))
        elif self.state.floor_sha256 not in ("", digest):
            raise UpdateError(
                f"sequence {sequence}: two manifests of it are signed; publish the model again"
            )

    def require_not_older(self, sequence: int) -> None:
        """Refuse a sequence below the floor.

        Raises
        ------
        UpdateError
            It is.
        """
        if sequence < self.state.floor:
            raise UpdateError(
                f"the feed offers sequence {sequence}, but {self.state.floor} was signed before; "
                "an older model is not taken, publish it again to go back to it"
            )

    def install(
        self, sequence: int, content: bytes, signature: bytes, files: dict[str, Path]
    ) -> None:
        """Put a version together from downloaded files, which are on the disk already.

        Parameters
        ----------
        sequence : int
            Of the version.
        content, signature : bytes
            Of the signed manifest.
        files : dict of str to Path
            By the names that they get.

        Raises
        ------
        OSError
            The disk takes nothing.
        """
        final = self._versions / str(sequence)
        folder = final.with_name(f"{sequence}.new")
        for stale in (folder, final):
            shutil.rmtree(stale, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, source in files.items():
            source.replace(folder / name)
        for name, written in ((_SIGNED, content), (f"{_SIGNED}.minisig", signature)):
            with synced_file(folder / name) as file:
                file.write(written)
        sync_folder(folder)
        folder.rename(final)
        sync_folder(self._versions)
        sync_folder(self.path)

    def serve(self, sequence: int) -> None:
        """Name the version that is served from now on, on trial; the one served is the previous.

        Raises
        ------
        OSError
            The disk takes nothing; nothing has changed.
        """
        state = self.state
        self._save(
            replace(state, serving=sequence, previous=state.serving, on_trial=True, starts=0)
        )

    def note_start(self, sequence: int) -> None:
        """Note that a version is served after a start; another than was to be: it is named so."""
        state = self.state
        if sequence != state.serving:
            self._try_to_save(replace(state, serving=sequence, previous=PACKAGE, on_trial=False))
        elif state.on_trial:
            self._try_to_save(replace(state, starts=state.starts + 1))

    def accept(self) -> None:
        """End the trial of the version that is served."""
        self._try_to_save(replace(self.state, on_trial=False, starts=0))

    def go_back(self, reason: str) -> None:
        """Name the previous version, and never try the one that is served again."""
        state = self.state.refuse(self.state.serving, reason)
        self._try_to_save(
            replace(state, serving=state.previous, previous=PACKAGE, on_trial=False, starts=0)
        )
        self.tidy()

    def refuse(self, sequence: int, reason: str) -> None:
        """Never try a version again; it has not been served."""
        self._try_to_save(self.state.refuse(sequence, reason))
        self.tidy()

    def tidy(self) -> None:
        """Remove what is neither served nor gone back to, and what was downloaded."""
        kept = {str(self.state.serving), str(self.state.previous)}
        with contextlib.suppress(OSError):
            for one in list(self._versions.iterdir()):
                if one.name not in kept:
                    shutil.rmtree(one, ignore_errors=True)
        shutil.rmtree(self.incoming, ignore_errors=True)

    def _save(self, state: UpdateState) -> None:
        write_state(self.path / "state.json", state)
        self.state = state

    def _try_to_save(self, state: UpdateState) -> None:
        """Save what holds in this process even where the disk takes nothing."""
        self.state = state
        try:
            write_state(self.path / "state.json", state)
        except OSError as error:
            _log.error("%s: cannot be written (%s)", self.path, error.strerror)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _lock(file: IO[bytes], path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise StorageError(
            f"{path}: another process keeps its models there; name another --feed-folder, or stop "
            "that process"
        ) from None
