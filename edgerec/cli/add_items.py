"""edgerec add-items: a copy of a file that also knows items that training never saw."""

import argparse
import json
from pathlib import Path

from edgerec.additions import add_items
from edgerec.cli.commands import add_command
from edgerec.cli.drawing import DrawnProgress, print_table
from edgerec.declared.new_items import NewItems
from edgerec.declared.reading import database_url, read_configuration
from edgerec.errors import ConfigurationError
from edgerec.export_settings import ExportSettings, export_settings_from_mapping
from edgerec.pipeline import load_model
from edgerec.source import open_engine, with_variables

_EXAMPLE = "  edgerec add-items models/shop.onnx --from new_products"


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = add_command(commands, "add-items", _EXAMPLE)
    parser.add_argument(
        "model", metavar="MODEL.onnx", help="a file with what training kept beside it"
    )
    parser.add_argument(
        "--from",
        dest="table",
        metavar="TABLE",
        required=True,
        help="a row per item, with the columns that training read of [items] and [text]; items "
        "that the model knows stay as they are",
    )
    parser.add_argument(
        "--config",
        metavar="FILE",
        default="edgerec.toml",
        help="where the database's URL stands (default: %(default)s)",
    )
    parser.add_argument("--database", metavar="URL", help="the database, if no file names it")
    parser.add_argument("--output", metavar="NEW.onnx", help="the copy (default: MODEL-added.onnx)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Add and print."""
    model = Path(options.model)
    if model.suffix != ".onnx":
        raise ConfigurationError(
            f"{str(model)!r} is no model file; its name must end in .onnx. Name the file that "
            "training wrote, with NAME.json and NAME.training beside it."
        )
    output = Path(options.output or model.with_name(f"{model.stem}-added.onnx"))
    settings = _export_settings(model.with_suffix(".json"))
    folder = model.with_suffix(".training")
    before = load_model(folder).ranker
    url = (
        with_variables(options.database, "--database")
        if options.database
        else database_url(read_configuration(options.config))
    )
    with DrawnProgress() as progress:
        items = NewItems(open_engine(url), options.table, before.item_rules)
        exported = add_items(folder, items, items.ids, output, settings=settings, progress=progress)
    manifest = json.loads(output.with_suffix(".json").read_text("utf-8"))
    n_items = manifest["catalogue"]["n_items"]
    parity = exported.parity
    print_table(
        str(output),
        {
            "items added": f"{n_items - len(before.item_ids):,}",
            "items": f"{n_items:,}",
            "size": f"{exported.n_bytes / 1e6:.2f} MB",
            "parity": f"{parity.max_abs_difference:.1e} on {parity.n_requests} requests",
        },
    )


def _export_settings(manifest: Path) -> ExportSettings:
    """Return how the file was stored, so that the copy keeps its scores."""
    try:
        stated = json.loads(manifest.read_text("utf-8"))["export"]
        return export_settings_from_mapping(stated)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"{manifest} does not say how the file is stored ({error!r}). Name a file that "
            "edgeRec wrote, with its manifest beside it."
        ) from None
