"""One look at the feed: what is new is fetched, verified and put on the disk, in this order."""

import asyncio
import errno
import logging
import shutil
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, Final

from device_runtime.bundle import Bundle
from device_runtime.durable import sync_file
from device_runtime.errors import BundleError, RefusedModelError, UnusableFileError, UpdateError
from device_runtime.updates.deltas import apply_delta
from device_runtime.updates.feed_client import FeedClient
from device_runtime.updates.feed_manifest import (
    MAX_FEED_MANIFEST_BYTES,
    MAX_POINTER_BYTES,
    FeedFile,
    FeedManifest,
    Published,
    manifest_path,
    parse_feed_manifest,
    parse_pointer,
)
from device_runtime.updates.settings import UpdateSettings
from device_runtime.updates.signatures import MAX_SIGNATURE_BYTES, verify
from device_runtime.updates.versions import VersionFolder, file_sha256

_log = logging.getLogger(__name__)
_POINTER: Final = "latest.json"


class UpdateRound:
    """Brings the newest model of a feed to the disk; nothing of it is served yet.

    Parameters
    ----------
    settings : UpdateSettings
        Bounds and keys.
    versions : VersionFolder
        What is there, and where it goes.
    worker : Executor
        One thread, in which everything happens that takes time.
    """

    def __init__(self, settings: UpdateSettings, versions: VersionFolder, worker: Executor) -> None:
        self._settings = settings
        self._versions = versions
        self._worker = worker
        self._etag: str | None = None
        self.n_received = 0
        """bytes that came, in all rounds"""

    async def new_version(self, running: Bundle) -> tuple[int, Bundle] | None:
        """Return a sequence that is to be tried, and its verified bundle; None: nothing is new.

        Parameters
        ----------
        running : Bundle
            What is served: deltas begin with its files.

        Raises
        ------
        RefusedModelError
            The newest is whole and is not what the format asks for; or it was refused before.
        UpdateError
            It cannot be had now.
        OSError
            The disk takes nothing.
        """
        async with FeedClient(self._settings, self._worker) as client:
            try:
                return await self._new_version(client, running)
            finally:
                self.n_received += client.n_received

    async def _new_version(self, client: FeedClient, running: Bundle) -> tuple[int, Bundle] | None:
        pointer = await client.small(_POINTER, MAX_POINTER_BYTES, self._etag)
        if pointer is None:
            return None
        sequence = parse_pointer(pointer.content)
        self._versions.require_not_older(sequence)
        state = self._versions.state
        if sequence == state.serving or sequence in state.refused:
            # Only what has been dealt with: a download that broke is to be asked about again.
            self._etag = pointer.etag
            return None
        manifest, content, signature = await self._signed(client, sequence)
        await self._run(self._versions.note_signed, sequence, content)
        try:
            return sequence, await self._run(self._versions.bundle, sequence)
        except (UpdateError, BundleError, OSError):
            pass  # Not there yet, or not whole.
        files = await self._fetch(client, manifest, running)
        await self._run(self._versions.install, sequence, content, signature, files)
        try:
            return sequence, await self._run(self._versions.bundle, sequence)
        except BundleError as error:
            raise RefusedModelError(str(error)) from None

    async def _signed(self, client: FeedClient, sequence: int) -> tuple[FeedManifest, bytes, bytes]:
        path = manifest_path(sequence)
        content = await client.small(path, MAX_FEED_MANIFEST_BYTES)
        signature = await client.small(f"{path}.minisig", MAX_SIGNATURE_BYTES)
        assert content is not None and signature is not None  # Nothing was asked by an ETag.
        verify(path, content.content, signature.content, self._settings.keys)
        manifest = parse_feed_manifest(content.content, sequence)
        for file in (one.file for one in manifest.files):
            if file.n_bytes > self._settings.max_model_bytes:
                raise UpdateError(
                    f"{file.path}: {file.n_bytes} bytes, and at most "
                    f"{self._settings.max_model_bytes} are taken"
                )
        return manifest, content.content, signature.content

    async def _fetch(
        self, client: FeedClient, manifest: FeedManifest, running: Bundle
    ) -> dict[str, Path]:
        there = {
            running.manifest["graph"]["sha256"]: running.onnx_path,
            await self._run(file_sha256, running.onnx_path.with_suffix(".json")): (
                running.onnx_path.with_suffix(".json")
            ),
        }
        if running.ids_path is not None:
            there[running.manifest["ids"]["sha256"]] = running.ids_path
        incoming = self._versions.incoming
        await self._run(_make_folder, incoming)
        wanted = manifest.files
        parts = {incoming / f"{one.file.sha256}.part" for one in wanted}
        deltas = {incoming / f"{d.file.sha256}.part" for one in wanted for d in one.deltas}
        await self._run(_keep_only, incoming, parts | deltas)
        self._require_room(sum(one.file.n_bytes for one in wanted), parts)
        files = {}
        for one in wanted:
            files[one.file.name] = await self._fetch_one(client, one, there)
        return files

    async def _fetch_one(
        self, client: FeedClient, published: Published, there: dict[str, Path]
    ) -> Path:
        """Bring one file to the disk: it is there already, by a delta, or whole."""
        file = published.file
        part = self._versions.incoming / f"{file.sha256}.part"
        if file.sha256 in there:
            await self._run(shutil.copyfile, there[file.sha256], part)
        for delta in published.deltas:
            if delta.from_sha256 not in there or part.exists() or delta.file.n_bytes > file.n_bytes:
                continue
            old = there[delta.from_sha256]
            try:
                changes = await self._downloaded(client, delta.file)
                made = part.with_suffix(".made")
                await self._run(apply_delta, old, changes, made, file.n_bytes, file.sha256)
                return made
            except UnusableFileError as error:
                _log.warning("%s", error)
        await self._downloaded(client, file)
        await self._run(sync_file, part)
        return part

    async def _downloaded(self, client: FeedClient, file: FeedFile) -> Path:
        part = self._versions.incoming / f"{file.sha256}.part"
        await client.download(file, part)
        return part

    def _require_room(self, n_bytes: int, parts: set[Path]) -> None:
        there = sum(part.stat().st_size for part in parts if part.exists())
        needed = n_bytes - there + self._settings.reserve_bytes
        free = shutil.disk_usage(self._versions.path).free
        if free < needed:
            raise OSError(
                errno.ENOSPC, f"{needed / 1e6:.0f} MB are needed and {free / 1e6:.0f} MB are free"
            )

    async def _run(self, call: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._worker, call, *arguments)


def _make_folder(path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True)


def _keep_only(folder: Path, kept: set[Path]) -> None:
    """Remove what was being downloaded of another sequence."""
    for path in folder.iterdir():
        if path not in kept:
            path.unlink()
