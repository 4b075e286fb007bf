"""edgerec serve: answer over HTTP, as device_runtime does."""

import argparse

from edgerec.cli.commands import add_command
from edgerec.errors import ConfigurationError
from edgerec.serving import AccessSettings, read_token, start_http_api

_EXAMPLE = """\
  edgerec serve models/movielens.onnx --address :8080
  (on a device, where edgerec is not installed: python -m device_runtime models/movielens.onnx)"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = add_command(commands, "serve", _EXAMPLE)
    parser.add_argument("model", metavar="MODEL.onnx", help="the file, with its manifest beside it")
    parser.add_argument(
        "--address", default=":8080", help="[HOST]:PORT; :8080 is this machine only (default)"
    )
    parser.add_argument(
        "--route", default="/api/v1/recommend", help="path of the question (default %(default)s)"
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
        help="file of the token that every request must bring; an address that other devices "
        "reach needs one",
    )
    parser.add_argument(
        "--no-token", action="store_true", help="let everyone who reaches the address ask"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Serve until SIGTERM or Ctrl-C."""

    def ready(url: str) -> None:
        print(f"serving {options.model} on {url}", flush=True)

    try:
        start_http_api(
            options.model,
            options.route,
            options.address,
            allowed_hosts=options.allow_host,
            access=AccessSettings(
                token=None if options.token_file is None else read_token(options.token_file),
                no_token=options.no_token,
            ),
            ready=ready,
        )
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    except OSError as error:
        raise ConfigurationError(error.strerror or str(error)) from None
