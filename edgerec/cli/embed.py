"""edgerec embed: item2vec of a table by itself, and going on with it."""

import argparse
import dataclasses
from pathlib import Path

from edgerec.cli.commands import add_command
from edgerec.cli.drawing import DrawnProgress, print_table
from edgerec.declared.capabilities import declared_rec_sys
from edgerec.declared.settings import train_settings
from edgerec.item_vectors.embed import embed
from edgerec.seconds import moment

_EXAMPLE = """\
  edgerec embed edgerec.toml
  edgerec embed edgerec.toml --continue       (later: over what came since)
  edgerec train edgerec.toml --embedding models/edgerec.embedding"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = add_command(commands, "embed", _EXAMPLE)
    parser.add_argument("configuration", metavar="edgerec.toml")
    parser.add_argument(
        "--output",
        metavar="NAME.embedding",
        help="the folder to write (default: beside export.path)",
    )
    parser.add_argument("--resume", action="store_true", help="go on after an interrupt")
    parser.add_argument(
        "--continue",
        action="store_true",
        dest="go_on",
        help="go on from the vectors that are there, over interactions newer than those they know; "
        "new items get vectors",
    )
    parser.add_argument(
        "--all-cores",
        action="store_true",
        help="use every core: faster, but no two runs give the same vectors (sets workers = 0)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Read, train, keep, print."""
    rec_sys = declared_rec_sys(options.configuration)
    configuration = rec_sys.configuration
    whole = train_settings(configuration)
    settings = whole.embedding
    if options.all_cores:
        settings = dataclasses.replace(settings, workers=0)
    folder = Path(options.output or Path(configuration.export.path).with_suffix(".embedding"))
    with DrawnProgress() as progress:
        found = embed(
            rec_sys.sequence_chunks,
            folder,
            settings,
            random_state=whole.random_state,
            resume=options.resume,
            go_on=options.go_on,
            progress=progress,
        )
    n_vectors = int(found.words.known.sum())
    print_table(
        str(folder),
        {
            "items": f"{len(found.item_ids):,}, {n_vectors:,} with a vector",
            "vectors": f"{found.settings.embedding_dim} wide",
            "knows interactions until": moment(found.last_timestamp),
        },
    )
