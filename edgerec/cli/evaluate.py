"""edgerec evaluate: metrics of a file on a table, through the file."""

import argparse

from edgerec.cli.drawing import (
    DrawnProgress,
    add_column_options,
    add_command,
    column_options,
    print_evaluation,
)
from edgerec.evaluate.table import ColumnNames, evaluate_table

_EXAMPLE = """\
  edgerec evaluate models/movielens.onnx sqlite:///movielens.db --test-table ratings_test
  edgerec evaluate models/movielens.onnx sqlite:///movielens.db --test-table ratings_test \\
      --history-table ratings_train --frozen --json"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = add_command(
        commands, "evaluate", "score a table through an exported file and print metrics", _EXAMPLE
    )
    parser.add_argument("model", metavar="MODEL.onnx", help="the file, with its manifest beside it")
    parser.add_argument("database_url", metavar="DATABASE_URL", help="sqlite:///file.db, …")
    parser.add_argument(
        "--test-table", required=True, metavar="T", help="rows to score, in order of time"
    )
    parser.add_argument(
        "--history-table",
        metavar="H",
        help="rows that a test row may use besides those the file knows, if strictly earlier",
    )
    parser.add_argument(
        "--frozen", action="store_true", help="test rows never join their users' histories"
    )
    parser.add_argument(
        "--label-above",
        type=float,
        metavar="VALUE",
        help="a value above this is labelled 1 (default: the rule in the manifest)",
    )
    add_column_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Evaluate and print."""
    with DrawnProgress() as progress:
        evaluation = evaluate_table(
            options.model,
            options.database_url,
            options.test_table,
            history_table=options.history_table,
            frozen=options.frozen,
            label_above=options.label_above,
            names=ColumnNames(**column_options(options)),
            progress=progress,
        )
    print_evaluation(evaluation, options.json)
