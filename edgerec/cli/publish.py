"""edgerec publish: put a model where devices take their next one from."""

import argparse
import getpass
import os
import sys
from pathlib import Path

from edgerec.cli.commands import add_command
from edgerec.cli.drawing import DrawnProgress, print_table
from edgerec.errors import ConfigurationError
from edgerec.feed import new_key, publish, read_secret_key

_PASSWORD_VARIABLE = "EDGEREC_KEY_PASSWORD"
_EXAMPLE = """\
  edgerec publish --new-key --key shop.key
  edgerec publish models/movielens.onnx --feed feed --key shop.key
  (copy the folder feed to any web server; a device that is started with --feed ADDRESS
  --feed-key KEY follows it)"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = add_command(commands, "publish", _EXAMPLE)
    parser.add_argument(
        "model", nargs="?", metavar="MODEL.onnx", help="the file, with its manifest beside it"
    )
    parser.add_argument("--feed", metavar="FOLDER", help="the feed; it is made where it is missing")
    parser.add_argument(
        "--key", required=True, metavar="SECRETKEY", help="the secret key: a file of minisign's"
    )
    parser.add_argument(
        "--new-key",
        action="store_true",
        help="make the secret key, and the public one beside it (.pub)",
    )
    parser.add_argument(
        "--password",
        action="store_true",
        help=f"encrypt the new key; the password is asked for, or in {_PASSWORD_VARIABLE}",
    )
    parser.add_argument(
        "--keep",
        type=int,
        default=3,
        metavar="N",
        help="earlier models that stay, each with a delta to this one (default %(default)s)",
    )
    parser.add_argument(
        "--at-least",
        type=int,
        default=1,
        metavar="N",
        help="the sequence is not less than this: for a feed whose folder was lost",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Make a key, or publish, or both."""
    if not options.new_key and options.model is None:
        raise ConfigurationError(
            "There is nothing to publish. Name a MODEL.onnx and --feed FOLDER, or make a key with "
            "--new-key."
        )
    if options.model is not None and options.feed is None:
        raise ConfigurationError("A model goes into a feed. Name its folder: --feed FOLDER.")
    if options.keep < 0:
        raise ConfigurationError(f"--keep must be 0 or more, but is {options.keep}.")
    if options.new_key:
        password = _password("New password: ") if options.password else None
        made = new_key(options.key, password)
        rows = {
            "secret key": f"{options.key}: whoever has it can publish; keep it here, and a copy",
            "public key": f"{made.public_text}, also in {Path(options.key).with_suffix('.pub')}",
        }
        print_table("a new key", rows)
    if options.model is None:
        return
    key = read_secret_key(options.key, lambda: _password("Password of the key: "))
    with DrawnProgress() as progress:
        published = publish(
            options.model,
            options.feed,
            key,
            n_kept=options.keep,
            at_least=options.at_least,
            progress=progress,
        )
    rows = {
        "sequence": f"{published.sequence}, {published.n_bytes:,} bytes",
        **{
            f"from {before}": f"{taken:,} bytes, {taken / published.n_bytes:.1%}"
            for before, taken in published.deltas.items()
        },
        "public key": key.public_text,
    }
    print_table(str(options.feed), rows)


def _password(prompt: str) -> str:
    found = os.environ.get(_PASSWORD_VARIABLE)
    if found is not None:
        return found
    if not sys.stdin.isatty():
        raise ConfigurationError(
            f"The key is encrypted, and there is no terminal to ask for its password. Set "
            f"{_PASSWORD_VARIABLE}."
        )
    return getpass.getpass(prompt)
