"""The command line that serves a model, and the settings that follow from it."""

import argparse
from collections.abc import Mapping
from dataclasses import fields

from device_runtime import __version__
from device_runtime.access import AccessSettings, read_token
from device_runtime.settings import ServerSettings

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

_LIMITS = {
    "max_body_bytes": "largest body of a request",
    "max_candidates": "longest itemIdList, and most items of the catalogue in an answer",
    "max_history": "longest history",
    "max_exclude": "longest exclude",
    "max_events": "most events in one request",
    "max_batch": "most requests in one list",
    "max_requests": "most requests that are answered at a time",
    "max_connections": "most open connections; for one more, the one that waits longest is closed",
    "max_waiting": "most large requests that wait to be scored",
    "inline_candidates": "requests of up to so many candidates are small",
    "inline_body_bytes": "bodies of up to so many bytes are read without a thread",
    "read_seconds": "how long a head may take to arrive, and then a body",
    "idle_seconds": "how long a connection may be without a request",
    "shutdown_seconds": "how long requests may take to finish when the server is stopped",
}


def server_settings(options: argparse.Namespace, environment: Mapping[str, str]) -> ServerSettings:
    """Return the settings of a server from its options, and the token from the environment.

    Parameters
    ----------
    options : argparse.Namespace
        What `serve_parser` made of a command line.
    environment : mapping of str to str
        Usually ``os.environ``.

    Raises
    ------
    ValueError
        One is out of its range, or the file of the token cannot be used.
    """
    token = environment.get(_TOKEN_VARIABLE)
    if options.token_file is not None:
        token = read_token(options.token_file)
    access = AccessSettings(
        token=token or None,
        no_token=options.no_token,
        certificate=options.certificate,
        private_key=options.private_key,
        allowed_origins=tuple(options.allow_origin),
    )
    return ServerSettings(
        host=options.host,
        port=options.port,
        route=options.route,
        allowed_hosts=tuple(options.allow_host),
        access=access,
        **{name: getattr(options, name) for name in _LIMITS},
    )


def serve_parser() -> argparse.ArgumentParser:
    """Return what parses the command line that serves a model."""
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
    limits = parser.add_argument_group("limits")
    for name, what in _LIMITS.items():
        limits.add_argument(
            f"--{name.replace('_', '-')}",
            type=type(default[name]),
            default=default[name],
            metavar="N",
            help=f"{what} (default %(default)s)",
        )
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
