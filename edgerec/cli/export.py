"""edgerec export: write the file again from what training kept."""

import argparse
from pathlib import Path

from edgerec.cli.budget import add_budget_options, asked_budget, export_within
from edgerec.cli.commands import add_command
from edgerec.cli.drawing import DrawnProgress, print_table
from edgerec.cli.train import exported_rows
from edgerec.export_settings import PRECISIONS, TARGETS, ExportSettings
from edgerec.pipeline import load_model

_EXAMPLE = """\
  edgerec export models/movielens.training --output models/movielens.onnx
  edgerec export models/movielens.training --max-bytes 3MB --max-ms 1 --max-rss 100MB"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = add_command(commands, "export", _EXAMPLE)
    parser.add_argument("training_folder", metavar="NAME.training", help="what training wrote")
    parser.add_argument("--output", metavar="NAME.onnx", help="default: beside NAME.training")
    parser.add_argument(
        "--target",
        choices=TARGETS,
        default=ExportSettings.target,
        help="where the file will run; for a phone or a web page it holds no user table, no user "
        "id and nobody's history (default: %(default)s)",
    )
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=ExportSettings.precision,
        help="how tables are stored: whole, in half the bytes, vectors of items in a quarter "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--max-loss",
        type=float,
        metavar="L",
        default=ExportSettings.max_loss,
        help="of AUC or GAUC on held-out samples that all this may cost (default: %(default)s)",
    )
    parser.add_argument(
        "--mapped",
        action=argparse.BooleanOptionalAction,
        help="write NAME.ort too, which ONNX Runtime 1.26 and later map into memory instead of "
        "reading it, and the list of operators for a build of ONNX Runtime (default: for a board "
        "and a phone)",
    )
    parser.add_argument(
        "--deduplicate",
        action="store_true",
        help="store rows that items share once: exact and far smaller, a little slower",
    )
    add_budget_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Export and print."""
    folder = Path(options.training_folder)
    output = options.output or folder.with_suffix(".onnx")
    settings = ExportSettings(
        precision=options.precision,
        target=options.target,
        deduplicate=options.deduplicate,
        max_loss=options.max_loss,
        mapped=options.mapped,
    )
    budget = asked_budget(options)
    if budget is not None:
        export_within(budget, folder, Path(output), settings, options)
        return
    with DrawnProgress() as progress:
        model = load_model(folder)
        exported = model.export(output, settings=settings, progress=progress)
    print_table(str(output), exported_rows(model, exported))
