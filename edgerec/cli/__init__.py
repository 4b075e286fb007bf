"""The command line: translates, prints, and decides nothing. The only place that prints."""

import argparse
import importlib
import sys
from collections.abc import Sequence

from edgerec.cli.any_order import AnyOrder
from edgerec.cli.commands import COMMANDS
from edgerec.errors import EdgeRecError
from edgerec.version import __version__

__all__ = ["main", "parser"]

_INTERRUPTED = 130
# What a command keeps that says nothing of it itself.
_GOES_ON = {"tune": "; finished trials are kept, and the same command goes on from there"}


def parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser for these arguments.

    Of other commands than theirs it knows no more than the names: who serves does not wait for what
    training needs.
    """
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
    named = _command(arguments)
    for name, summary in COMMANDS.items():
        if name == named:
            module = importlib.import_module(f"edgerec.cli.{name.replace('-', '_')}")
            module.add_to(commands)
        else:
            commands.add_parser(name, help=summary)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1 after one sentence, 130 after Ctrl-C.

    What a RecSys raises by itself goes through with its traceback: it is the user's code.
    """
    given = sys.argv[1:] if arguments is None else arguments
    try:
        options = parser(given).parse_args(given)
        # Not above: it brings ONNX Runtime with it, which `edgerec --help` can do without.
        from edgerec.scoring import BundleError

        try:
            options.run(options)
        except (EdgeRecError, BundleError) as error:
            return _fail(str(error))
    except KeyboardInterrupt:
        _fail(f"interrupted{_GOES_ON.get(_command(given), '')}")
        return _INTERRUPTED
    return 0


def _command(arguments: Sequence[str]) -> str:
    """Return the command that is named: no option that stands before it takes a value."""
    return next((word for word in arguments if not word.startswith("-")), "")


def _fail(sentence: str) -> int:
    print(f"error: {sentence}", file=sys.stderr)
    return 1
