"""edgerec report: the page about an exported file."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgerec.cli.commands import add_command
from edgerec.cli.drawing import DrawnProgress, column_names
from edgerec.cli.evaluation_options import add_evaluation_options, name_rows, require_places
from edgerec.declared.evaluation import evaluate_declared, evaluation_rows
from edgerec.declared.reading import database_url, read_configuration
from edgerec.declared.schema import Configuration
from edgerec.errors import ConfigurationError
from edgerec.evaluate.catalogue import CatalogueEvaluation
from edgerec.evaluate.evaluation_rows import EvaluationRows, rows_of_table, train_table_of
from edgerec.evaluate.table import rank_table
from edgerec.files import require_writable
from edgerec.progress import Progress
from edgerec.recsys import Id
from edgerec.report.assemble import page
from edgerec.report.measured import Measured, Titles, measure
from edgerec.report.page import write_page
from edgerec.source import open_engine, read_titles
from edgerec.titles.kept import kept_titles

_EXAMPLE = """\
  edgerec report edgerec.toml
  edgerec report models/movielens.onnx sqlite:///movielens.db --test-table ratings_test \\
      --titles movies movieId title
  edgerec report models/shop.onnx sqlite:///shop.db --test-table purchases_test --top 10"""
_N_EXAMPLES = 4


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = add_command(commands, "report", _EXAMPLE)
    add_evaluation_options(parser)
    parser.add_argument(
        "--titles",
        nargs=3,
        metavar=("TABLE", "ID", "TITLE"),
        help="table, id column and title column of what people call the items",
    )
    parser.add_argument("--output", metavar="NAME.html", help="default: beside the file")
    parser.add_argument(
        "--examples",
        type=int,
        default=_N_EXAMPLES,
        metavar="N",
        help="users to show with their histories; 0: none (default %(default)s)",
    )
    parser.add_argument(
        "--no-times",
        action="store_true",
        help="time nothing, so that the same file and rows give the same bytes",
    )
    parser.add_argument("--date", default="", help="a date for the foot of the page")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Measure and write."""
    if options.examples < 0:
        raise ConfigurationError(f"--examples is {options.examples}; expected 0 or more.")
    require_places(options.top)
    with DrawnProgress() as progress:
        if options.model.endswith(".toml"):
            configuration = _configuration(options)
            model = Path(configuration.export.path)
            test = evaluation_rows(configuration)
            ranking = None
            if test is not None:
                evaluations = evaluate_declared(
                    configuration, model, with_labels=False, progress=progress
                )
                ranking = evaluations.ranking
            titles = declared_titles(configuration)
        else:
            model = Path(options.model)
            test, ranking, titles = _named(options, progress)
        write_report(
            model,
            test,
            output=options.output,
            ranking=ranking,
            titles=titles,
            n_examples=options.examples,
            with_times=not options.no_times,
            date=options.date,
            progress=progress,
        )


def write_report(
    model: Path,
    test: EvaluationRows | None,
    *,
    progress: Progress,
    output: str | Path | None = None,
    date: str = "",
    **measuring: Any,
) -> Measured:
    """Measure the file, write the page, say where and how long it took; return what it tells."""
    target = Path(output or model.with_suffix(".html"))
    if target.suffix != ".html":
        raise ConfigurationError(
            f"--output is {str(output)!r}; the name of a report must end in .html, for example "
            "models/movielens.html."
        )
    require_writable(target)
    started = time.perf_counter()
    named = kept_titles(model.with_suffix(".training"))
    measured = measure(model, test, named=named, progress=progress, **measuring)
    n_bytes = write_page(page(measured, date=date), target)
    seconds = time.perf_counter() - started
    progress.message(f"wrote {target}, {n_bytes / 1000:.0f} KB, in {seconds:.1f} s")
    return measured


def declared_titles(configuration: Configuration) -> Titles | None:
    """Return what finds the titles that [items] declares."""
    items = configuration.items
    if items is None or items.title is None:
        return None
    return _titles(database_url(configuration), items.table, items.id, items.title)


def _titles(url: str, table: str, id_column: str, title_column: str) -> Titles:
    def of(ids: Sequence[Id]) -> list[str | None]:
        return read_titles(open_engine(url), table, id_column, title_column, ids)

    return of


def _configuration(options: argparse.Namespace) -> Configuration:
    if name_rows(options) or options.top is not None or options.titles is not None:
        raise ConfigurationError(
            f"{options.model} names the database, tables, columns and rules. Leave them out, or "
            "name the .onnx file in its place."
        )
    return read_configuration(options.model)


def _named(
    options: argparse.Namespace, progress: Progress
) -> tuple[EvaluationRows, CatalogueEvaluation | None, Titles | None]:
    if not options.database_url or not options.test_table:
        raise ConfigurationError(
            "A report on a .onnx file needs rows that training never saw. Give DATABASE_URL and "
            "--test-table."
        )
    names = column_names(options)
    test = rows_of_table(
        options.database_url,
        options.test_table,
        history_table=options.history_table,
        train_table=options.train_table or train_table_of(options.database_url, options.test_table),
        frozen=options.frozen,
        label_above=options.label_above,
        names=names,
    )
    ranking = None
    if options.top:
        ranking = rank_table(
            options.model,
            options.database_url,
            options.test_table,
            k=options.top,
            train_table=options.train_table,
            label_above=options.label_above,
            names=names,
            progress=progress,
        )
    titles = _titles(options.database_url, *options.titles) if options.titles else None
    return test, ranking, titles
