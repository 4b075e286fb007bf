"""``python -m device_runtime MODEL.onnx``: audit a bundle, run its golden requests, serve it."""

import argparse
import asyncio
import contextlib
import gc
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from device_runtime.configuration import by_option, in_words, misspelt, parsed
from device_runtime.errors import BundleError, StorageError
from device_runtime.options import serve_parser, server_settings
from device_runtime.settings import ServerSettings

if TYPE_CHECKING:
    from device_runtime.scorer import Scorer
    from device_runtime.updates.settings import UpdateSettings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows the name of the command; None: the process's own.

    Returns
    -------
    int
        Exit code: 0, or 1 after one sentence on standard error.
    """
    if arguments is None:
        gc.disable()  # Until requests are accepted: what is imported and opened is no garbage.
    given = list(sys.argv[1:] if arguments is None else arguments)
    commands = {"doctor": _doctor, "events": _events}
    if given and given[0] in commands:
        try:
            commands[given[0]](given[1:])
        except (BundleError, StorageError) as error:
            return _fail(str(error))
        except BrokenPipeError:
            # Whoever reads, as `head` does, has enough. What is still to be written goes nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    parser, as_json = serve_parser(), False
    try:
        options = parsed(parser, given, os.environ)
        as_json = options.log_format == "json"
        if as_json:
            from device_runtime.logs import JsonFormatter

            handler = logging.StreamHandler()
            handler.setFormatter(JsonFormatter())
            logging.basicConfig(handlers=[handler], level=logging.WARNING)
        for sentence in misspelt(parser, os.environ):
            _say(logging.WARNING, sentence, as_json)
        settings = server_settings(options, os.environ)
        updates = None
        if options.feed is not None or options.feed_key or options.feed_folder is not None:
            from device_runtime.updates.settings import update_settings

            updates = update_settings(
                options.feed,
                options.feed_key,
                options.feed_folder,
                options.feed_minutes,
                options.feed_max_latency,
                options.feed_max_memory,
            )
        said = in_words(parser, options)
        _serve(options.model, settings, said, options.events, updates, arguments is None)
    except (BundleError, StorageError, ValueError) as error:
        return _fail(by_option(parser, str(error)), as_json)
    except OSError as error:
        return _fail(error.strerror or str(error), as_json)
    return 0


def _doctor(arguments: Sequence[str]) -> None:
    from device_runtime.doctor import examine

    parser = argparse.ArgumentParser(
        prog="edgerec-device doctor",
        description="Say what this machine is, whether the model fits, answers as it did where it "
        "was exported, and how long it takes.",
    )
    parser.add_argument("model", metavar="MODEL.onnx", help="with MODEL.json beside it")
    parser.add_argument("--events", metavar="PATH", help="where events are to be kept")
    options = parser.parse_args(arguments)
    for what, said in examine(options.model, options.events):
        print(f"{what:<16} {said}", flush=True)


def _events(arguments: Sequence[str]) -> None:
    from device_runtime.events.export import event_lines

    parser = argparse.ArgumentParser(
        prog="edgerec-device events",
        description="Write what users did as JSON lines, oldest first: user_id, item_id, event, "
        "value, timestamp. The server may go on meanwhile.",
    )
    parser.add_argument("path", metavar="PATH", help="as given to --events")
    options = parser.parse_args(arguments)
    for line in event_lines(options.path):
        print(line)


def _serve(
    path: str,
    settings: ServerSettings,
    options: str,
    events_path: str | None,
    updates: "UpdateSettings | None",
    own_process: bool,
) -> None:
    # Imported here, so that --help and a wrong option do not wait for them.
    from device_runtime.served import Served

    def ready(url: str) -> None:
        if not gc.isenabled():
            # What the start has made stays, and looking through it again would hold up answers.
            gc.freeze()
            gc.enable()
        everywhere = ""
        if settings.is_everywhere:
            everywhere = ", and on every other address of this device"
            if not settings.allowed_hosts:
                everywhere += ", by no name but localhost: add --allow-host NAME"
        print(f"serving {served.scorer.bundle.name} on {url}{everywhere}", flush=True)
        token = "" if settings.access.token is None else "; a token is asked for"
        print(f"settings: {options}{token}", flush=True)
        if events is not None:
            print(f"events in {events_path}: {events.settings.durability}", flush=True)
        if updater is not None:
            print(f"updates: {json.dumps(updater.status())}", flush=True)

    with contextlib.ExitStack() as opened:
        first = partial(_packaged, path)
        if updates is not None:
            from device_runtime.updates.start import first_scorer
            from device_runtime.updates.versions import VersionFolder

            versions = VersionFolder(updates.folder, updates.keys)
            opened.enter_context(versions.locked())
            first = partial(first_scorer, versions, path, updates.max_trial_starts)
        # A process that called `main` may be a client too. The environment is as it was again only
        # when no other thread may be reading it.
        spare = _without_certificates() if own_process else contextlib.nullcontext()
        with spare, ThreadPoolExecutor(1) as other:
            # ONNX Runtime opens the graph while this thread imports aiohttp.
            scorer = other.submit(first)
            from device_runtime.app import serve

            served = Served(scorer.result())
        updater = None
        if updates is not None:
            from device_runtime.updates.updater import Updater

            updater = Updater(updates, versions, served, path)
        events = None
        if events_path is not None:
            from device_runtime.events.store import EventStore

            events = opened.enter_context(EventStore(events_path))
        asyncio.run(serve(served, settings, events=events, updater=updater, ready=ready))


def _packaged(path: str) -> "Scorer":
    from device_runtime.scorer import Scorer

    scorer = Scorer.from_path(path)
    scorer.run_golden()
    return scorer


@contextlib.contextmanager
def _without_certificates() -> Iterator[None]:
    """Let aiohttp be imported without what it reads for a client: all certificates, twice.

    A server has no use for them, and the client of a feed reads them when it looks.
    """
    names = ("SSL_CERT_FILE", "SSL_CERT_DIR")
    before = {name: os.environ[name] for name in names if name in os.environ}
    os.environ.update(dict.fromkeys(names, os.devnull))
    try:
        yield
    finally:
        for name in names:
            del os.environ[name]
        os.environ.update(before)


def _fail(sentence: str, as_json: bool = False) -> int:
    _say(logging.ERROR, sentence, as_json)
    return 1


def _say(level: int, sentence: str, as_json: bool) -> None:
    if as_json:
        logging.getLogger("device_runtime").log(level, "%s", sentence)
    else:
        word = logging.getLevelName(level).lower()
        print(f"{word}: {sentence}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
