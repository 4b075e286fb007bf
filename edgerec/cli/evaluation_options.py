"""The options of commands that measure a file on rows that training never saw."""

import argparse
from typing import Final

from edgerec.cli.drawing import add_column_options, column_names
from edgerec.errors import ConfigurationError
from edgerec.source import ColumnNames

# What a configuration says by itself, beside --frozen and the columns.
_NAMED: Final = ("database_url", "test_table", "history_table", "train_table", "label_above")


def add_evaluation_options(parser: argparse.ArgumentParser) -> None:
    """Add the file, the database, and how its rows are read."""
    parser.add_argument(
        "model",
        metavar="MODEL.onnx | edgerec.toml",
        help="the file, with its manifest beside it; or a configuration, which names all the rest",
    )
    parser.add_argument(
        "database_url", nargs="?", metavar="DATABASE_URL", help="sqlite:///file.db, …"
    )
    parser.add_argument("--test-table", metavar="T", help="rows that training never saw")
    parser.add_argument(
        "--history-table",
        metavar="H",
        help="rows that a test row may use besides those the file knows, if strictly earlier",
    )
    parser.add_argument(
        "--frozen", action="store_true", help="test rows never join their users' histories"
    )
    parser.add_argument(
        "--top",
        type=int,
        metavar="K",
        help="rank the whole catalogue for each test user too, and measure the best K",
    )
    parser.add_argument(
        "--train-table",
        metavar="R",
        help="rows that the file was trained on, for the baselines; with --top their items are "
        "left out too (default: the test table's name with _train)",
    )
    parser.add_argument(
        "--label-above",
        type=float,
        metavar="VALUE",
        help="a value above this is labelled 1 (default: the rule in the manifest)",
    )
    add_column_options(parser)


def require_places(top: int | None) -> None:
    """Refuse lists of no place."""
    if top is not None and top < 1:
        raise ConfigurationError(f"--top is {top}; expected 1 or more, for example 10.")


def name_rows(options: argparse.Namespace) -> bool:
    """Whether an option names what a configuration names itself."""
    named = any(getattr(options, name) is not None for name in _NAMED)
    return named or options.frozen or column_names(options) != ColumnNames()
