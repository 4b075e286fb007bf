"""edgerec init: look at a database and write a draft of edgerec.toml."""

import argparse
from pathlib import Path

from edgerec.cli.commands import add_command
from edgerec.cli.drawing import DrawnProgress, add_column_options, column_names, print_table
from edgerec.declared.automatic import write_automatic_draft
from edgerec.declared.draft import write_draft
from edgerec.declared.roles import Roles, recognise
from edgerec.errors import ConfigurationError
from edgerec.files import replace_file, require_writable
from edgerec.source import describe, open_engine

_EXAMPLE = """\
  edgerec init sqlite:///movielens.db
  edgerec init mysql://reader@localhost/shop --tables interactions=orders --tables items=goods
  edgerec init sqlite:///shop.db --tables interactions=orders --timestamp-column bought_at
  edgerec init sqlite:///movielens.db --auto --random-state 1"""
_ROLES = ("interactions", "items", "users")


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = add_command(commands, "init", _EXAMPLE)
    parser.add_argument("database_url", metavar="DATABASE_URL", help="sqlite:///file.db, …")
    parser.add_argument(
        "--tables",
        action="append",
        default=[],
        metavar="ROLE=TABLE",
        help="which table holds interactions, items or users, where the guess is wrong",
    )
    add_column_options(parser)
    parser.add_argument(
        "--output", default="edgerec.toml", help="file to write (default %(default)s)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    parser.add_argument(
        "--auto",
        action="store_true",
        help="try features on held-out users, about a minute, and keep what helps",
    )
    parser.add_argument(
        "--random-state", type=int, default=0, help="seed of --auto (default %(default)s)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Recognise the tables, write the draft, print what was recognised."""
    output = Path(options.output)
    if output.exists() and not options.overwrite:
        raise ConfigurationError(
            f"{output} is there already. Name another with --output, or replace it with "
            "--overwrite."
        )
    require_writable(output)
    named = _named_tables(options.tables)
    engine = open_engine(options.database_url)
    roles = recognise(engine, named, column_names(options))
    shown = describe(engine)
    # A password does not go into a file: the whole URL then comes from the environment.
    hidden = "***" in shown and "${" not in options.database_url
    url = "${EDGEREC_DATABASE}" if hidden else options.database_url
    report = None
    if options.auto:
        with DrawnProgress() as progress:
            automatic = write_automatic_draft(
                *(engine, options.database_url, url, roles, output.stem),
                *(options.random_state, progress),
            )
        draft, roles, report = automatic.draft, automatic.roles, automatic.report
    else:
        draft = write_draft(engine, url, roles, output.stem)
    output.parent.mkdir(parents=True, exist_ok=True)
    replace_file(output, lambda temporary: temporary.write_text(draft.text, "utf-8"))
    print_table(str(output), _rows(roles))
    print(draft.label.sentence())
    if report is not None:
        print(*report.comments(), sep="\n")
    if url != options.database_url:
        print(
            "The URL holds a password, so it stands in no file. Before you train: "
            "export EDGEREC_DATABASE='…'"
        )
    print(f"next: edgerec train {output}")


def _rows(roles: Roles) -> dict[str, str]:
    columns = roles.columns
    value = f", {columns.value}" if columns.value is not None else ""
    rows = {
        "interactions": f"{roles.interactions} ({columns.user_id}, {columns.item_id}, "
        f"{columns.timestamp}{value})"
    }
    for role, things in (("items", roles.items), ("users", roles.users)):
        rows[role] = "no table of their own" if things is None else f"{things.table} ({things.id})"
    if roles.test_table is not None:
        rows["evaluation"] = roles.test_table
    return rows


def _named_tables(pairs: list[str]) -> dict[str, str]:
    named = {}
    for pair in pairs:
        role, equals, table = pair.partition("=")
        if not equals or role not in _ROLES or not table:
            raise ConfigurationError(
                f"--tables {pair}: expected ROLE=TABLE with a role of {', '.join(_ROLES)}, for "
                "example --tables interactions=orders."
            )
        named[role] = table
    return named
