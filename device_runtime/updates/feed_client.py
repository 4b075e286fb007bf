"""Fetch files of a feed over HTTP, with a bound on everything: bytes, seconds, redirects."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, NamedTuple, Self

import aiohttp

from device_runtime import __version__
from device_runtime.errors import UnusableFileError, UpdateError, shown
from device_runtime.updates.feed_manifest import FeedFile
from device_runtime.updates.settings import UpdateSettings
from device_runtime.updates.versions import file_sha256

_CHUNK: Final = 1 << 16
_CONNECT_SECONDS: Final = 20.0
_SMALL_SECONDS: Final = 60.0
_MOST_REDIRECTS: Final = 3
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_HEADERS: Final = {
    # What is signed are the bytes of the file, and a small answer must not become a large one.
    "Accept-Encoding": "identity",
    "User-Agent": f"edgerec-device/{__version__}",
}


class Small(NamedTuple):
    """A small file, and what to ask by whether it has changed."""

    content: bytes
    etag: str | None


class FeedClient:
    """Asks the web server of a feed; an asynchronous context manager.

    Parameters
    ----------
    settings : UpdateSettings
        Says where the feed is, and the bounds.
    worker : concurrent.futures.Executor
        Where files are written and hashed, so that a slow disk holds up nobody's answer.
    """

    def __init__(self, settings: UpdateSettings, worker: Any) -> None:
        self._settings = settings
        self._worker = worker
        self.n_received = 0
        """bytes that came, of all files"""

    async def __aenter__(self) -> Self:
        seconds = self._settings.quiet_seconds
        # Read at each look, and let go after it: `__main__` starts without aiohttp's own.
        https = self._settings.feed.startswith("https:")
        trusted = await self._run(ssl.create_default_context) if https else True
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            connector=aiohttp.TCPConnector(ssl=trusted),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=_HEADERS,
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=min(seconds, _CONNECT_SECONDS), sock_read=seconds
            ),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def small(self, path: str, limit: int, etag: str | None = None) -> Small | None:
        """Return a file of at most `limit` bytes; None: it is the one that `etag` stands for.

        Raises
        ------
        UpdateError
            The feed does not answer, or answers something else or something longer.
        """
        headers = {"If-None-Match": etag} if etag is not None else {}
        async with self._answer(path, headers, _SMALL_SECONDS) as response:
            if response.status == 304 and etag is not None:
                return None
            if response.status != 200:
                raise _status(path, response.status)
            content = b""
            async for chunk in response.content.iter_chunked(limit + 1):
                content += chunk
                self.n_received += len(chunk)
                if len(content) > limit:
                    raise UpdateError(f"{path}: expected at most {limit} bytes, got more")
            return Small(content, response.headers.get("ETag"))

    async def download(self, file: FeedFile, part: Path) -> None:
        """Bring a file whole to `part`; what is there already is not asked for again.

        Parameters
        ----------
        file : FeedFile
            What was signed.
        part : Path
            What came before, if anything. It stays when the download breaks, and is removed when
            it turns out to be something else.

        Raises
        ------
        UnusableFileError
            The file is not there, or is not what was signed.
        UpdateError
            The download broke.
        OSError
            The disk takes nothing.
        """
        n_there = part.stat().st_size if part.exists() else 0
        if n_there > file.n_bytes:
            n_there = 0
        if n_there < file.n_bytes:
            await self._receive(file, part, n_there)
        if await self._run(file_sha256, part) != file.sha256:
            part.unlink()
            raise UnusableFileError(
                f"{file.path}: its hash is not the one that was signed, so it was altered on the "
                "way or in the feed; publish the model again"
            )

    async def _receive(self, file: FeedFile, part: Path, n_there: int) -> None:
        headers = {"Range": f"bytes={n_there}-"} if n_there else {}
        async with self._answer(file.path, headers, self._settings.download_seconds) as response:
            whole = response.headers.get("Content-Range")
            if response.status == 206 and n_there:
                if whole != f"bytes {n_there}-{file.n_bytes - 1}/{file.n_bytes}":
                    part.unlink()
                    raise UpdateError(f"{file.path}: another part came than was asked for")
            elif response.status == 200:
                n_there = 0
            else:
                if response.status == 416:
                    part.unlink(missing_ok=True)
                raise _status(file.path, response.status)
            n_bytes = n_there
            with part.open("ab" if n_there else "wb") as opened:
                async for chunk in response.content.iter_chunked(_CHUNK):
                    n_bytes += len(chunk)
                    self.n_received += len(chunk)
                    if n_bytes > file.n_bytes:
                        break
                    await self._run(_write, opened, chunk)
        if n_bytes > file.n_bytes:
            part.unlink()
            raise UnusableFileError(f"{file.path}: expected {file.n_bytes} bytes, got more")
        if n_bytes < file.n_bytes:
            raise UpdateError(
                f"{file.path}: ended after {n_bytes} of {file.n_bytes} bytes; it goes on there"
            )

    @contextlib.asynccontextmanager
    async def _answer(
        self, path: str, headers: dict[str, str], seconds: float
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask, follow redirects on the same origin alone, and make sentences of what fails."""
        try:
            async with asyncio.timeout(seconds), contextlib.AsyncExitStack() as opened:
                url = f"{self._settings.feed.rstrip('/')}/{path}"
                for _ in range(_MOST_REDIRECTS + 1):
                    response = await opened.enter_async_context(
                        self._session.get(url, headers=headers, allow_redirects=False)
                    )
                    if response.status not in _REDIRECTS:
                        break
                    url = _redirected(path, response)
                else:
                    raise UpdateError(f"{path}: more than {_MOST_REDIRECTS} redirects")
                if response.headers.get("Content-Encoding", "identity") != "identity":
                    raise UpdateError(f"{path}: comes compressed; have the server send it as it is")
                yield response
        except TimeoutError:
            raise UpdateError(f"{path}: the feed is too slow, or does not answer") from None
        except aiohttp.ClientError as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise UpdateError(f"{path}: the feed does not answer ({reason})") from None

    async def _run(self, call: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._worker, call, *arguments)


def _redirected(path: str, response: aiohttp.ClientResponse) -> str:
    try:
        url = response.url.join(type(response.url)(response.headers.get("Location", "")))
        same = url.origin() == response.url.origin()
    except ValueError:
        same = False
    if not same:
        raise UpdateError(
            f"{path}: the feed sends to {shown(response.headers.get('Location', ''))}, which is "
            "another server; only one on the same is followed, name the right address by --feed"
        )
    return str(url)


def _status(path: str, status: int) -> UpdateError:
    kind = UnusableFileError if 400 <= status < 500 else UpdateError
    return kind(f"{path}: the feed answers with status {status}")


def _write(file: BinaryIO, chunk: bytes) -> None:
    file.write(chunk)
