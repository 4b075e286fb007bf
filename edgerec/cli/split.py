"""edgerec split: one table into one to train on and one to test on."""

import argparse

from edgerec.cli.drawing import add_column_options, add_command, column_options, print_table
from edgerec.samples.split import split_table
from edgerec.source import find_columns, open_engine

_EXAMPLE = """\
  edgerec split sqlite:///movielens.db --table ratings --by user-time
  edgerec split sqlite:///movielens.db --table ratings --by masks.npz:U"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = add_command(
        commands, "split", "split a table of interactions into TABLE_train and TABLE_test", _EXAMPLE
    )
    parser.add_argument("database_url", metavar="DATABASE_URL", help="sqlite:///file.db, …")
    parser.add_argument("--table", required=True, help="table of interactions")
    parser.add_argument(
        "--by",
        required=True,
        metavar="RULE",
        help="user: all rows of some users are tested; user-time: each user's last rows; time: "
        "the last rows of all; row: random rows; MASKS.npz:KEY: a boolean array over the rows, "
        "sorted by (timestamp, user, item, value)",
    )
    parser.add_argument(
        "--fraction", type=float, default=0.2, help="share to test on (default %(default)s)"
    )
    parser.add_argument("--random-state", type=int, default=0, help="seed (default %(default)s)")
    add_column_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Split and print what was written."""
    engine = open_engine(options.database_url)
    columns = find_columns(engine, options.table, **column_options(options))
    summary = split_table(
        engine,
        options.table,
        columns,
        by=options.by,
        fraction=options.fraction,
        random_state=options.random_state,
        overwrite=True,
    )
    print_table(
        f"split of {options.table} by {options.by}",
        {
            summary.train_table: f"{summary.n_train:,} rows of {summary.n_train_users:,} users",
            summary.test_table: f"{summary.n_test:,} rows of {summary.n_test_users:,} users, "
            f"{summary.n_cold_test_users:,} of them with no row to train on",
        },
    )
