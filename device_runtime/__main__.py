"""``python -m device_runtime MODEL.onnx``: audit a bundle, run its golden requests, serve it."""

import argparse
import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import fields

from . import __version__
from .access import AccessSettings, read_token
from .configuration import parsed
from .errors import BundleError, StorageError
from .logs import JsonFormatter
from .settings import ServerSettings
from .update_settings import UpdateSettings, update_settings

_TOKEN_VARIABLE = "EDGEREC_TOKEN"
_EXAMPLE = """\
example:
  python -m device_runtime models/demo.onnx --port 8080
  curl -H 'Content-Type: application/json' http://127.0.0.1:8080/api/v1/recommend \\
       -d '{"userId": 108, "itemIdList": [1, 2, 39]}'

other commands:
  edgerec-device doctor MODEL.onnx   what is this machine, and does the model run well here
  edgerec-device events PATH         what users did, as JSON lines, for training
"""


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
    given = list(sys.argv[1:] if arguments is None else arguments)
    commands = {"doctor": _doctor, "events": _events}
    if given and given[0] in commands:
        try:
            commands[given[0]](given[1:])
        except (BundleError, StorageError) as error:
            return _fail(str(error))
        return 0
    try:
        options = parsed(_parser(), given, os.environ)
        if options.log_format == "json":
            handler = logging.StreamHandler()
            handler.setFormatter(JsonFormatter())
            logging.basicConfig(handlers=[handler], level=logging.WARNING)
        settings = ServerSettings(
            host=options.host,
            port=options.port,
            route=options.route,
            allowed_hosts=tuple(options.allow_host),
            access=_access(options),
        )
        updates = update_settings(
            options.feed,
            options.feed_key,
            options.feed_folder,
            options.feed_minutes,
            options.feed_max_latency,
            options.feed_max_memory,
        )
        _serve(options.model, settings, options.events, updates)
    except (BundleError, StorageError, ValueError) as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(error.strerror or str(error))
    return 0


def _doctor(arguments: Sequence[str]) -> None:
    from .doctor import examine

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
    from .event_export import event_lines

    parser = argparse.ArgumentParser(
        prog="edgerec-device events",
        description="Write what users did as JSON lines, oldest first: user_id, item_id, event, "
        "value, timestamp. The server may go on meanwhile.",
    )
    parser.add_argument("path", metavar="PATH", help="as given to --events")
    options = parser.parse_args(arguments)
    for line in event_lines(options.path):
        print(line)


def _access(options: argparse.Namespace) -> AccessSettings:
    token = os.environ.get(_TOKEN_VARIABLE)
    if options.token_file is not None:
        token = read_token(options.token_file)
    return AccessSettings(
        token=token or None,
        no_token=options.no_token,
        certificate=options.certificate,
        private_key=options.private_key,
        allowed_origins=tuple(options.allow_origin),
    )


def _serve(
    path: str, settings: ServerSettings, events_path: str | None, updates: UpdateSettings | None
) -> None:
    # Imported here, so that --help and a wrong option do not wait for them.
    from .app import serve
    from .events import EventStore
    from .scorer import Scorer
    from .served import Served

    def ready(url: str) -> None:
        print(f"serving {served.scorer.bundle.name} on {url}", flush=True)
        print(f"settings: {settings}", flush=True)
        if events is not None:
            print(f"events in {events_path}: {events.settings.durability}", flush=True)
        if updater is not None:
            print(f"updates: {updater.status()}", flush=True)

    with contextlib.ExitStack() as opened:
        updater = None
        if updates is None:
            scorer = Scorer.from_path(path)
            scorer.run_golden()
            served = Served(scorer)
        else:
            from .update_start import first_scorer
            from .updates import Updater
            from .versions import VersionFolder

            versions = VersionFolder(updates.folder, updates.keys)
            opened.enter_context(versions.locked())
            served = Served(first_scorer(versions, path, updates.max_trial_starts))
            updater = Updater(updates, versions, served, path)
        events = None
        if events_path is not None:
            events = opened.enter_context(EventStore(events_path))
        asyncio.run(serve(served, settings, events=events, updater=updater, ready=ready))


def _fail(sentence: str) -> int:
    print(f"error: {sentence}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    default = {each.name: each.default for each in fields(ServerSettings)}
    parser = argparse.ArgumentParser(
        prog="edgerec-device",
        description="Serve an edgeRec bundle over HTTP.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "model", metavar="MODEL.onnx", help="the graph; MODEL.json stands beside it"
    )
    parser.add_argument(
        "--host",
        default=default["host"],
        help="address to listen on (default %(default)s: this device only)",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=default["port"],
        help="port to listen on (default %(default)s; 0: a free one)",
    )
    parser.add_argument(
        "--route", default=default["route"], help="path of the question (default %(default)s)"
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="name besides localhost that clients may call this server by; may be repeated",
    )
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        help=f"file of the token that every request must bring; or {_TOKEN_VARIABLE} in the "
        "environment",
    )
    parser.add_argument(
        "--no-token",
        action="store_true",
        help="let everyone who reaches --host ask, where that is another address than localhost",
    )
    parser.add_argument("--certificate", metavar="FILE", help="certificate chain (PEM), for TLS")
    parser.add_argument("--private-key", metavar="FILE", help="its private key (PEM)")
    parser.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="origin whose pages may ask, like https://shop.example; may be repeated",
    )
    parser.add_argument(
        "--events",
        metavar="PATH",
        help="keep what users do in this file, so that it counts; without it, events are refused",
    )
    _add_feed_options(parser)
    parser.add_argument(
        "--log-format",
        choices=("text", "json"),
        default="text",
        help="of what goes to standard error (default %(default)s)",
    )
    parser.add_argument(
        "--config",
        metavar="FILE",
        help='TOML with these options by name (events = "events.db"); each may stand in the '
        "environment too (EDGEREC_EVENTS). The command line comes first, then the environment",
    )
    parser.add_argument("--version", action="version", version=__version__)
    return parser


def _add_feed_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--feed",
        metavar="URL",
        help="take new models from this folder of a web server, as edgerec publish wrote it",
    )
    parser.add_argument(
        "--feed-key",
        action="append",
        default=[],
        metavar="KEY",
        help="public key that the feed is signed by, or its file; may be repeated",
    )
    parser.add_argument(
        "--feed-folder", metavar="DIR", help="where models from the feed are kept on this device"
    )
    parser.add_argument(
        "--feed-minutes",
        type=int,
        default=60,
        metavar="N",
        help="from one look at the feed to the next (default %(default)s)",
    )
    parser.add_argument(
        "--feed-max-latency",
        type=int,
        default=500,
        metavar="MS",
        help="refuse a model that takes longer to rank 100 candidates (default %(default)s)",
    )
    parser.add_argument(
        "--feed-max-memory",
        type=int,
        metavar="MB",
        help="refuse a model with which this process would take more; by default the memory limit "
        "of its control group",
    )


if __name__ == "__main__":
    sys.exit(main())
