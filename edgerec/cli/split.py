"""edgerec split: one table into one to train on and one to test on."""

import argparse
import re

from edgerec.cli.commands import add_command
from edgerec.cli.drawing import add_column_options, column_names, print_table
from edgerec.errors import ConfigurationError
from edgerec.samples.split import split_table
from edgerec.source import RowCondition, open_engine

_EXAMPLE = """\
  edgerec split sqlite:///movielens.db --table ratings --by user-time
  edgerec split sqlite:///movielens.db --table ratings --by masks.npz:U
  edgerec split sqlite:///shop.db --table purchases --by user-time --where "Quantity > 0"

rows whose cell is NULL meet no condition: --where 'CustomerID != ""' leaves them out"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = add_command(commands, "split", _EXAMPLE)
    parser.add_argument("database_url", metavar="DATABASE_URL", help="sqlite:///file.db, …")
    parser.add_argument("--table", required=True, help="table of interactions")
    parser.add_argument(
        "--by",
        required=True,
        metavar="RULE",
        help="user: all rows of some users are tested; user-time: each user's last rows; time: "
        "the last rows of all; row: random rows; leave-last-out: the last row of each user who has "
        "two; MASKS.npz:KEY: a boolean array over the rows, sorted by (timestamp, user, item, "
        "value). Rows of the same user, item and time stay together",
    )
    parser.add_argument(
        "--fraction", type=float, default=0.2, help="share to test on (default %(default)s)"
    )
    parser.add_argument("--random-state", type=int, default=0, help="seed (default %(default)s)")
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="'COLUMN OPERATOR VALUE'",
        help="rows that are split at all (==, !=, <, <=, >, >=); may stand more than once",
    )
    add_column_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Split and print what was written."""
    engine = open_engine(options.database_url)
    columns = column_names(options).find(engine, options.table)
    summary = split_table(
        engine,
        options.table,
        columns,
        by=options.by,
        fraction=options.fraction,
        random_state=options.random_state,
        where=[_condition(text) for text in options.where],
        overwrite=True,
    )
    written = {
        summary.train_table: f"{summary.n_train:,} rows of {summary.n_train_users:,} users",
        summary.test_table: f"{summary.n_test:,} rows of {summary.n_test_users:,} users, "
        f"{summary.n_cold_test_users:,} of them with no row to train on",
    }
    if summary.n_moved:
        written["kept together"] = (
            f"{summary.n_moved:,} rows went where an identical row (user, item, time) went"
        )
    print_table(f"split of {options.table} by {options.by}", written)


def _condition(text: str) -> RowCondition:
    """Read a condition; a value in quotes, or that is no number, is text.

    >>> _condition("Quantity > 0")
    RowCondition(column='Quantity', operator='>', value=0)
    """
    found = re.fullmatch(r"\s*(.+?)\s*(==|!=|<=|>=|<|>)\s*(.+?)\s*", text)
    if found is None:
        raise ConfigurationError(
            f"--where {text!r}: expected COLUMN OPERATOR VALUE with an operator of ==, !=, <, <=, "
            '>, >=, for example --where "Quantity > 0".'
        )
    column, operator, value = found.groups()
    for number in (int, float):
        try:
            return RowCondition(column, operator, number(value))
        except ValueError:
            pass
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return RowCondition(column, operator, value[1:-1] if quoted else value)
