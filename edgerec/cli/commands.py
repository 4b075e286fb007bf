"""Every command and what it does: known before the module of any is imported."""

import argparse
from typing import Final

COMMANDS: Final = {
    "init": "look at a database and write a draft of edgerec.toml",
    "split": "split a table of interactions into TABLE_train and TABLE_test",
    "tune": "search settings of training on rows held out of the interactions",
    "embed": "learn item vectors (item2vec) from all interactions of a configuration, or from its "
    "[sequences], and keep them",
    "train": "train a RecSys, export it and evaluate it",
    "evaluate": "score a table through an exported file and print metrics; with --top, rank the "
    "whole catalogue for each of its users",
    "report": "write one page about an exported file: what was trained on what, how good it is, "
    "what it goes by, what it recommends",
    "export": "write the file again from what training kept",
    "add-items": "add new items to a copy of a file, without training again",
    "verify": "check a file and run its golden requests here",
    "publish": "sign a file and put it where devices look",
    "serve": "serve an exported file over HTTP",
    "similar": "list the items most like one, or like a sum of items",
    "demo": "run everything once, from a database to an answer over HTTP",
}


def add_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, example: str
) -> argparse.ArgumentParser:
    """Add a command whose --help ends with an example."""
    summary = COMMANDS[name]
    return commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"example:\n{example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
