"""edgerec evaluate: metrics of a file on a table, through the file."""

import argparse
from pathlib import Path

from edgerec.cli.commands import add_command
from edgerec.cli.drawing import DrawnProgress, column_names
from edgerec.cli.evaluation_options import add_evaluation_options, name_rows, require_places
from edgerec.cli.figures import print_evaluations
from edgerec.declared.evaluation import evaluate_declared
from edgerec.declared.reading import read_configuration
from edgerec.errors import ConfigurationError, OneClassError
from edgerec.evaluate.evaluation_rows import train_table_of
from edgerec.evaluate.scored_rows import Evaluation
from edgerec.evaluate.table import Evaluations, evaluate_table, rank_table
from edgerec.progress import Progress

_EXAMPLE = """\
  edgerec evaluate models/movielens.onnx sqlite:///movielens.db --test-table ratings_test
  edgerec evaluate models/movielens.onnx sqlite:///movielens.db --test-table ratings_test \\
      --history-table ratings_train --frozen --json
  edgerec evaluate models/shop.onnx sqlite:///shop.db --test-table purchases_test --top 10
  edgerec evaluate edgerec.toml --top 20 --repeats
  edgerec evaluate edgerec.toml --against models/yesterday.onnx"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = add_command(commands, "evaluate", _EXAMPLE)
    add_evaluation_options(parser)
    parser.add_argument(
        "--against",
        metavar="OTHER.onnx",
        help="compare with another file on the same rows and users, in pairs",
    )
    parser.add_argument(
        "--repeats",
        action="store_true",
        help="with --top: items that a user had in training may be recommended, and are relevant",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Evaluate and print."""
    require_places(options.top)
    declared = options.model.endswith(".toml")
    if options.top is None and not declared and options.repeats:
        raise ConfigurationError("--repeats belongs to --top. Give it too.")
    with DrawnProgress() as progress:
        evaluations = _declared(options, progress) if declared else _named(options, progress)
    print_evaluations(evaluations, options.json)


def _declared(options: argparse.Namespace, progress: Progress) -> Evaluations:
    if name_rows(options):
        raise ConfigurationError(
            f"{options.model} names tables, columns and rules itself: only --top, --repeats, "
            "--against and --json stand beside it. Change its section [evaluation], or name the "
            ".onnx file."
        )
    configuration = read_configuration(options.model)
    return evaluate_declared(
        configuration,
        configuration.export.path,
        top=options.top,
        repeats=options.repeats,
        against=options.against,
        progress=progress,
    )


def _named(options: argparse.Namespace, progress: Progress) -> Evaluations:
    if options.database_url is None or options.test_table is None:
        raise ConfigurationError(
            f"{Path(options.model).name} needs rows to be evaluated on: give DATABASE_URL and "
            "--test-table."
        )
    if options.top is None:
        return Evaluations(labels=_labels(options, progress))
    ranking = rank_table(
        options.model,
        options.database_url,
        options.test_table,
        k=options.top,
        train_table=options.train_table,
        repeats=options.repeats,
        against=options.against,
        label_above=options.label_above,
        names=column_names(options),
        progress=progress,
    )
    try:
        labels = _labels(options, progress)
    except OneClassError:
        # Only what was taken stands in the table: a ranking is all that can be measured.
        labels = None
    return Evaluations(labels, ranking)


def _labels(options: argparse.Namespace, progress: Progress) -> Evaluation:
    return evaluate_table(
        options.model,
        options.database_url,
        options.test_table,
        history_table=options.history_table,
        frozen=options.frozen,
        label_above=options.label_above,
        names=column_names(options),
        train_table=options.train_table or train_table_of(options.database_url, options.test_table),
        against=options.against,
        progress=progress,
    )
