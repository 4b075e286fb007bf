"""edgerec export within a budget: the options, the search, and its frontier as a table."""

import argparse
import math
import re
import shutil
from pathlib import Path
from typing import Final

from rich.table import Table

from edgerec.budget import Budget, Frontier, Point, search, write_chosen
from edgerec.budget.again import training_folder, trainings
from edgerec.cli.drawing import DrawnProgress, plain_console, print_table
from edgerec.cli.loading import load_rec_sys
from edgerec.cli.report import write_report
from edgerec.cli.train import exported_rows
from edgerec.declared.capabilities import declared_rec_sys
from edgerec.errors import ConfigurationError
from edgerec.export_settings import ExportSettings
from edgerec.files import require_writable, scratch_folder
from edgerec.model import Model
from edgerec.pipeline import load_model
from edgerec.recsys import RecSys

_UNITS: Final = {"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 2**10, "mib": 2**20}


def add_budget_options(parser: argparse.ArgumentParser) -> None:
    """Add the bounds."""
    group = parser.add_argument_group(
        "budget",
        "with any of these, files are exported and measured until one is within all bounds; the "
        "one that loses least on held-out samples is written, and the frontier is printed",
    )
    group.add_argument("--max-bytes", type=_size, metavar="3MB", help="of the file")
    group.add_argument(
        "--max-ms",
        type=float,
        metavar="MS",
        help="of 100 candidates with a full history, one thread, here: the median",
    )
    group.add_argument(
        "--max-rss",
        type=_size,
        metavar="100MB",
        help="resident memory of a fresh process of the device's server that holds the file",
    )
    group.add_argument(
        "--retrain",
        metavar="SOURCE",
        help="an edgerec.toml or module:Class, what the model was trained from: it may be trained "
        "again with vectors and layers of half the width; the state of the one that is chosen "
        "goes to NAME.retrained.training",
    )


def _size(text: str) -> float:
    """Return a number of bytes.

    >>> _size("3MB"), _size("500 kB"), _size("2048")
    (3000000.0, 500000.0, 2048.0)
    """
    found = re.fullmatch(r"\s*([0-9.]+)\s*([a-zA-Z]*)\s*", text)
    if found is None or found[2].lower() not in _UNITS or found[1].count(".") > 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write for example 3MB or 500KB")
    return float(found[1]) * _UNITS[found[2].lower()]


def asked_budget(options: argparse.Namespace) -> Budget | None:
    """Return the bounds that were given; None: none was."""
    budget = Budget(options.max_bytes, options.max_ms, options.max_rss)
    if budget.bounds():
        return budget
    if options.retrain:
        raise ConfigurationError(
            "--retrain serves a budget, and none was given. Add --max-bytes, --max-ms or "
            "--max-rss, or train with `edgerec train`."
        )
    return None


def export_within(
    budget: Budget,
    folder: Path,
    output: Path,
    settings: ExportSettings,
    options: argparse.Namespace,
) -> None:
    """Search, print the frontier, write the chosen file and its page."""
    require_writable(output)
    kept_state = output.with_suffix(".retrained.training")
    with scratch_folder() as scratch:
        with DrawnProgress() as progress:
            model = load_model(folder)
            again = []
            if options.retrain:
                again = trainings(model.ranker, _source(options.retrain), scratch, progress)
            frontier = search(model.ranker, budget, settings, again=again, progress=progress)
        console = plain_console()
        console.print(frontier_table(frontier))
        console.print(stored_as(frontier))
        chosen = frontier.require_chosen()
        with DrawnProgress() as progress:
            exported = write_chosen(frontier, model.ranker, output, progress)
            if chosen.trained != model.ranker.settings:
                shutil.rmtree(kept_state, ignore_errors=True)
                shutil.copytree(training_folder(scratch, chosen.trained), kept_state)
                model = Model(frontier.rankers[frontier.points.index(chosen)])
                progress.message(f"it was trained again; the state stands in {kept_state}")
            write_report(output, None, progress=progress)
    print_table(str(output), {"stored as": chosen.what, **exported_rows(model, exported)})


def _source(name: str) -> RecSys:
    return declared_rec_sys(name) if name.endswith(".toml") else load_rec_sys(name)


def frontier_table(frontier: Frontier) -> Table:
    """Return the files that no other beats, the largest first; an arrow is at the chosen one."""
    table = Table(
        "",
        "size",
        "100 candidates",
        "memory",
        "AUC",
        "GAUC",
        "top 10 stay",
        title=f"frontier: measured here, losses on {frontier.n_samples:,} held-out samples",
        title_justify="left",
    )
    for number, point in enumerate(frontier.best(), 1):
        mark = "→" if point is frontier.chosen else ""
        table.add_row(f"{mark}{number}", *_cells(point))
    return table


def stored_as(frontier: Frontier) -> Table:
    """Return how each of them is stored, by its number: a column has no room for that."""
    lines = Table("", "stored as", box=None, show_header=False)
    for number, point in enumerate(frontier.best(), 1):
        lines.add_row(f"{number}", point.what)
    return lines


def _cells(point: Point) -> list[str]:
    resident, cost = point.resident_bytes, point.cost
    auc, gauc = (
        (0.0, 0.0)
        if cost is None
        else (cost.rounded.auc - cost.exact.auc, cost.rounded.gauc - cost.exact.gauc)
    )
    return [
        f"{point.n_bytes / 1e6:.2f} MB",
        f"{point.ms:.2f} ms",
        "–" if resident is None else f"{resident / 1e6:.0f} MB",
        *("–" if math.isnan(one) else f"{one:+.5f}" for one in (auc, gauc)),
        f"{point.overlap:.1%}",
    ]
