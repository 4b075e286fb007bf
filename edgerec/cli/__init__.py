"""The command line: translates, prints, and decides nothing. The only place that prints."""

import argparse
import sys
from collections.abc import Sequence

from edgerec.cli import (
    add_items,
    demo,
    embed,
    evaluate,
    export,
    init,
    publish,
    report,
    serve,
    similar,
    split,
    train,
    tune,
    verify,
)
from edgerec.cli.any_order import AnyOrder
from edgerec.errors import EdgeRecError
from edgerec.scoring import BundleError
from edgerec.version import __version__

__all__ = ["main", "parser"]

_COMMANDS = (
    *(init, split, tune, embed, train, evaluate, report),
    *(export, add_items, verify, publish, serve, similar, demo),
)
_INTERRUPTED = 130
# What a command keeps that says nothing of it itself.
_GOES_ON = {"tune": "; finished trials are kept, and the same command goes on from there"}


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    whole = argparse.ArgumentParser(
        prog="edgerec",
        description="Train a recommender from your own database, ship one .onnx file, "
        "rank on any device.",
        epilog="example:\n  edgerec demo\n  edgerec train --help",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=__version__)
    commands = whole.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=AnyOrder
    )
    for command in _COMMANDS:
        command.add_to(commands)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1 after one sentence, 130 after Ctrl-C.

    What a RecSys raises by itself goes through with its traceback: it is the user's code.
    """
    options = parser().parse_args(arguments)
    try:
        options.run(options)
    except (EdgeRecError, BundleError) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        _fail(f"interrupted{_GOES_ON.get(options.command, '')}")
        return _INTERRUPTED
    return 0


def _fail(sentence: str) -> int:
    print(f"error: {sentence}", file=sys.stderr)
    return 1
